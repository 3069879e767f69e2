//! Admission of streams and the rate of incoming messages.
//!
//! Sits in the gateway, in front of everything that costs something. A refusal
//! is an ordinary value, decided without waiting and without memory.
//!
//! Invariants: a permit is given back by being dropped, so it cannot leak; the
//! number of permits out never exceeds the limit; outgoing messages are never
//! counted. Not here: queues (nothing waits to be admitted) and the clock (the
//! caller passes the time in).

mod admission;
mod idle;
mod rate;

pub use admission::{Admission, Permit, Refused};
pub use idle::IdleWatch;
pub use rate::{MessageRate, RateExceeded};
