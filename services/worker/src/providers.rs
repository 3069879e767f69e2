//! The ordered providers of a turn: who is asked, in which order, for how long.

mod models;
mod voices;

pub(crate) use models::Models;
pub(crate) use voices::Voices;
#[cfg(test)]
pub(crate) use {models::ModelsSettings, voices::VoicesSettings};
