use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    connection::Answer,
    observe::sheet::{Cell, Sheet},
    screen::{Look, Tone, clean},
};

/// What every service said.
#[derive(Debug)]
pub(super) struct Report {
    /// By its address.
    pub(super) said: Vec<(String, Said)>,
    /// Whether they were only asked.
    pub(super) is_list: bool,
}

/// What one service said.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// Its flags, or the one that was changed.
    Flags(Vec<Value>),
    /// Why not.
    Refused(String),
}

// === impl Said ===

impl Said {
    pub(super) fn of(answer: anyhow::Result<Answer>) -> Self {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Self::Refused(format!("{error:#}")),
        };
        let json = answer.json().unwrap_or_default();
        match (answer.status, json) {
            (200, json) if json["flags"].is_array() => {
                Self::Flags(json["flags"].as_array().cloned().unwrap_or_default())
            }
            (200, json) if json["name"].is_string() => Self::Flags(vec![json]),
            // A 404 of the routes' own names the flags that there are.
            (404, json) if json["allowed"].is_null() => {
                Self::Refused("it has no admin routes; is its admin.token set?".to_owned())
            }
            (200, _) => Self::Refused("it answers something else than flags".to_owned()),
            (status, json) => Self::Refused(refusal(status, &json)),
        }
    }
}

fn refusal(status: u16, json: &Value) -> String {
    let error = json["error"].as_str().map_or_else(|| format!("HTTP {status}"), clean);
    let allowed = json["allowed"].as_array().into_iter().flatten();
    let allowed: Vec<String> = allowed
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .map(|value| clean(&value))
        .collect();
    if allowed.is_empty() { error } else { format!("{error}; allowed: {}", allowed.join(", ")) }
}

// === impl Report ===

impl Report {
    pub(super) fn is_done(&self) -> bool {
        self.said.iter().all(|(_, said)| matches!(said, Said::Flags(_)))
    }

    pub(super) fn json(&self) -> Value {
        let services = self.said.iter().map(|(service, said)| match said {
            Said::Flags(flags) => json!({ "service": service, "flags": flags }),
            Said::Refused(error) => json!({ "service": service, "error": error }),
        });
        json!({
            "done": self.is_done(),
            "services": services.collect::<Vec<_>>(),
            "differ": self.differing(),
        })
    }

    pub(super) fn text(&self, look: Look) -> Vec<String> {
        let mut lines: Vec<String> = self
            .said
            .iter()
            .flat_map(|(service, said)| match said {
                Said::Flags(flags) if self.is_list => sheet(service, flags).text(look),
                Said::Flags(flags) => flags.iter().map(|row| told(service, row)).collect(),
                Said::Refused(error) => {
                    vec![look.paint(Tone::Bad, &format!("{service}: not done: {error}"))]
                }
            })
            .collect();
        let differing = self.differing();
        if !differing.is_empty() {
            let names = differing.join(", ");
            let line = format!("The services do not agree on {names}.");
            lines.push(look.paint(Tone::Bad, &line));
        }
        lines
    }

    /// Flags that are not the same everywhere.
    fn differing(&self) -> Vec<String> {
        let mut values = BTreeMap::<&str, Vec<&Value>>::new();
        for (_, said) in &self.said {
            let Said::Flags(flags) = said else { continue };
            for row in flags {
                values.entry(row["name"].as_str().unwrap_or("?")).or_default().push(&row["value"]);
            }
        }
        let differ = |values: &Vec<&Value>| values.windows(2).any(|pair| pair[0] != pair[1]);
        values.iter().filter(|(_, it)| differ(it)).map(|(name, _)| clean(name)).collect()
    }
}

fn sheet(service: &str, flags: &[Value]) -> Sheet {
    let mut sheet = Sheet::new("flags", service, &["flag", "value", "configured", "because"]);
    for row in flags {
        let because = if row["is_set"] == true { "it was set" } else { "it is configured" };
        sheet.row([
            Cell::Text(row["name"].as_str().unwrap_or("?").to_owned()),
            Cell::Text(shown(&row["value"])),
            Cell::Text(shown(&row["configured"])),
            Cell::Text(because.to_owned()),
        ]);
    }
    sheet
}

fn told(service: &str, row: &Value) -> String {
    let name = clean(row["name"].as_str().unwrap_or("?"));
    let (value, configured) = (shown(&row["value"]), shown(&row["configured"]));
    if row["is_set"] == true {
        format!("{service}: {name} is {value}. Configured: {configured}.")
    } else {
        format!("{service}: {name} is {value}, as configured.")
    }
}

/// `on`, `off` or `25%`.
fn shown(value: &Value) -> String {
    match (value.as_bool(), value["percent"].as_u64()) {
        (Some(true), _) => "on".to_owned(),
        (Some(false), _) => "off".to_owned(),
        (None, Some(percent)) => format!("{percent}%"),
        (None, None) => "?".to_owned(),
    }
}
