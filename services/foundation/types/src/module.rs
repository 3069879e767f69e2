use std::{fmt, future::Future, pin::Pin};

/// A boxed future, for traits that must be object-safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A part of a service that its coordinator builds, watches and stops.
///
/// The real work of a module has its own typed trait; this one only says how it
/// is doing.
pub trait Module: Send + Sync {
    /// A fixed name, as `/status` shows it.
    fn name(&self) -> &'static str;

    /// Makes the module ready. Called once, before the first request. A module
    /// that cannot start reports it through [`Module::status`].
    fn start(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// How the module is doing now. Cheap: it is asked on every `/status`.
    fn status(&self) -> ModuleStatus;

    /// Releases what the module holds. Called once, after the last request.
    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// What a module reports of itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ModuleStatus {
    /// The module's name.
    pub name: &'static str,
    /// Its state.
    pub state: ModuleState,
    /// Why, when it is not ready. Names no user content and no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The states of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ModuleState {
    /// Not started yet.
    Init,
    /// Works.
    Ready,
    /// Works in part: a fall-back serves in its place.
    Degraded,
    /// Does not work.
    Down,
}

// === impl ModuleStatus ===

impl ModuleStatus {
    /// A module that works.
    #[must_use]
    pub fn ready(name: &'static str) -> Self {
        Self { name, state: ModuleState::Ready, reason: None }
    }

    /// A module in another state, with its reason.
    #[must_use]
    pub fn with_reason(name: &'static str, state: ModuleState, reason: impl Into<String>) -> Self {
        Self { name, state, reason: Some(reason.into()) }
    }
}

// === impl ModuleState ===

impl ModuleState {
    /// The name on the wire and in `/status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for ModuleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
