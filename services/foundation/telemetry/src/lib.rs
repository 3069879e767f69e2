//! Decision log, metrics and traces: what the services report about themselves.
//!
//! Every crate above `nexy-types` may use it; it depends on nothing else of
//! ours. A crate describes what it decides with one struct per decision that
//! implements [`Decision`], and reports it with [`emit`]: the line, the span
//! event and the counters come from that one call and cannot disagree.
//!
//! Invariants:
//! - Only this crate writes to stdout, and every line there is one record of
//!   the decision log. Lines of dependencies are wrapped or dropped.
//! - Reporting never blocks and never fails: queues are bounded, what does not
//!   fit is dropped and counted, and a dead collector costs only warnings.
//! - Labels of metrics come from closed sets; an unknown value is `other`.
//! - A device appears only as its [`DeviceHash`].
//!
//! Not here: serving `/metrics` and the timer of the aggregate (`runtime`),
//! the decisions themselves (the crate that decides), the export of logs over
//! OTLP (traces and metrics are exported), and rendering for people
//! (`nexyctl logs`).

mod capture;
mod decision;
mod device;
mod layer;
mod level;
mod line;
pub mod metrics;
mod otlp;
pub mod propagation;
mod setup;
mod writer;

pub use capture::{Capture, capture};
pub use decision::{Decision, emit};
pub use device::{DeviceHash, device_hash};
pub use level::Level;
pub use otlp::{Otlp, Sampling};
pub use setup::{Error, Guard, Settings, init};
