//! Compiles proto/ without protoc.
#![expect(clippy::disallowed_methods, reason = "OUT_DIR is how cargo talks to build scripts")]

use std::{env, fs, path::PathBuf};

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from("../../../proto");
    let files = ["streaming.proto", "nexy/worker/v1/worker.proto", "nexy/update/v1/update.proto"];
    for file in files {
        println!("cargo::rerun-if-changed={}", root.join(file).display());
    }
    let descriptors = protox::compile(files, [&root])?;
    let set = PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin");
    fs::write(set, descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // PCM and screenshots are shared, never copied, between decoding and sending.
        .bytes(".")
        .compile_fds(descriptors)?;
    Ok(())
}
