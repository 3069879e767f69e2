//! The ordered providers of a turn: who is asked, in which order, for how long.

mod breaker;
mod models;
mod prices;
mod voices;

use std::time::Duration;

use nexy_config::Settings;
use nexy_outbound::ProviderConnections;

pub(crate) use breaker::{Admission, Breaker, BreakerSettings, Fault};
pub(crate) use models::Models;
pub(crate) use prices::Prices;
pub(crate) use voices::{Begun, Voices};
#[cfg(test)]
pub(crate) use {models::ModelsSettings, voices::VoicesSettings};

fn connections(settings: &Settings, connect_timeout: Duration) -> ProviderConnections {
    let providers = &settings.providers;
    ProviderConnections {
        connect_timeout,
        ping_interval: providers.ping_interval,
        ping_timeout: providers.ping_timeout,
        idle_timeout: providers.idle_timeout,
        stream_window_bytes: providers.stream_window_bytes,
    }
}
