//! Messages and services generated from `proto/`.
//!
//! Only binaries and tests see this crate: generated types stop at each
//! service's `convert.rs`, and no module knows them.

/// The public contract, `proto/streaming.proto`.
pub mod streaming {
    tonic::include_proto!("streaming");
}

/// Gateway to worker, `proto/nexy/worker/v1/worker.proto`.
pub mod worker {
    tonic::include_proto!("nexy.worker.v1");
}

/// Gateway to update server, `proto/nexy/update/v1/update.proto`.
pub mod update {
    tonic::include_proto!("nexy.update.v1");
}

/// Every file descriptor above, for reflection and for the snapshot test.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
