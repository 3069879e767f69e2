use crate::{environment::Environment, keys::KEYS, problem::Origin, resolve::Resolved};

/// What every key has come to, and why. Holds no secret.
#[derive(Debug, Clone)]
pub struct Provenance {
    rows: Vec<Row>,
}

/// One key of the effective configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The key.
    pub key: &'static str,
    /// Its value for people: `(secret)` for a secret, `(not set)` for none.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Every key with its value and origin, the environment first, then in the
/// order of the YAML: what `nexyctl config show` prints.
#[must_use]
pub fn effective(provenance: &Provenance) -> Vec<Row> {
    provenance.rows.clone()
}

// === impl Provenance ===

impl Provenance {
    pub(crate) fn new(environment: Environment, origin: Origin, values: &Resolved) -> Self {
        let environment = Row { key: "env", value: environment.to_string(), origin };
        let keys = KEYS.iter().map(|key| Row {
            key: key.path,
            value: key.kind.show(values.value(key.path)),
            origin: values.origin(key.path).clone(),
        });
        Self { rows: [environment].into_iter().chain(keys).collect() }
    }

    /// The row of one key.
    #[must_use]
    pub fn row(&self, key: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == key)
    }
}

// === impl Row ===

impl Row {
    /// Where the value came from, in words: `environment variable GRPC_PORT`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.origin.describe(self.key)
    }
}
