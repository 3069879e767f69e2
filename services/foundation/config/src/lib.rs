//! Typed settings from YAML, environment and flags, with every problem reported at once.
//!
//! This crate stands above `nexy-types` and below everything that runs: the
//! bootstrap calls [`Settings::load`] once and hands each part of a service the
//! section it needs.
//!
//! Where a value comes from, the later winning: `config/unified_config.yaml`
//! (compiled in), the overlay file, `config.env`, the environment, `--set`.
//!
//! Invariants:
//! - [`KEYS`] is the one table. The YAML names the same keys, [`Settings`] has a
//!   field for each, and `config show`, Docs/CONFIGURATION.md and
//!   config/config.env.example are printed from it. Tests hold them together.
//! - A load reports every problem or none; it never stops at the first.
//! - [`Sources::from_process`] is the only place of the workspace that reads the
//!   environment.
//! - A secret is a `SecretString` in [`Settings`] and never part of a
//!   [`Problem`], a [`Row`] or a `Debug` text.
//! - Only flags change while the process runs ([`Live`]), and only as a whole.
//!
//! To add a key: an entry with a comment in the YAML, a row in `keys.rs`, and a
//! field in `settings/`; then `NEXY_BLESS=1 cargo test -p nexy-config`.
//!
//! Deliberately not here: exit codes, signals and file watching (`nexy-runtime`),
//! and what a setting does.

mod builtin;
mod checks;
mod commands;
mod dependent;
mod environment;
mod flags;
mod keys;
mod kind;
mod live;
mod problem;
mod provenance;
mod render;
mod resolve;
mod settings;
mod sources;
mod tree;

pub use commands::CommandEntry;
pub use environment::Environment;
pub use flags::{Feature, FlagRefused, FlagValue, Flags};
pub use keys::{KEYS, Key};
pub use kind::{Kind, Unit, pairs};
pub use live::{Adjusted, FlagChange, FlagRow, Live};
pub use problem::{Origin, Problem, Problems};
pub use provenance::{Provenance, Row, effective};
pub use render::{render_env_example, render_markdown};
pub use settings::{
    Actions, ActionsTransport, Admin, Audio, Azure, Backpressure, Database, Espeak, Features,
    Gemini, Grpc, Guardrails, Http, Image, Ingress, InternalTls, KillSwitches, Limits, Llm,
    LlmProvider, Logging, Memory, OpenAi, Providers, Server, Settings, SharedState, SpeechOpenAi,
    Telemetry, Tts, TtsProvider, Update, Welcome, Worker, Workflow,
};
pub use sources::Sources;

#[cfg(test)]
mod tests;
