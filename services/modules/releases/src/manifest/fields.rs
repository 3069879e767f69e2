use serde_json::{Map, Value};

use crate::{Problem, Version};

/// The values of a JSON object, read one by one; every problem is noted, none
/// ends the reading.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    prefix: &'static str,
    problems: &'a mut Vec<Problem>,
}

// === impl Fields ===

impl<'a> Fields<'a> {
    pub(super) fn new(object: &'a Map<String, Value>, problems: &'a mut Vec<Problem>) -> Self {
        Self { object, prefix: "", problems }
    }

    /// The fields of the object in `artifact`, the only one that nests.
    pub(super) fn nested(&mut self, key: &'static str) -> Option<Fields<'_>> {
        let value = self.required(key)?;
        let Value::Object(object) = value else {
            self.refuse(key, format!("must be an object, not {}", kind_of(value)));
            return None;
        };
        Some(Fields { object, prefix: "artifact.", problems: self.problems })
    }

    /// A text that `parse` understands.
    pub(super) fn text<T>(
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
    pub(super) fn optional_text<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        match self.object.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            Some(_) => self.text(key, parse),
        }
    }

    /// A version. A JSON number is refused with the reason, because `2.10` and
    /// `2.1` are the same number and a lone one beats every dotted version.
    pub(super) fn version(&mut self, key: &'static str) -> Option<Version> {
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

    /// A number of bytes, at least one.
    pub(super) fn size(&mut self, key: &'static str) -> Option<u64> {
        let value = self.required(key)?;
        let size = value.as_u64().filter(|size| *size > 0);
        if size.is_none() {
            let reason = format!("must be the file's length in bytes, not {}", kind_of(value));
            self.refuse(key, reason);
        }
        size
    }

    /// A boolean, or its default where it is missing.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> Option<bool> {
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
    pub(super) fn note<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.refuse(&problem.key, problem.reason)).ok()
    }

    fn required(&mut self, key: &'static str) -> Option<&'a Value> {
        let value = self.object.get(key);
        if value.is_none() {
            self.refuse(key, "is missing".to_owned());
        }
        value
    }

    fn refuse(&mut self, key: &str, reason: String) {
        self.problems.push(Problem::new(format!("{}{key}", self.prefix), reason));
    }
}

fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
