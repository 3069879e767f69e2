use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    keys::{KEYS, Key},
    problem::{Origin, Problem},
    sources::{Layers, VariableLayer},
    tree::{Tree, known_names},
};

/// One value per key, each in its normal form.
pub(crate) struct Resolved(BTreeMap<&'static str, (Value, Origin)>);

type Read = Result<Option<(Value, Origin)>, Problem>;

// === impl Resolved ===

impl Resolved {
    /// Takes each key from the highest layer that sets it. Every layer is
    /// checked; where one is wrong the value below it stands in, so that the
    /// other checks can go on.
    pub(crate) fn new(defaults: &Tree, layers: &Layers, problems: &mut Vec<Problem>) -> Self {
        let mut values = BTreeMap::new();
        for key in KEYS {
            let mut chosen = (Value::Null, Origin::Default);
            for read in read_layers(key, defaults, layers) {
                match read {
                    Ok(Some(value)) => chosen = value,
                    Ok(None) => {}
                    Err(problem) => problems.push(problem),
                }
            }
            values.insert(key.path, chosen);
        }
        for (path, _) in layers.sets.iter().filter(|(path, _)| Key::find(path).is_none()) {
            let section = path.rsplit_once('.').map_or("", |(section, _)| section);
            let is_section = KEYS.iter().any(|key| key.path.starts_with(&format!("{section}.")));
            let expected = known_names(if is_section { section } else { "" });
            problems.push(Problem::new(path, Origin::Set.describe(path), expected));
        }
        Self(values)
    }

    /// The value; null where nothing is set.
    pub(crate) fn value(&self, path: &str) -> &Value {
        self.0.get(path).map_or(&Value::Null, |(value, _)| value)
    }

    /// The value of a text; `None` where it is not set or empty.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.value(path).as_str().filter(|text| !text.is_empty())
    }

    pub(crate) fn origin(&self, path: &str) -> &Origin {
        self.0.get(path).map_or(&Origin::Default, |(_, origin)| origin)
    }

    /// Puts another value in its place; it keeps where it came from.
    pub(crate) fn replace(&mut self, path: &str, value: impl Into<Value>) {
        if let Some((old, _)) = self.0.get_mut(path) {
            *old = value.into();
        }
    }

    /// Puts a value with another origin in its place.
    pub(crate) fn replace_from(&mut self, path: &str, value: Value, origin: Origin) {
        if let Some(entry) = self.0.get_mut(path) {
            *entry = (value, origin);
        }
    }

    /// Nested maps with the names of the fields of `Settings`.
    pub(crate) fn to_fields(&self) -> Value {
        let mut root = Value::Object(serde_json::Map::new());
        for key in KEYS {
            // Indexing a map by a name that is not there inserts it.
            let node = key.field().split('.').fold(&mut root, |node, name| &mut node[name]);
            *node = key.kind.to_field(self.value(key.path));
        }
        root
    }
}

/// What each layer says of a key, the lowest first.
fn read_layers(key: &Key, defaults: &Tree, layers: &Layers) -> Vec<Read> {
    let mut reads = vec![read_tree(key, defaults, layers)];
    reads.extend(layers.overlay.iter().map(|tree| read_overlay(key, tree, layers)));
    reads.extend(layers.variables.iter().map(|layer| read_variable(key, layer)));
    reads.extend(layers.sets.iter().filter(|(path, _)| path == key.path).map(|(_, text)| {
        if key.kind == crate::Kind::Secret {
            return Err(misplaced_secret(key, &Origin::Set));
        }
        convert(key, text, Origin::Set).map(Some)
    }));
    reads
}

fn read_tree(key: &Key, tree: &Tree, layers: &Layers) -> Read {
    let value = tree.read(key, layers.environment)?;
    Ok(value.map(|value| (value, tree.origin().clone())))
}

fn read_overlay(key: &Key, tree: &Tree, layers: &Layers) -> Read {
    match read_tree(key, tree, layers) {
        Ok(Some(_)) | Err(_) if key.kind == crate::Kind::Secret => {
            Err(misplaced_secret(key, tree.origin()))
        }
        read => read,
    }
}

fn read_variable(key: &Key, layer: &VariableLayer) -> Read {
    let (text, file) = (key.text(&layer.variables), key.file(&layer.variables));
    let file_variable = key.file_variable().unwrap_or_default();
    match (text, file) {
        (None, None) => Ok(None),
        (Some(text), None) => convert(key, text, layer.origin(&key.variable())).map(Some),
        (None, Some(path)) => {
            let origin = layer.origin(&file_variable);
            let text = std::fs::read_to_string(path).map_err(|error| {
                let expected = format!("the path of a readable file: {error}");
                Problem::new(key.path, origin.describe(key.path), expected).given(&path.into())
            })?;
            let text = text.trim_end_matches(['\r', '\n']);
            if text.is_empty() {
                let expected = "the path of a file that is not empty";
                let problem = Problem::new(key.path, origin.describe(key.path), expected);
                return Err(problem.given(&path.into()));
            }
            convert(key, text, origin).map(Some)
        }
        (Some(_), Some(_)) => {
            let origin = layer.origin(&file_variable).describe(key.path);
            let expected = format!("only one of {} and {file_variable}", key.variable());
            Err(Problem::new(key.path, origin, expected))
        }
    }
}

fn convert(key: &Key, text: &str, origin: Origin) -> Result<(Value, Origin), Problem> {
    match key.kind.read(text) {
        Some(value) => Ok((value, origin)),
        None => {
            let problem = Problem::new(key.path, origin.describe(key.path), key.kind.allowed());
            let given = Value::from(text);
            Err(if key.kind.may_show(&given) { problem.given(&given) } else { problem })
        }
    }
}

/// A secret in a file that is copied about, or on a command line that every
/// process can read, is one no longer.
fn misplaced_secret(key: &Key, origin: &Origin) -> Problem {
    let file = key.file_variable().unwrap_or_default();
    let expected = format!("the secret in {} or in a file named by {file}", key.variable());
    Problem::new(key.path, origin.describe(key.path), expected)
}
