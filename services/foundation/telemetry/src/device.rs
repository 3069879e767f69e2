use std::{fmt, sync::OnceLock};

use nexy_types::HardwareId;
use sha2::{Digest, Sha256};

/// A device in logs: the first 64 bits of a keyed hash, as `h:` and 16 hex
/// digits. Equal for equal ids under one key, and of no use to find the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceHash([u8; 8]);

static KEY: OnceLock<[u8; 32]> = OnceLock::new();

/// The hash of a device under the key given to [`crate::init`], or under a
/// random one of this process.
#[must_use]
pub fn device_hash(id: &HardwareId) -> DeviceHash {
    hash(KEY.get_or_init(random_key), id)
}

/// Fixes the key. The first one stays: hashes of one process must agree.
pub(crate) fn set_key(key: &[u8]) {
    KEY.get_or_init(|| Sha256::digest(key).into());
}

fn random_key() -> [u8; 32] {
    // Two version-4 UUIDs: 244 bits from the operating system.
    let mut hasher = Sha256::new();
    hasher.update(uuid::Uuid::new_v4().as_bytes());
    hasher.update(uuid::Uuid::new_v4().as_bytes());
    hasher.finalize().into()
}

/// The key has a fixed length and the output is cut, so a plain keyed prefix
/// gives nothing to extend.
fn hash(key: &[u8; 32], id: &HardwareId) -> DeviceHash {
    let mut hasher = Sha256::new();
    hasher.update(key);
    hasher.update(id.as_str());
    let digest: [u8; 32] = hasher.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    DeviceHash([a, b, c, d, e, f, g, h])
}

// === impl DeviceHash ===

impl fmt::Display for DeviceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h:{:016x}", u64::from_be_bytes(self.0))
    }
}

impl serde::Serialize for DeviceHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests;
