use std::path::PathBuf;

use nexy_types::HardwareId;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    CommandEntry, Environment, Flags, Provenance, Sources, builtin, checks, commands, dependent,
    problem::{Problem, Problems},
    resolve::Resolved,
};

mod conversation;
mod provider;
mod service;
mod storage;

pub use conversation::{
    Actions, ActionsTransport, Audio, Backpressure, Features, KillSwitches, Limits, Workflow,
};
pub use provider::{
    Azure, Espeak, Gemini, Image, Llm, LlmProvider, OpenAi, Providers, SpeechOpenAi, Tts,
    TtsProvider, Welcome,
};
pub use service::{Admin, Grpc, Http, Ingress, InternalTls, Server, Update, Worker};
pub use storage::{Database, Guardrails, Logging, Memory, SharedState, Telemetry};

/// Every setting, checked. A field is named as the last part of its key, without
/// the unit where the type tells it; the key's comment in the YAML says more.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which set of defaults applies.
    pub env: Environment,
    /// The public gRPC service of the gateway.
    pub grpc: Grpc,
    /// TLS between the services.
    pub internal_tls: InternalTls,
    /// The internal HTTP routes of the gateway.
    pub http: Http,
    /// The update server, and how the gateway reaches it.
    pub update: Update,
    /// How much one gateway takes on.
    pub backpressure: Backpressure,
    /// Features as they were at the start; see [`crate::Live`].
    pub features: Features,
    /// Kill switches as they were at the start; see [`crate::Live`].
    pub kill_switches: KillSwitches,
    /// What the server says of itself.
    pub server: Server,
    /// How a reply is cut into segments.
    pub workflow: Workflow,
    /// The workers, and how the gateway reaches them.
    pub worker: Worker,
    /// Folder of databases, certificates and generated keys.
    pub data_dir: PathBuf,
    /// The admin routes.
    pub admin: Admin,
    /// Connections to the providers of models and voices.
    pub providers: Providers,
    /// Language models.
    pub llm: Llm,
    /// Voices.
    pub tts: Tts,
    /// The audio that clients receive.
    pub audio: Audio,
    /// How actions travel.
    pub actions: Actions,
    /// Limits on requests.
    pub limits: Limits,
    /// What the assistant remembers.
    pub memory: Memory,
    /// The database; see [`Settings::database_url`].
    pub database: Database,
    /// State shared between gateways.
    pub shared_state: SharedState,
    /// Traces and metrics.
    pub telemetry: Telemetry,
    /// What replies have to keep to.
    pub guardrails: Guardrails,
    /// The decision log.
    pub logging: Logging,
    /// Welcome audio.
    pub welcome: Welcome,
    /// The public door.
    pub ingress: Ingress,
    /// What the assistant may ask the app to do; see [`Settings::enabled_commands`].
    #[serde(skip)]
    pub commands: Vec<CommandEntry>,
}

// === impl Settings ===

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// Every problem there is, never only the first.
    pub fn load(sources: &Sources) -> Result<(Self, Provenance), Problems> {
        let mut problems = Vec::new();
        let loaded = Self::load_into(sources, &mut problems);
        match (Problems::collect(problems), loaded) {
            (None, Some(loaded)) => Ok(loaded),
            (Some(problems), _) => Err(problems),
            (None, None) => Err(Problems::from(Problem::new("config", "default", "settings"))),
        }
    }

    fn load_into(sources: &Sources, problems: &mut Vec<Problem>) -> Option<(Self, Provenance)> {
        let layers = sources.read(problems);
        let defaults = builtin::defaults().map_err(|problem| problems.push(problem)).ok()?;
        problems.extend(defaults.unknown_keys());
        let mut values = Resolved::new(&defaults, &layers, problems);
        dependent::fill_in(&mut values, &layers, problems);

        let mut fields = values.to_fields();
        fields["env"] = layers.environment.as_str().into();
        let mut settings: Self = serde_json::from_value(fields)
            .map_err(|error| problems.push(Problem::new("config", "key table", error.to_string())))
            .ok()?;
        let catalogue = settings.actions.catalogue.as_deref();
        settings.commands = commands::load(catalogue, &settings.flags(), problems);
        checks::check(&settings, &values, problems);
        let (environment, origin) = (layers.environment, layers.environment_origin);
        Some((settings, Provenance::new(environment, origin, &values)))
    }

    /// The flags as they were loaded. A running service asks [`crate::Live`].
    #[must_use]
    pub fn flags(&self) -> Flags {
        Flags { features: self.features, kill_switches: self.kill_switches }
    }

    /// The commands that are on for a device.
    #[must_use]
    pub fn enabled_commands(
        &self,
        flags: &Flags,
        device: &HardwareId,
    ) -> Vec<&nexy_types::Command> {
        let enabled = self.commands.iter().filter(|entry| entry.is_enabled(flags, device));
        enabled.map(|entry| &entry.command).collect()
    }

    /// Where the database is: `database.url`, else the PostgreSQL server of
    /// `database.host`, else a SQLite file in the data folder.
    #[must_use]
    pub fn database_url(&self) -> SecretString {
        self.database.url(&self.data_dir)
    }
}

/// A secret that may be missing.
fn secret<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<SecretString>, D::Error> {
    let text = Option::<String>::deserialize(value)?;
    Ok(text.filter(|text| !text.is_empty()).map(SecretString::from))
}
