use std::{collections::BTreeMap, path::Path};

use nexy_types::{Argument, ArgumentKind, Command, HardwareId, Risk};
use serde::Deserialize;

use crate::{
    builtin::COMMANDS,
    flags::Flags,
    problem::Problem,
    sources::{file_name, unreadable},
};

/// The key that names another catalogue.
const KEY: &str = "actions.catalogue";

/// The catalogue that is compiled in.
const BUILTIN: &str = "commands.yaml";

/// A command of `commands.yaml` with the feature that turns it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandEntry {
    /// The command.
    pub command: Command,
    /// The key of that feature; `None` means always on.
    pub flag: Option<String>,
    /// What is said with it when the model says nothing: a sentence for each
    /// primary language, in which `{name}` stands for the argument `name`.
    pub says: BTreeMap<String, String>,
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
    says: BTreeMap<String, String>,
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

/// Reads the catalogue of this file, or else the one that is compiled in.
pub(crate) fn load(
    path: Option<&Path>,
    flags: &Flags,
    problems: &mut Vec<Problem>,
) -> Vec<CommandEntry> {
    let Some(path) = path else { return parse(BUILTIN, COMMANDS, flags, problems) };
    match std::fs::read_to_string(path) {
        Ok(yaml) => parse(&file_name(path), &yaml, flags, problems),
        Err(error) => {
            problems.push(unreadable(KEY, path, &error));
            Vec::new()
        }
    }
}

/// Reads a catalogue, sorted by name.
fn parse(file: &str, yaml: &str, flags: &Flags, problems: &mut Vec<Problem>) -> Vec<CommandEntry> {
    let catalogue: Catalogue = match serde_saphyr::from_str(yaml) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            let text = error.without_snippet().to_string().replace('\n', " ");
            problems.push(Problem::new(file, "YAML", format!("a catalogue of commands: {text}")));
            return Vec::new();
        }
    };
    for (name, command) in &catalogue.commands {
        let key = format!("commands.{name}");
        if Command::normalise(name) != *name {
            problems.push(Problem::new(&key, file, "a name in lower case, words joined by _"));
        }
        let is_unknown = |flag: &&String| {
            !flags.entries().iter().any(|(key, _)| key == flag && flag.starts_with("features."))
        };
        if let Some(flag) = command.flag.as_ref().filter(is_unknown) {
            let problem = Problem::new(&key, file, "the key of a feature as flag");
            problems.push(problem.given(&flag.as_str().into()));
        }
        for (language, sentence) in &command.says {
            if command.lacks_argument_of(sentence) {
                let key = format!("{key}.says.{language}");
                let expected = "a sentence, and in its braces arguments of the command";
                problems.push(Problem::new(&key, file, expected));
            }
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
    /// Whether a sentence is blank, or names what the command does not take.
    fn lacks_argument_of(&self, sentence: &str) -> bool {
        let names = sentence.split('{').skip(1).map(|rest| rest.split_once('}'));
        let is_known = |named: Option<(&str, &str)>| {
            named.is_some_and(|(name, _)| self.arguments.contains_key(name))
        };
        sentence.trim().is_empty() || !names.into_iter().all(is_known)
    }

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
        CommandEntry { command, flag: self.flag, says: self.says }
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
