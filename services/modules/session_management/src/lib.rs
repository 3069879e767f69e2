//! Single-flight leases of sessions, the buffer of collected speech, and the
//! actions that wait for a yes.
//!
//! All are state of the gateway, in process: plain synchronous values behind
//! one lock each, held for the length of a call. [`Registry`] lets one turn of
//! a session run at a time; [`Collector`] keeps what COLLECT messages bring
//! until their COMMIT; [`Confirmations`] keeps what a device was asked to agree
//! to until it says something. The rules are in Docs/PROTOCOL.md.
//!
//! Invariants:
//! - a session has at most one lease, and a refused turn never disturbs the
//!   running one;
//! - a lease ends with its value, however its turn ends;
//! - what is collected is bounded in number, in bytes and in time, and leaves
//!   the buffer only by a commit that was accepted or by expiry;
//! - what waits for a yes is bounded in number and in time, is given out once,
//!   and only to the words that follow its question;
//! - no clock is read: the time comes with each call.
//!
//! Deliberately not here: cancelling turns, the admission of streams, what
//! counts as a yes (the worker's), and the same state shared between several
//! gateways.

mod collect;
mod confirm;
mod lease;
mod merge;

#[cfg(any(test, feature = "fuzzing"))]
pub mod properties;

pub use collect::{Chunk, CollectKey, CollectSettings, Collector, Full, Merged};
pub use confirm::{ConfirmSettings, Confirmations};
pub use lease::{Busy, Lease, LeaseSettings, Registry, Sessions};
pub use merge::merge;
