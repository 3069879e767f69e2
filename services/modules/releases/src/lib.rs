//! Manifests, versions, signatures and the appcast feed, as pure functions.
//!
//! The rules by which a release is accepted and shown to Sparkle 2 clients live
//! here, once: the update server applies them when it loads a release, the
//! operators' tool when it publishes one. Nothing here reads a file, a clock or
//! the network; callers bring the bytes.
//!
//! Invariants: a [`Manifest`] in hand is valid; a signature is only ever
//! verified strictly; [`feed::render`] of valid releases passes
//! [`feed::check`]; versions are ordered as Sparkle orders them
//! ([`version::compare`]), never as semver would.
//!
//! A private key is read and used here, and only ever by the tool: the server
//! has none.
//!
//! Not here: making deltas, publishing.

mod app_info;
mod artifact;
mod channel;
mod check_record;
mod claim;
pub mod client;
mod digest;
pub mod feed;
mod file_name;
mod manifest;
mod plan;
mod problem;
mod rollout;
mod secret_key;
pub mod signature;
mod translation;
mod trusted;
mod url;
pub mod version;

#[cfg(any(test, feature = "fuzzing"))]
pub mod properties;

pub use app_info::AppInfo;
pub use artifact::{Architecture, Artifact, ArtifactKind, Delta, InstallationType, OsVersion};
pub use channel::Channel;
pub use check_record::CheckRecord;
pub use claim::{Claim, ClaimVerifier};
pub use digest::Sha256Digest;
pub use file_name::FileName;
pub use manifest::{
    Informational, MAX_MANIFEST_BYTES, Manifest, Notes, NotesFormat, NotesSignature, may_replace,
};
pub use plan::{Plan, SignedFeeds, Variant};
pub use problem::Problem;
pub use rollout::{InstallId, Percent};
pub use secret_key::{SecretKey, Sink};
pub use signature::{PublicKey, Signature};
pub use translation::{Language, Translation};
pub use trusted::{Trusted, TrustedStream};
pub use url::HttpsUrl;
pub use version::Version;
