//! How calls end, and what ends them from outside.

use nexy_runtime::{Shutdown, grpc::time_is_up};
use nexy_types::ErrorType;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{frames::FrameSender, turn};
use crate::refusal::Refusal;

/// How a call ends.
#[derive(Debug)]
pub(crate) enum End {
    /// The client half-closed and the last turn is over.
    Done,
    /// With an error of the taxonomy, at once.
    Refused(Refusal),
    /// The same, of a turn that failed by itself: what it said before still
    /// leaves, unless the user says stop.
    Failed(Refusal),
    /// The client is gone.
    Vanished,
}

/// What ends a call whatever it is doing.
pub(super) enum Over {
    Leaving,
    Stopped,
    OutOfTime,
    Gone,
}

/// Resolves when a call is over whatever it is doing. Cancel-safe.
pub(super) async fn over(
    shutdown: &Shutdown,
    stop: Option<CancellationToken>,
    deadline: Option<Instant>,
    out: &FrameSender,
) -> Over {
    tokio::select! {
        biased;
        // The process leaves and waits no longer.
        () = shutdown.force().cancelled() => Over::Leaving,
        // The user said stop.
        () = turn::stopped(stop) => Over::Stopped,
        // The client's own time is up.
        () = time_is_up(deadline) => Over::OutOfTime,
        // The client is gone.
        () = out.closed() => Over::Gone,
    }
}

pub(super) fn leaving() -> Refusal {
    Refusal::unavailable("the server is shutting down")
}

pub(super) fn interrupted() -> Refusal {
    Refusal::new(ErrorType::CancelledByUser, "the session was interrupted")
}

pub(super) fn idle() -> Refusal {
    Refusal::new(ErrorType::StreamIdleTimeout, "nothing moved on the stream for too long")
}

// === impl End ===

impl End {
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) | Self::Failed(refusal) => Some(refusal),
            Self::Done | Self::Vanished => None,
        }
    }
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
