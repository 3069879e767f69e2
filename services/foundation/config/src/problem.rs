use std::fmt;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The defaults that are compiled in.
    Default,
    /// The overlay file, by its file name.
    Overlay(String),
    /// A line of `config.env`: the file's name and the variable.
    EnvFile(String, String),
    /// A variable of the process.
    Variable(String),
    /// `--set` or `--env` on the command line.
    Set,
}

/// One thing that is wrong with the configuration, in words for an operator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The key, e.g. `grpc.port`; a file's or variable's name where no key is known.
    pub key: String,
    /// Where the value stands, e.g. `environment variable GRPC_PORT`.
    pub origin: String,
    /// What was given, quoted; `None` when it is missing or may be a secret.
    pub given: Option<String>,
    /// What is allowed.
    pub expected: String,
}

/// Everything that is wrong with the configuration. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

// === impl Origin ===

impl Origin {
    /// The place in words, for a value of `key`: `nexy.yaml: grpc.port`.
    #[must_use]
    pub fn describe(&self, key: &str) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::Overlay(file) => format!("{file}: {key}"),
            Self::EnvFile(file, variable) => format!("{file}: {variable}"),
            Self::Variable(name) => format!("environment variable {name}"),
            Self::Set if key == "env" => "--env".to_owned(),
            Self::Set => format!("--set {key}"),
        }
    }

    /// The YAML file that a tree was read from.
    pub(crate) fn file(&self) -> &str {
        match self {
            Self::Overlay(file) => file,
            Self::Default | Self::EnvFile(..) | Self::Variable(_) | Self::Set => {
                "unified_config.yaml"
            }
        }
    }
}

// === impl Problem ===

impl Problem {
    /// A problem without a value to show.
    pub(crate) fn new(key: &str, origin: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { key: key.to_owned(), origin: origin.into(), given: None, expected: expected.into() }
    }

    /// Shows a value that cannot be a secret.
    pub(crate) fn given(mut self, value: &serde_json::Value) -> Self {
        self.given = Some(value.to_string());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.key, self.origin)?;
        if let Some(given) = &self.given {
            write!(f, "{given} given, ")?;
        }
        write!(f, "expected {}", self.expected)
    }
}

// === impl Problems ===

impl Problems {
    /// Sorted by key. `None` when there are none.
    pub(crate) fn collect(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort();
        problems.dedup();
        (!problems.is_empty()).then_some(Self(problems))
    }

    /// Each problem, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

/// One line per problem.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}
