/// One thing the assistant may ask the app to do, from `config/commands.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Normalised: lower case, words joined by `_`.
    pub name: String,
    /// What it does, in words for a model.
    pub description: String,
    /// What it takes.
    pub arguments: Vec<Argument>,
    /// What may go wrong when it is done unasked.
    pub risk: Risk,
}

/// One argument of a [`Command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The key in `args`.
    pub name: String,
    /// Its JSON type.
    pub kind: ArgumentKind,
    /// Whether the command makes no sense without it. A required string is
    /// also not blank.
    pub required: bool,
    /// What it means, in words for a model.
    pub description: String,
}

/// JSON types of arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    /// A string.
    String,
    /// A number without a fraction.
    Integer,
    /// Any number.
    Number,
    /// true or false.
    Boolean,
}

/// How much harm a command can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// Only looks.
    Reads,
    /// Changes something that is easily undone.
    Acts,
    /// Sends, pays or deletes: confirmed by voice first.
    Confirm,
}

// === impl Command ===

impl Command {
    /// The spelling under which commands are compared: trimmed, lower case,
    /// `-`, `.` and blanks written `_`.
    #[must_use]
    pub fn normalise(name: &str) -> String {
        name.trim()
            .chars()
            .map(|c| if matches!(c, '-' | '.') || c.is_whitespace() { '_' } else { c })
            .flat_map(char::to_lowercase)
            .collect()
    }
}

// === impl ArgumentKind ===

impl ArgumentKind {
    /// The JSON Schema name of the type.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}
