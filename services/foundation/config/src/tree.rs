use serde_json::Value;

use crate::{
    environment::Environment,
    keys::{KEYS, Key},
    problem::{Origin, Problem},
};

/// What an entry of a flag may say beside its value.
const FLAG_FIELDS: [&str; 4] = ["value", "owner", "meaning", "remove_by"];

/// A YAML document in the shape of `unified_config.yaml`.
pub(crate) struct Tree {
    origin: Origin,
    root: Value,
}

// === impl Tree ===

impl Tree {
    /// Reads a document; `origin` is what problems name.
    pub(crate) fn parse(origin: Origin, yaml: &str) -> Result<Self, Problem> {
        let root: Value = serde_saphyr::from_str(yaml).map_err(|error| {
            let text = error.without_snippet().to_string().replace('\n', " ");
            Problem::new(origin.file(), "YAML", format!("a YAML document: {text}"))
        })?;
        match root {
            Value::Null | Value::Object(_) => Ok(Self { origin, root }),
            _ => Err(Problem::new(origin.file(), "YAML", "a map of sections")),
        }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The value of a key in one environment; `None` where it is not set. A
    /// value that another environment would take is checked all the same.
    pub(crate) fn read(
        &self,
        key: &Key,
        environment: Environment,
    ) -> Result<Option<Value>, Problem> {
        let Some(node) = self.entry(key) else { return Ok(None) };
        let Some(map) = by_environment(node) else {
            return self.accept(key, node).map(Some);
        };
        for value in map.values().filter(|value| !value.is_null()) {
            self.accept(key, value)?;
        }
        let own = map.get(environment.as_str());
        let inherited = map.get(Environment::Prod.as_str());
        let chosen = match environment {
            Environment::Stage => own.or(inherited),
            Environment::Dev | Environment::Prod => own,
        };
        chosen.filter(|value| !value.is_null()).map(|value| self.accept(key, value)).transpose()
    }

    /// A field that the entry of a flag has beside its value.
    #[cfg(test)]
    pub(crate) fn flag_field(&self, key: &Key, field: &str) -> Option<&str> {
        self.root.pointer(&pointer(key.path))?.get(field)?.as_str()
    }

    /// What is written where no key is.
    pub(crate) fn unknown_keys(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.find_unknown("", &self.root, &mut problems);
        problems
    }

    fn entry(&self, key: &Key) -> Option<&Value> {
        let node = self.root.pointer(&pointer(key.path)).filter(|node| !node.is_null())?;
        match node.get("value") {
            Some(value) if key.kind.is_flag() => Some(value).filter(|value| !value.is_null()),
            _ => Some(node),
        }
    }

    fn accept(&self, key: &Key, value: &Value) -> Result<Value, Problem> {
        key.kind.accept(value).ok_or_else(|| {
            let wanted = key.kind.allowed();
            let expected = if value.is_object() {
                format!("{wanted}, or a map of dev, stage and prod")
            } else {
                wanted
            };
            let problem = Problem::new(key.path, self.origin.describe(key.path), expected);
            if key.kind.may_show(value) { problem.given(value) } else { problem }
        })
    }

    fn find_unknown(&self, prefix: &str, node: &Value, problems: &mut Vec<Problem>) {
        let Value::Object(map) = node else {
            if !node.is_null() {
                problems.push(self.unknown(prefix, "a section with keys"));
            }
            return;
        };
        for (name, child) in map {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match Key::find(&path) {
                Some(key) => self.find_unknown_flag_fields(key, child, problems),
                None if children(&path).next().is_some() => {
                    self.find_unknown(&path, child, problems);
                }
                None => problems.push(self.unknown(&path, &known_names(prefix))),
            }
        }
    }

    fn find_unknown_flag_fields(&self, key: &Key, node: &Value, problems: &mut Vec<Problem>) {
        let Value::Object(map) = node else { return };
        if !key.kind.is_flag() || !map.contains_key("value") {
            return;
        }
        for name in map.keys().filter(|name| !FLAG_FIELDS.contains(&name.as_str())) {
            let path = format!("{}.{name}", key.path);
            problems.push(self.unknown(&path, &format!("one of {}", FLAG_FIELDS.join(", "))));
        }
    }

    fn unknown(&self, path: &str, expected: &str) -> Problem {
        Problem::new(path, self.origin.describe(path), expected)
    }
}

/// The map of dev, stage and prod that a value may be.
fn by_environment(node: &Value) -> Option<&serde_json::Map<String, Value>> {
    let map = node.as_object().filter(|map| !map.is_empty())?;
    map.keys().all(|name| Environment::from_name(name).is_some()).then_some(map)
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// The names that stand directly under a section, once each and in order.
fn children(prefix: &str) -> impl Iterator<Item = &'static str> {
    let start = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
    let mut last = None;
    KEYS.iter().filter_map(move |key| {
        let name = key.path.strip_prefix(&start)?.split('.').next()?;
        (last.replace(name) != Some(name)).then_some(name)
    })
}

/// "one of …", for a name that is not known.
pub(crate) fn known_names(prefix: &str) -> String {
    format!("a known key, one of {}", children(prefix).collect::<Vec<_>>().join(", "))
}
