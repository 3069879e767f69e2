use std::time::Duration;

use serde_json::{Value, json};

mod text;

pub use text::pairs;

/// What values a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A host name or IP address; `auto` where the key's comment says so.
    Host,
    /// `host:port`.
    Address,
    /// One or more addresses; separated by commas in a variable.
    Addresses,
    /// A port.
    Port,
    /// A whole number.
    Whole {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// Whole numbers, each greater than the one before; separated by commas in a
    /// variable.
    Rising {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A number.
    Decimal {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// A span of time.
    Time {
        /// What one of it is.
        unit: Unit,
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// true or false.
    Switch,
    /// A kill switch: true turns something off.
    KillSwitch,
    /// A feature: true, false or a share of the devices.
    Feature,
    /// `name=value` pairs separated by commas, as [`crate::pairs`] reads them.
    Pairs,
    /// A path of the file system.
    Path,
    /// An absolute address with one of these schemes and without credentials.
    Url(&'static [&'static str]),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Some of these words in an order of preference, none of them twice.
    Choices(&'static [&'static str]),
    /// An IANA time zone name.
    Timezone,
    /// A level, or directives such as `info,nexy_worker=debug`.
    LogFilter,
    /// Base64 of a 32-byte Ed25519 public key.
    PublicKey,
    /// A secret: from the environment or a file, and never shown.
    Secret,
    /// An address that may carry a password: from anywhere, and never shown.
    SecretUrl(&'static [&'static str]),
}

/// The unit of a [`Kind::Time`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 1/1000 s.
    Millis,
    /// 1 s.
    Seconds,
    /// 3600 s.
    Hours,
}

pub(crate) const fn whole(min: u64, max: u64) -> Kind {
    Kind::Whole { min, max }
}

pub(crate) const fn millis(min: u64, max: u64) -> Kind {
    Kind::Time { unit: Unit::Millis, min, max }
}

pub(crate) const fn seconds(min: u64, max: u64) -> Kind {
    Kind::Time { unit: Unit::Seconds, min, max }
}

pub(crate) const fn hours(min: u64, max: u64) -> Kind {
    Kind::Time { unit: Unit::Hours, min, max }
}

// === impl Kind ===

impl Kind {
    /// Whether a value of it is never shown.
    #[must_use]
    pub const fn is_hidden(self) -> bool {
        matches!(self, Self::Secret | Self::SecretUrl(_))
    }

    /// Whether it can be changed while the process runs.
    #[must_use]
    pub const fn is_flag(self) -> bool {
        matches!(self, Self::Feature | Self::KillSwitch)
    }

