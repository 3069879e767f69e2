//! The update server: appcast feeds and downloads for Sparkle clients.
//!
//! Sits behind nginx (feeds, downloads, a page for people) and answers the
//! gateway over gRPC what the newest version is. All it knows lies in two
//! folders: manifests and downloads.
//!
//! Invariants: what is served has passed every check, down to the bytes where
//! they lie here; a bad manifest never replaces a good one; a request reads the
//! catalog in memory and at most one open file, and nothing is hashed for it.
//!
//! Not here: signing and publishing (`nexyctl release`), the rules for releases
//! (`nexy-releases`), TLS and the outer paths (nginx).

mod app;
mod decisions;
mod http;
mod library;
mod rpc;
mod settings;

#[cfg(test)]
mod fixture;

use std::process::ExitCode;

fn main() -> ExitCode {
    nexy_runtime::run::<app::App>()
}
