use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{Problem, Version};

/// The values of a JSON object, read one by one; every problem is noted, none
/// ends the reading.
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    prefix: String,
    known: BTreeSet<&'static str>,
    found: &'a mut Found,
}

/// What was noticed while reading.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Rules that are broken.
    pub(crate) problems: Vec<Problem>,
    /// Keys that nothing asked for.
    pub(crate) unknown: Vec<Problem>,
}

// === impl Fields ===

impl<'a> Fields<'a> {
    pub(crate) fn new(object: &'a Map<String, Value>, found: &'a mut Found) -> Self {
        Self { object, prefix: String::new(), known: BTreeSet::new(), found }
    }

    /// What `read` makes of the object in `key`.
    pub(crate) fn object<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.required(key)?;
        self.inner(key, value, read)
    }

    /// Like [`Fields::object`], for one that may be missing or null.
    pub(crate) fn optional_object<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.optional(key)?;
        self.inner(key, value, read)
    }

    /// What `read` makes of each object of a list; a missing one is empty.
    pub(crate) fn objects<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&mut Fields<'_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.optional(key) else { return Vec::new() };
        let Value::Array(values) = value else {
            self.refuse(key, format!("must be an array, not {}", kind_of(value)));
            return Vec::new();
        };
        let places = values.iter().enumerate();
        places
            .filter_map(|(place, value)| self.inner(&format!("{key}[{place}]"), value, &read))
            .collect()
    }

    fn inner<T>(
        &mut self,
        key: &str,
        value: &'a Value,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        let Value::Object(object) = value else {
            self.refuse(key, format!("must be an object, not {}", kind_of(value)));
            return None;
        };
        let prefix = format!("{}{key}.", self.prefix);
        let mut fields = Fields { object, prefix, known: BTreeSet::new(), found: self.found };
        let read = read(&mut fields);
        fields.end();
        read
    }

    /// Notes the keys that nothing asked for. Those that begin with `x_` are
    /// remarks of whoever wrote the file.
    pub(crate) fn end(&mut self) {
        for key in self.object.keys() {
            if !self.known.contains(key.as_str()) && !key.starts_with("x_") {
                let reason = "is not a key of a manifest (begin it with x_ to keep a remark)";
                self.found.unknown.push(Problem::new(format!("{}{key}", self.prefix), reason));
            }
        }
    }

    /// A text that `parse` understands.
    pub(crate) fn text<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let value = self.required(key)?;
        let Value::String(text) = value else {
            self.refuse(key, format!("must be a string, not {}", kind_of(value)));
            return None;
        };
        self.note(parse(text).map_err(|problem| problem.at(key)))
    }

    /// Like [`Fields::text`], for a value that may be missing, null or empty.
    pub(crate) fn optional_text<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        match self.optional(key)? {
            Value::String(text) if text.is_empty() => None,
            _ => self.text(key, parse),
        }
    }

    /// A version. A JSON number is refused with the reason, because `2.10` and
    /// `2.1` are the same number and a lone one beats every dotted version.
    pub(crate) fn version(&mut self, key: &'static str) -> Option<Version> {
        self.known.insert(key);
        if let Some(Value::Number(number)) = self.object.get(key) {
            let reason = format!(
                "must be a string in the format of the app's CFBundleVersion, e.g. \"2.0.0.32\", \
                 not the number {number}: clients would be offered the same update for ever"
            );
            self.refuse(key, reason);
            return None;
        }
        self.text(key, Version::parse)
    }

    /// Texts of a list, each of which `parse` understands; a missing list is
    /// empty.
    pub(crate) fn texts<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Problem>,
    ) -> Vec<T> {
        let Some(value) = self.optional(key) else { return Vec::new() };
        let read = |value: &Value| match value {
            Value::String(text) => parse(text).map_err(|problem| problem.at(key)),
            other => {
                Err(Problem::new(key, format!("must hold strings only, not {}", kind_of(other))))
            }
        };
        let read = match value {
            Value::Array(values) => values.iter().map(read).collect(),
            other => Err(Problem::new(key, format!("must be an array, not {}", kind_of(other)))),
        };
        self.note(read).unwrap_or_default()
    }

    /// A whole number within bounds that may be missing or null.
    pub(crate) fn optional_number(
        &mut self,
        key: &'static str,
        (least, most): (u64, u64),
    ) -> Option<u64> {
        let value = self.optional(key)?;
        let number = value.as_u64().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let reason =
                format!("must be a whole number from {least} to {most}, not {}", kind_of(value));
            self.refuse(key, reason);
        }
        number
    }

    /// An optional version, as strict as [`Fields::version`].
    pub(crate) fn optional_version(&mut self, key: &'static str) -> Option<Version> {
        self.optional(key)?;
        self.version(key)
    }

    /// A number of bytes, at least one.
    pub(crate) fn size(&mut self, key: &'static str) -> Option<u64> {
        let value = self.required(key)?;
        let size = value.as_u64().filter(|size| *size > 0);
        if size.is_none() {
            let reason = format!("must be the file's length in bytes, not {}", kind_of(value));
            self.refuse(key, reason);
        }
        size
    }

    /// A boolean, or its default where it is missing.
    pub(crate) fn flag(&mut self, key: &'static str, default: bool) -> Option<bool> {
        self.known.insert(key);
        match self.object.get(key) {
            None => Some(default),
            Some(Value::Bool(flag)) => Some(*flag),
            Some(other) => {
                self.refuse(key, format!("must be true or false, not {}", kind_of(other)));
                None
            }
        }
    }

    /// Notes the problem of a result; its key is one of this object's.
    pub(crate) fn note<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.refuse(&problem.key, problem.reason)).ok()
    }

    /// The value as it is, where there is one and it is not null.
    pub(crate) fn optional(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.insert(key);
        self.object.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn refuse(&mut self, key: &str, reason: impl Into<String>) {
        let key = format!("{}{key}", self.prefix);
        self.found.problems.push(Problem::new(key, reason.into()));
    }

    fn required(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.insert(key);
        let value = self.object.get(key);
        if value.is_none() {
            self.refuse(key, "is missing");
        }
        value
    }
}

pub(crate) fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