    /// What is allowed, in words that follow "expected".
    #[must_use]
    pub fn allowed(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Host => "a host name or IP address".to_owned(),
            Self::Address => "host:port".to_owned(),
            Self::Addresses => "one or more of host:port".to_owned(),
            Self::Port => "a port from 1 to 65535".to_owned(),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Rising { min, max } => {
                format!("whole numbers from {min} to {max}, each greater than the one before")
            }
            Self::Decimal { min, max } => format!("a number from {min} to {max}"),
            Self::Time { unit, min, max } => {
                format!("a whole number of {} from {min} to {max}", unit.plural())
            }
            Self::Switch | Self::KillSwitch => "true or false".to_owned(),
            Self::Feature => "true, false or a percentage from 0 to 100".to_owned(),
            Self::Pairs => "name=value pairs separated by commas".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Url(schemes) => format!("{}://… without credentials", schemes.join(":// or ")),
            Self::Choice(words) => words.join(" or "),
            Self::Choices(words) => format!("some of {}, each at most once", words.join(", ")),
            Self::Timezone => "an IANA time zone such as Europe/Berlin".to_owned(),
            Self::LogFilter => "trace, debug, info, warn, error or off, or directives such as \
                 info,nexy_worker=debug"
                .to_owned(),
            Self::PublicKey => "base64 of a 32-byte Ed25519 public key".to_owned(),
            Self::Secret => "a secret, from the environment or a file".to_owned(),
            Self::SecretUrl(schemes) => {
                format!("an address that begins {}:", schemes.join(": or "))
            }
        }
    }

    /// Reads the text of a variable or of `--set`. `None`: not allowed.
    pub(crate) fn read(self, text: &str) -> Option<Value> {
        // Blanks around anything but a secret are a slip of the hand.
        let text = if self == Self::Secret { text } else { text.trim() };
        let value = match self {
            Self::Port | Self::Whole { .. } | Self::Time { .. } => json!(text.parse::<u64>().ok()?),
            Self::Decimal { .. } => json!(text.parse::<f64>().ok()?),
            Self::Rising { .. } => json!(text::numbers(text)?),
            Self::Switch | Self::KillSwitch => json!(text::switch(text)?),
            Self::Feature => match text.strip_suffix('%') {
                Some(percent) => json!({ "percent": percent.trim().parse::<u64>().ok()? }),
                None => json!(text::switch(text)?),
            },
            Self::Addresses | Self::Choices(_) => {
                json!(text.split(',').map(str::trim).collect::<Vec<_>>())
            }
            _ => json!(text),
        };
        self.accept(&value)
    }

    /// Checks a value and gives its normal form. `None`: not allowed.
    pub(crate) fn accept(self, value: &Value) -> Option<Value> {
        match self {
            Self::Port => number_within(value, 1, u64::from(u16::MAX)),
            Self::Whole { min, max } | Self::Time { min, max, .. } => {
                number_within(value, min, max)
            }
            Self::Rising { min, max } => accept_rising(value, min, max),
            Self::Decimal { min, max } => {
                value.as_f64().filter(|number| (min..=max).contains(number)).map(Value::from)
            }
            Self::Switch | Self::KillSwitch => value.as_bool().map(Value::from),
            Self::Feature => accept_feature(value),
            Self::Addresses => list_of(value, text::address),
            Self::Choices(words) => {
                list_of(value, |text| text::choice(words, text)).filter(has_no_duplicates)
            }
            _ => self.accept_text(value.as_str()?).map(Value::from),
        }
    }

    fn accept_text(self, text: &str) -> Option<String> {
        match self {
            Self::Host => text::host(text),
            Self::Address => text::address(text),
            Self::Pairs => pairs(text).map(|_| text.to_owned()),
            Self::Path => (!text.trim().is_empty()).then(|| text.to_owned()),
            Self::Url(schemes) => text::url(schemes, text),
            Self::SecretUrl(schemes) => text::secret_url(schemes, text),
            Self::Choice(words) => text::choice(words, text),
            Self::Timezone => text::timezone(text),
            Self::LogFilter => text::log_filter(text),
            Self::PublicKey => text::public_key(text),
            _ => Some(text.to_owned()),
        }
    }

    /// Whether a refused value may be repeated in a message: not when it is a
    /// secret or an address with credentials.
    pub(crate) fn may_show(self, value: &Value) -> bool {
        let holds_credentials =
            matches!(self, Self::Url(_)) && value.as_str().is_some_and(|text| text.contains('@'));
        !self.is_hidden() && !holds_credentials
    }

    /// A value of it for people.
    pub(crate) fn show(self, value: &Value) -> String {
        match value {
            Value::Null => "(not set)".to_owned(),
            Value::String(text) if text.is_empty() => "(not set)".to_owned(),
            _ if self.is_hidden() => "(secret)".to_owned(),
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let words = items
                    .iter()
                    .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
                words.collect::<Vec<_>>().join(", ")
            }
            Value::Object(map) => {
                map.get("percent").map(|percent| format!("{percent}%")).unwrap_or_default()
            }
            other => other.to_string(),
        }
    }

    /// The form in which serde reads it into a field of `Settings`.
    pub(crate) fn to_field(self, value: &Value) -> Value {
        match (self, value.as_u64()) {
            (Self::Time { unit, .. }, Some(amount)) => {
                let time = unit.times(amount);
                json!({ "secs": time.as_secs(), "nanos": time.subsec_nanos() })
            }
            _ => value.clone(),
        }
    }
}

fn number_within(value: &Value, min: u64, max: u64) -> Option<Value> {
    value.as_u64().filter(|number| (min..=max).contains(number)).map(Value::from)
}

/// A list that is not empty, in which every number is greater than the last.
fn accept_rising(value: &Value, min: u64, max: u64) -> Option<Value> {
    let items = value.as_array().filter(|items| !items.is_empty())?;
    let mut least = min;
    for item in items {
        let number = item.as_u64().filter(|number| (least..=max).contains(number))?;
        least = number.saturating_add(1);
    }
    Some(value.clone())
}

fn accept_feature(value: &Value) -> Option<Value> {
    if let Value::Object(map) = value {
        let percent = map.get("percent").filter(|_| map.len() == 1)?;
        return Some(json!({ "percent": number_within(percent, 0, 100)? }));
    }
    value.as_bool().map(Value::from)
}

/// A list that is not empty and whose items all pass.
fn list_of(value: &Value, item: impl Fn(&str) -> Option<String>) -> Option<Value> {
    let items = value.as_array().filter(|items| !items.is_empty())?;
    items.iter().map(|value| item(value.as_str()?).map(Value::from)).collect()
}

fn has_no_duplicates(list: &Value) -> bool {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().enumerate().all(|(index, item)| !items[..index].contains(item))
}

// === impl Unit ===

impl Unit {
    /// How the name of a key in this unit ends.
    const fn suffixes(self) -> (&'static str, &'static str, u64) {
        match self {
            Self::Millis => ("_ms", "milliseconds", 1),
            Self::Seconds => ("_seconds", "seconds", 1000),
            Self::Hours => ("_hours", "hours", 3_600_000),
        }
    }

    pub(crate) const fn suffix(self) -> &'static str {
        self.suffixes().0
    }

    const fn plural(self) -> &'static str {
        self.suffixes().1
    }

    const fn times(self, amount: u64) -> Duration {
        Duration::from_millis(amount.saturating_mul(self.suffixes().2))
    }
}

#[cfg(test)]
mod tests;
