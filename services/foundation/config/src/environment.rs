use std::fmt;

/// Which set of defaults applies: `NEXY_ENV`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// A developer's machine: reachable from outside, talkative, small limits.
    Dev,
    /// Rehearsal: as prod where nothing else is said.
    Stage,
    /// The real thing, and the default.
    Prod,
}

// === impl Environment ===

impl Environment {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Dev, Self::Stage, Self::Prod];

    /// `dev`, `stage` or `prod`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Stage => "stage",
            Self::Prod => "prod",
        }
    }

    /// The variant of a name, as `NEXY_ENV` spells it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|environment| environment.as_str() == name)
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
