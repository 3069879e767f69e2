//! SQLite and PostgreSQL behind the repository traits.
//!
//! The one crate that names a SQL driver. Modules define the traits, the worker
//! opens a [`Database`] and hands it to them.
//!
//! Invariants:
//! - Both databases run the same statements and pass the same tests; only the
//!   migrations are written twice.
//! - Tables are made and brought up to date before the first use, and a
//!   database that was away at the start is used as soon as it is there.
//! - Errors name a kind and at most a code. Drivers put values into their
//!   messages, and values are users' words.
//!
//! Hardware ids are stored as the clients give them: they are the key by which
//! a device's memory is found, and hashing them would not hide them from whoever
//! holds the database and the key.
//!
//! Not here: time-outs of single operations (the caller's), caches, and the
//! export or retention of usage reports.

mod database;
mod error;

pub use database::{Database, Settings};
pub use error::Error;
