//! What is remembered of a device: recent exchanges and reported usage.
//!
//! The worker asks [`Handle::recall`] before a turn and reports with
//! [`Handle::remember`] and [`Handle::record_usage`] after it. Where it is kept
//! stands behind [`MemoryRepository`] and [`UsageRepository`], which the
//! database crate implements.
//!
//! Invariants:
//! - Nothing here holds up a reply: reading has a deadline and falls back to
//!   what this process still holds, writing goes through a bounded queue and
//!   is done by [`Memory::run`]. A full queue drops and says so.
//! - What was remembered is recalled at once, whether or not it is written.
//! - Memory is bounded in bytes and in age, per device; devices do not see each
//!   other's.
//! - No user words leave it except as a [`Recollection`]: not in `Debug`, not
//!   in errors, not in decisions.
//!
//! Not here: storage (`database`), the prompt that the exchanges become
//! (`text_processing`), and long-term memory: no facts are extracted or kept.

mod conversation;
mod decisions;
mod exchange;
mod pending;
mod repository;
mod service;

pub use exchange::{Exchange, Recollection, Remembered, UnixMillis};
pub use repository::{Append, Error, MemoryRepository, Store, UsageReport, UsageRepository};
pub use service::{Clock, Full, Handle, Memory, Settings};
