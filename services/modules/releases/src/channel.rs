use std::fmt;

/// A line of releases that a client follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// What everybody gets.
    Stable,
    /// What testers get before.
    Beta,
    /// What the makers themselves try first.
    Alpha,
}

// === impl Channel ===

impl Channel {
    /// All channels, the calmest first.
    pub const ALL: [Self; 3] = [Self::Stable, Self::Beta, Self::Alpha];

    /// The name on the wire and in `sparkle:channel`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Beta => "beta",
            Self::Alpha => "alpha",
        }
    }

    /// The name as a heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Stable => "Stable",
            Self::Beta => "Beta",
            Self::Alpha => "Alpha",
        }
    }

    /// The channel of a wire name.
    #[must_use]
    pub fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }

    /// The file that holds the channel's manifest.
    #[must_use]
    pub const fn manifest_file(self) -> &'static str {
        match self {
            Self::Stable => "manifest.json",
            Self::Beta => "manifest_beta.json",
            Self::Alpha => "manifest_alpha.json",
        }
    }

    /// The file name of the channel's feed, the last part of its URL.
    #[must_use]
    pub const fn feed_file(self) -> &'static str {
        match self {
            Self::Stable => "appcast.xml",
            Self::Beta => "appcast-beta.xml",
            Self::Alpha => "appcast-alpha.xml",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
