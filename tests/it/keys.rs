//! Every setting is read by somebody, and every flag is registered and used.
//!
//! A key counts as read when a file of a service names the key's section and
//! its field: `settings.backpressure.idle_timeout`, or `.idle_timeout` of a
//! local that the section was bound to.

use std::collections::BTreeSet;

use nexy_config::{KEYS, Key, Kind, Unit};

use crate::layout::sources::{File, files, names, read, without_comments};

/// Where settings are read. The config crate itself does not count.
const READERS: &[&str] = &[
    "services/gateway/src",
    "services/worker/src",
    "services/update/src",
    "services/nexyctl/src",
    "services/foundation/runtime/src",
];

/// Keys that nothing reads yet, each with what will. This list must shrink to
/// nothing: a key that is read has no place here.
const UNREAD: &[(&str, &str)] = &[
    ("audio.format", "a second sample format; there is only int16, which config checks"),
    ("memory.analysis_model", "facts extracted into long-term memory"),
    ("memory.max_long_term_size", "long-term memory"),
    ("shared_state.url", "leases and interrupts shared between gateways"),
    ("telemetry.otlp_protocol", "a second protocol; there is only gRPC, which config checks"),
];

/// Keys that reach a service through a method of `Settings`.
const THROUGH_METHODS: &[(&str, &[&str])] = &[(
    "database_url",
    &[
        "database.url",
        "database.host",
        "database.port",
        "database.name",
        "database.user",
        "database.password",
    ],
)];

/// Keys that only fill in others, and one that they fill in.
const THROUGH_OTHERS: &[(&str, &str)] = &[
    ("update.updates_dir", "update.downloads_dir"),
    ("tts.azure.region", "tts.azure.base_url"),
    ("actions.catalogue", "commands"),
];

/// A file of a service, ready to be searched.
struct Reader {
    /// Without comments and without white space around dots.
    text: String,
}

#[test]
fn every_key_is_read_by_something() {
    let readers = readers();
    let is_listed = |key: &Key| UNREAD.iter().any(|(path, _)| *path == key.path);
    let is_flag = |key: &&Key| !matches!(key.kind, Kind::Feature | Kind::KillSwitch);
    let mut wrong = BTreeSet::new();
    for key in KEYS.iter().filter(is_flag) {
        match (is_read(key, &readers), is_listed(key)) {
            (false, false) => wrong.insert(format!("{}: nothing reads it", key.path)),
            (true, true) => wrong.insert(format!("{}: is read now, take it off UNREAD", key.path)),
            (true, false) | (false, true) => false,
        };
    }
    let unknown = UNREAD.iter().filter(|(path, _)| !KEYS.iter().any(|key| key.path == *path));
    wrong.extend(unknown.map(|(path, _)| format!("{path}: is on UNREAD and is no key")));
    assert!(wrong.is_empty(), "settings and their readers:\n{}", lines(&wrong));
}

#[test]
fn every_flag_is_used_and_registered() {
    let readers = readers();
    let flags: Vec<&str> = KEYS
        .iter()
        .filter(|key| matches!(key.kind, Kind::Feature | Kind::KillSwitch))
        .map(|key| key.path)
        .collect();
    let mut wrong = BTreeSet::new();
    for flag in &flags {
        let asked = accessors(flag).into_iter().any(|method| {
            let call = format!(".{method}(");
            readers.iter().any(|reader| reader.text.contains(&call))
        });
        let turns_a_command_on = names(&read("config/commands.yaml"), flag);
        if !asked && !turns_a_command_on {
            wrong.insert(format!("{flag}: registered, and nobody asks for it"));
        }
    }
    for (place, used) in flags_named() {
        if !flags.contains(&used.as_str()) {
            wrong.insert(format!("{used}: used in {place}, and not registered"));
        }
    }
    assert!(wrong.is_empty(), "flags and their users:\n{}", lines(&wrong));
}

fn readers() -> Vec<Reader> {
    files(READERS, &["rs"])
        .into_iter()
        .filter(|file| !is_test(file))
        .map(|file| {
            let text = without_comments(&file.text);
            let mut joined = String::with_capacity(text.len());
            // `settings\n    .telemetry\n    .id_hash_key` is one path.
            for line in text.lines() {
                if !line.trim_start().starts_with('.') {
                    joined.push('\n');
                }
                joined.push_str(line.trim());
            }
            Reader { text: joined }
        })
        .collect()
}

fn is_test(file: &File) -> bool {
    file.path.ends_with("/tests.rs") || file.path.contains("/tests/")
}

fn is_read(key: &Key, readers: &[Reader]) -> bool {
    let through = THROUGH_METHODS.iter().find(|(_, keys)| keys.contains(&key.path));
    if let Some((method, _)) = through {
        let call = format!(".{method}(");
        return readers.iter().any(|reader| reader.text.contains(&call));
    }
    let others = THROUGH_OTHERS.iter().find(|(path, _)| *path == key.path);
    let path = others.map_or_else(|| field(key), |(_, other)| *other);
    readers.iter().any(|reader| reader.reads(path))
}

/// The field of `Settings`: the key's path without the unit, which the type
/// tells.
fn field(key: &Key) -> &'static str {
    let Kind::Time { unit, .. } = key.kind else { return key.path };
    let suffix = match unit {
        Unit::Millis => "_ms",
        Unit::Seconds => "_seconds",
        Unit::Hours => "_hours",
    };
    key.path.strip_suffix(suffix).unwrap_or(key.path)
}

fn lines(wrong: &BTreeSet<String>) -> String {
    wrong.iter().map(|line| format!("  {line}\n")).collect()
}

// === impl Reader ===

impl Reader {
    /// Directly, or through a local that the section was bound to.
    fn reads(&self, path: &str) -> bool {
        let Some((section, field)) = path.rsplit_once('.') else {
            return names(&self.text, &format!("settings.{path}"));
        };
        if names(&self.text, path) {
            return true;
        }
        self.locals(section).any(|local| names(&self.text, &format!("{local}.{field}")))
    }

    /// Names that `let NAME = &….SECTION;` gives a section.
    fn locals<'r>(&'r self, section: &str) -> impl Iterator<Item = &'r str> {
        let end = format!(".{section};");
        self.text.lines().filter_map(move |line| {
            let (name, value) = line.strip_prefix("let ")?.split_once(" = ")?;
            (value.starts_with('&') && value.ends_with(&end)).then_some(name)
        })
    }
}

// === Flags ===

/// The methods of `Flags` that answer from this flag.
fn accessors(flag: &str) -> Vec<String> {
    let source = read("services/foundation/config/src/flags.rs");
    let methods = source.split("pub fn ").skip(1);
    methods
        .filter(|method| names(method.split("\n    }\n").next().unwrap_or_default(), flag))
        .filter_map(|method| method.split('(').next())
        // Lists all flags and asks for none.
        .filter(|method| *method != "entries")
        .map(str::to_owned)
        .collect()
}

/// Every `features.…` and `kill_switches.…` in code and in the catalogue of
/// commands, with its place.
fn flags_named() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let sources = files(&["services"], &["rs"]).into_iter().filter(|file| !is_test(file));
    let texts = sources.chain(files(&["config/commands.yaml"], &["yaml"]));
    for file in texts {
        let text = without_comments(&file.text);
        for section in ["features.", "kill_switches."] {
            for (at, _) in text.match_indices(section) {
                let rest = text.get(at + section.len()..).unwrap_or_default();
                let name: String =
                    rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                if !name.is_empty() {
                    found.push((file.path.clone(), format!("{section}{name}")));
                }
            }
        }
    }
    found
}
