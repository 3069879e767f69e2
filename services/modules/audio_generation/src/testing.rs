//! What the tests of the voices share.

use std::time::Duration;

use nexy_outbound::ProviderConnections;
use nexy_testkit::https_server;
use reqwest::{Certificate, ClientBuilder};

/// For steps that must not be taken for slow on a busy machine.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);

/// Connections that no test waits for.
pub(crate) const fn connections() -> ProviderConnections {
    ProviderConnections {
        connect_timeout: PATIENT,
        ping_interval: PATIENT,
        ping_timeout: PATIENT,
        idle_timeout: PATIENT,
        stream_window_bytes: 262_144,
    }
}

/// What every client trusts under test, beside what the system trusts.
pub(crate) fn trusting(builder: ClientBuilder) -> ClientBuilder {
    let authority = https_server::trusted().unwrap().pem();
    builder.tls_certs_merge([Certificate::from_pem(authority.as_bytes()).unwrap()])
}
