use std::{collections::BTreeMap, fmt};

use nexy_types::{Argument, ArgumentKind, Command, Risk};
use serde_json::{Map, Value};

use crate::part::ActionRequest;

/// The commands that may be forwarded now.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    commands: BTreeMap<String, Command>,
}

/// An action that the catalogue allows.
#[derive(Clone, PartialEq)]
pub struct Action {
    /// The command in its normalised spelling.
    pub command: String,
    /// The arguments, unchanged; also those that the catalogue does not name.
    pub args: Map<String, Value>,
}

/// Why an action is not forwarded. Names come from the catalogue, never from
/// the model, so all of it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The catalogue has no such command.
    #[error("the command is unknown or switched off")]
    UnknownCommand,
    /// A required argument is absent, null or a blank string.
    #[error("the argument {name} is required")]
    MissingArgument {
        /// The argument.
        name: String,
    },
    /// An argument is of another JSON type.
    #[error("the argument {name} must be of type {}", expected.as_str())]
    WrongType {
        /// The argument.
        name: String,
        /// The type it should have.
        expected: ArgumentKind,
    },
}

// === impl Catalogue ===

impl Catalogue {
    /// A catalogue of these commands. Commands that are switched off are left
    /// out by the caller.
    #[must_use]
    pub fn new(commands: Vec<Command>) -> Self {
        let by_name = |command: Command| (Command::normalise(&command.name), command);
        Self { commands: commands.into_iter().map(by_name).collect() }
    }

    /// Checks what a model asks for. An optional argument may also be null.
    ///
    /// # Errors
    /// The first rule that the request breaks, in the catalogue's order.
    pub fn check(&self, request: &ActionRequest) -> Result<Action, Rejection> {
        let name = Command::normalise(&request.command);
        let command = self.commands.get(&name).ok_or(Rejection::UnknownCommand)?;
        for argument in &command.arguments {
            check_argument(argument, request.args.get(&argument.name))?;
        }
        Ok(Action { command: name, args: request.args.clone() })
    }

    /// Whether an action may leave only once the user has agreed to it. Of a
    /// command that is not in the catalogue nobody knows what it does.
    #[must_use]
    pub fn asks_first(&self, action: &Action) -> bool {
        self.commands.get(&action.command).is_none_or(|command| command.risk == Risk::Confirm)
    }
}

// === impl Action ===

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Action({}, {} args)", self.command, self.args.len())
    }
}

// === impl Rejection ===

impl Rejection {
    /// The kind of rejection, for logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::UnknownCommand => "unknown_command",
            Self::MissingArgument { .. } => "missing_argument",
            Self::WrongType { .. } => "wrong_type",
        }
    }
}

fn check_argument(argument: &Argument, value: Option<&Value>) -> Result<(), Rejection> {
    let missing = || Rejection::MissingArgument { name: argument.name.clone() };
    let value = match value {
        None | Some(Value::Null) if argument.required => return Err(missing()),
        None | Some(Value::Null) => return Ok(()),
        Some(value) => value,
    };
    if !is_of_kind(value, argument.kind) {
        let name = argument.name.clone();
        return Err(Rejection::WrongType { name, expected: argument.kind });
    }
    let blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    if argument.required && blank { Err(missing()) } else { Ok(()) }
}

/// JSON Schema's reading of the types: 5.0 is an integer too.
fn is_of_kind(value: &Value, kind: ArgumentKind) -> bool {
    match kind {
        ArgumentKind::String => value.is_string(),
        ArgumentKind::Integer => {
            value.is_i64()
                || value.is_u64()
                || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        ArgumentKind::Number => value.is_number(),
        ArgumentKind::Boolean => value.is_boolean(),
    }
}

#[cfg(test)]
mod tests;
