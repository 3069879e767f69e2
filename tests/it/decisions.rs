//! What the decision log says is a contract with everything that reads it: the
//! fields of every line are pinned here, and every decision is in the guide.

use std::collections::{BTreeMap, BTreeSet};

use crate::layout::sources::{File, files, read, without_comments};

/// A struct whose fields are a `ctx`, or a part of one.
struct Record<'s> {
    file: &'s str,
    name: &'s str,
    fields: Vec<Field<'s>>,
}

struct Field<'s> {
    name: &'s str,
    kind: &'s str,
    attributes: String,
}

#[test]
fn the_fields_of_every_line_are_what_they_were() {
    let sources = sources();
    let deciding: BTreeSet<(&str, &str)> = sources.iter().flat_map(deciding).collect();
    assert!(deciding.len() > 50, "only {} decisions", deciding.len());
    let records: BTreeMap<(&str, &str), Record<'_>> = sources
        .iter()
        .flat_map(records)
        .map(|record| ((record.file, record.name), record))
        .collect();
    let mut lines = BTreeSet::new();
    for (file, name) in deciding {
        let Some(record) = records.get(&(file, name)) else { panic!("{file}: where is {name}?") };
        lines.insert(record.line());
        for part in record.parts() {
            // One of another crate is its own affair.
            lines.extend(records.get(&(file, part)).map(Record::line));
        }
    }
    let lines: Vec<String> = lines.into_iter().collect();
    insta::assert_snapshot!("fields", lines.join("\n"));
}

#[test]
fn every_decision_is_in_the_guide() {
    let guide = read("Docs/OPERATIONS.md");
    let mut unknown = BTreeSet::new();
    for file in sources() {
        for name in names(&file.text) {
            if !guide.contains(&format!("`{name}`")) {
                unknown.insert(format!("{}: {name}", file.path));
            }
        }
    }
    assert!(unknown.is_empty(), "not in Docs/OPERATIONS.md: {unknown:#?}");
}

/// The sources of the product, without their tests and comments.
fn sources() -> Vec<File> {
    let sources = files(&["services"], &["rs"]).into_iter();
    let sources =
        sources.filter(|file| !file.path.ends_with("/tests.rs") && !file.path.contains("/tests/"));
    let bare = |file: File| File { text: without_comments(&file.text), ..file };
    sources.map(bare).collect()
}

/// The structs that are decisions, by file and name.
fn deciding(file: &File) -> Vec<(&str, &str)> {
    let by_trait = file.text.match_indices("impl Decision for ").map(|(at, it)| at + it.len());
    let by_macro = file.text.match_indices("\ndecision!(").map(|(at, it)| at + it.len());
    let names = by_trait.chain(by_macro).map(|at| word(&file.text[at..]));
    names.filter(|name| !name.is_empty()).map(|name| (file.path.as_str(), name)).collect()
}

fn records(file: &File) -> Vec<Record<'_>> {
    let starts = file.text.match_indices("struct ");
    starts
        .filter_map(|(at, start)| {
            let rest = &file.text[at + start.len()..];
            let name = word(rest);
            let (head, body) = rest.split_once(['{', '(', ';'])?;
            let opens = rest.as_bytes().get(head.len());
            let fields = match opens {
                Some(b'{') => fields(body.split_once("\n}").map_or("", |(inside, _)| inside)),
                // A line that is made elsewhere, whole.
                Some(b'(') => {
                    let kind = body.split_once(");").map_or("", |(inside, _)| inside);
                    vec![Field { name: "*", kind, attributes: String::new() }]
                }
                _ => Vec::new(),
            };
            Some(Record { file: &file.path, name, fields })
        })
        .collect()
}

fn fields(body: &str) -> Vec<Field<'_>> {
    let mut attributes = String::new();
    let mut fields = Vec::new();
    for line in body.lines().map(str::trim) {
        if let Some((declared, kind)) = line.split_once(": ").filter(|_| line.ends_with(',')) {
            let name = declared.rsplit(' ').next().unwrap_or(declared);
            let attributes = std::mem::take(&mut attributes);
            fields.push(Field { name, kind: kind.trim_end_matches(','), attributes });
        } else {
            attributes.push_str(line);
        }
    }
    fields
}

/// The names of decisions that are written out where they are made.
fn names(text: &str) -> BTreeSet<&str> {
    let methods = text.split("fn decision(&self) -> &'static str {").skip(1);
    let fields = text.split("decision: ").skip(1);
    let by_macro = text.lines().filter(|line| line.starts_with("decision!("));
    let by_macro = by_macro.filter_map(|line| line.split_once("|_| ")).map(|(_, rest)| rest);
    methods.chain(fields).chain(by_macro).filter_map(literal).collect()
}

/// The name that a text begins with.
fn literal(text: &str) -> Option<&str> {
    let (name, _) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    (is_name && !name.is_empty()).then_some(name)
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

// === impl Record ===

impl Record<'_> {
    /// `file Name: field, perhaps?, ..Part`.
    fn line(&self) -> String {
        let shown: Vec<String> = self.fields.iter().filter_map(Field::shown).collect();
        format!("{} {}: {}", self.file, self.name, shown.join(", "))
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|field| field.is_part()).map(Field::part)
    }
}

// === impl Field ===

impl Field<'_> {
    fn is_part(&self) -> bool {
        self.attributes.contains("flatten")
    }

    /// The name of its type, without what it borrows.
    fn part(&self) -> &str {
        let kind = self.kind.trim_start_matches('&');
        word(kind.split_once(' ').filter(|_| kind.starts_with('\'')).map_or(kind, |(_, name)| name))
    }

    fn shown(&self) -> Option<String> {
        let attributes = &self.attributes;
        if attributes.contains("serde(skip)") {
            return None;
        }
        if self.is_part() {
            return Some(format!("..{}", self.part()));
        }
        let renamed =
            attributes.split_once("rename = \"").and_then(|(_, rest)| rest.split('"').next());
        let name = renamed.unwrap_or(self.name);
        let perhaps = if attributes.contains("skip_serializing_if") { "?" } else { "" };
        Some(match name {
            "*" => format!("all of {}", self.kind),
            name => format!("{name}{perhaps}"),
        })
    }
}
