//! The ordered providers of a turn: who is asked, in which order, for how long.

mod breaker;
mod models;
mod prices;
mod voices;

pub(crate) use breaker::{Breaker, BreakerSettings, Fault};
pub(crate) use models::{GuardedModel, Models};
pub(crate) use prices::Prices;
pub(crate) use voices::{Begun, Voices};
#[cfg(test)]
pub(crate) use {models::ModelsSettings, voices::VoicesSettings};
