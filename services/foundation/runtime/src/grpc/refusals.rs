use std::{
    collections::HashMap,
    io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use nexy_telemetry::{Decision, Level, metrics};
use serde::Serialize;

/// How often the same reason is written down at most. Whoever can reach a port
/// can fail there as often as they like.
const QUIET: Duration = Duration::from_secs(60);

/// Why a connection was closed before its first call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// There are as many as there may be.
    TooMany,
    /// Its first HTTP/2 bytes, or a TLS handshake before them, took too long.
    TooSlow,
    /// The system had no room for it.
    AcceptFailed,
    /// It began with something else than a TLS handshake.
    NotTls,
    /// It had to show a certificate, and did not.
    NoCertificate,
    /// Its certificate is of a CA that is not ours.
    UnknownIssuer,
    /// Its certificate is not valid any more, or not yet.
    Expired,
    /// Its certificate is that of another service than may ask.
    WrongName,
    /// It did not accept our certificate, or anything else that we offer.
    RefusedByPeer,
    /// Any other fault of a TLS handshake.
    Broken,
}

/// Counts connections that were refused, and says so now and then.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<Reason, Said>>);

#[derive(Debug)]
struct Said {
    at: Instant,
    /// Since then.
    more: u64,
}

#[derive(Debug, Serialize)]
struct ConnectionRefused {
    reason: Reason,
    /// With those that were not written down before.
    count: u64,
}

// === impl Reason ===

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::TooSlow => "too_slow",
            Self::AcceptFailed => "accept_failed",
            Self::NotTls => "not_tls",
            Self::NoCertificate => "no_certificate",
            Self::UnknownIssuer => "unknown_issuer",
            Self::Expired => "expired",
            Self::WrongName => "wrong_name",
            Self::RefusedByPeer => "refused_by_peer",
            Self::Broken => "broken",
        }
    }

    /// Why a handshake failed; `None` when the client just went away.
    pub(super) fn of_handshake(error: &io::Error) -> Option<Self> {
        use rustls::{CertificateError as Certificate, Error};
        let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>())?;
        Some(match cause {
            Error::InvalidMessage(_) => Self::NotTls,
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::AlertReceived(_) => Self::RefusedByPeer,
            Error::InvalidCertificate(fault) => match fault {
                // Of a CA with the same name and another key.
                Certificate::UnknownIssuer | Certificate::BadSignature => Self::UnknownIssuer,
                Certificate::Expired
                | Certificate::ExpiredContext { .. }
                | Certificate::NotValidYet
                | Certificate::NotValidYetContext { .. } => Self::Expired,
                Certificate::NotValidForName
                | Certificate::NotValidForNameContext { .. }
                | Certificate::InvalidPurpose
                | Certificate::InvalidPurposeContext { .. } => Self::WrongName,
                _ => Self::Broken,
            },
            _ => Self::Broken,
        })
    }
}

// === impl Refusals ===

impl Refusals {
    /// Counts one, and logs it unless the same was logged a moment ago.
    pub(super) fn count(&self, reason: Reason) {
        metrics::CONNECTIONS_REFUSED.increment([reason.as_str()]);
        if let Some(count) = self.due(reason, Instant::now()) {
            nexy_telemetry::emit(&ConnectionRefused { reason, count });
        }
    }

    /// How many to write down now, if any.
    fn due(&self, reason: Reason, now: Instant) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match said.get_mut(&reason) {
            Some(said) if now.duration_since(said.at) < QUIET => {
                said.more += 1;
                None
            }
            known => {
                let count = 1 + known.map_or(0, |said| said.more);
                said.insert(reason, Said { at: now, more: 0 });
                Some(count)
            }
        }
    }
}

impl Decision for ConnectionRefused {
    fn scope(&self) -> &'static str {
        "grpc"
    }
    fn decision(&self) -> &'static str {
        "connection_refused"
    }
    fn level(&self) -> Level {
        Level::Warn
    }
}

#[cfg(test)]
mod tests;
