//! The integration tests of the whole product.
#![expect(clippy::expect_used, clippy::panic, reason = "a helper of tests fails as a test does")]

mod compose;
mod confirm;
mod contract;
mod deadlines;
mod decisions;
mod flags;
mod forged;
mod gateways;
mod greetings;
mod ingress;
mod interrupts;
mod keys;
mod layout;
mod mtls;
mod observability;
mod openai;
mod operators;
mod privacy;
mod processes;
mod proto;
mod releases;
mod remembered;
mod rpcs;
mod screenshots;
mod shipped;
mod skew;
mod support;
mod traces;
mod trust;
mod turns;
mod voices;
mod wire;
mod workers;
