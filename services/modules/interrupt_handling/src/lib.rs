//! Which turns run for which device, and how they are stopped.
//!
//! Sits in the gateway. A running turn holds a [`RunningTurn`]; interrupting
//! its device cancels the turn's token and waits until the guard is dropped,
//! which its owner does when no frame of the turn can be sent any more.
//!
//! Invariants: an interrupt touches only turns of its own device that were
//! running when it came; a turn that starts afterwards is not affected; a guard
//! cannot leak, and there is no state left when no turn runs. Not here: what
//! stopping a turn means (the owner of the token decides).

mod registry;

pub use registry::{Interrupts, RunningTurn};
