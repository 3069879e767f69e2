use std::collections::BTreeMap;

use nexy_types::{Argument, ArgumentKind, Command, HardwareId, Risk};
use serde::Deserialize;

use crate::{flags::Flags, problem::Problem};

/// A command of `commands.yaml` with the feature that turns it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandEntry {
    /// The command.
    pub command: Command,
    /// The key of that feature; `None` means always on.
    pub flag: Option<String>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    commands: BTreeMap<String, WrittenCommand>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCommand {
    description: String,
    risk: WrittenRisk,
    flag: Option<String>,
    #[serde(default)]
    arguments: BTreeMap<String, WrittenArgument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenArgument {
    #[serde(rename = "type")]
    kind: WrittenKind,
    #[serde(default)]
    required: bool,
    description: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenRisk {
    Reads,
    Acts,
    Confirm,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenKind {
    String,
    Integer,
    Number,
    Boolean,
}

/// Reads the catalogue, sorted by name.
pub(crate) fn parse(yaml: &str, flags: &Flags, problems: &mut Vec<Problem>) -> Vec<CommandEntry> {
    const FILE: &str = "commands.yaml";
    let catalogue: Catalogue = match serde_saphyr::from_str(yaml) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            let text = error.without_snippet().to_string().replace('\n', " ");
            problems.push(Problem::new(FILE, "YAML", format!("a catalogue of commands: {text}")));
            return Vec::new();
        }
    };
    for (name, command) in &catalogue.commands {
        let key = format!("commands.{name}");
        if Command::normalise(name) != *name {
            problems.push(Problem::new(&key, FILE, "a name in lower case, words joined by _"));
        }
        let is_unknown = |flag: &&String| {
            !flags.entries().iter().any(|(key, _)| key == flag && flag.starts_with("features."))
        };
        if let Some(flag) = command.flag.as_ref().filter(is_unknown) {
            let problem = Problem::new(&key, FILE, "the key of a feature as flag");
            problems.push(problem.given(&flag.as_str().into()));
        }
    }
    catalogue.commands.into_iter().map(|(name, written)| written.into_entry(name)).collect()
}

// === impl CommandEntry ===

impl CommandEntry {
    /// Whether the command may be used on a device.
    #[must_use]
    pub fn is_enabled(&self, flags: &Flags, device: &HardwareId) -> bool {
        self.flag.as_ref().is_none_or(|flag| flags.feature_enabled(flag, device) == Some(true))
    }
}

// === impl WrittenCommand ===

impl WrittenCommand {
    fn into_entry(self, name: String) -> CommandEntry {
        let arguments = self.arguments.into_iter().map(|(name, argument)| Argument {
            name,
            kind: argument.kind.into(),
            required: argument.required,
            description: argument.description,
        });
        let command = Command {
            name,
            description: self.description,
            arguments: arguments.collect(),
            risk: self.risk.into(),
        };
        CommandEntry { command, flag: self.flag }
    }
}

impl From<WrittenRisk> for Risk {
    fn from(risk: WrittenRisk) -> Self {
        match risk {
            WrittenRisk::Reads => Self::Reads,
            WrittenRisk::Acts => Self::Acts,
            WrittenRisk::Confirm => Self::Confirm,
        }
    }
}

impl From<WrittenKind> for ArgumentKind {
    fn from(kind: WrittenKind) -> Self {
        match kind {
            WrittenKind::String => Self::String,
            WrittenKind::Integer => Self::Integer,
            WrittenKind::Number => Self::Number,
            WrittenKind::Boolean => Self::Boolean,
        }
    }
}

#[cfg(test)]
mod tests;
