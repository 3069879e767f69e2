//! The key table for people: Docs/CONFIGURATION.md and config/config.env.example.

use std::fmt::Write as _;

use crate::{
    builtin,
    environment::Environment,
    keys::{KEYS, Key},
    tree::Tree,
};

/// What stands above the tables.
const INTRODUCTION: &str = include_str!("render/introduction.md");

const EXAMPLE_HEAD: &str = "\
# Variables of Nexy Server, each with its default for prod. Copy this file to
# config.env in the working directory, or name it by NEXY_CONFIG_ENV. A variable
# that is set in the environment wins over its line here.
# Docs/CONFIGURATION.md describes the keys. This file is generated:
# NEXY_BLESS=1 cargo test -p nexy-config

# Which set of defaults applies: dev, stage or prod.
#NEXY_ENV=prod
";

/// Docs/CONFIGURATION.md.
#[must_use]
pub fn render_markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    render(
        &mut text,
        |section, meaning| {
            format!(
                "\n## {section}\n\n{meaning}\n\n| key | environment | allowed | default | meaning |\n\
                 |---|---|---|---|---|\n"
            )
        },
        |key, default, meaning| {
            format!(
                "| `{}` | {} | {} | {} | {} |\n",
                key.path,
                variables(key).join(" or "),
                cell(&key.kind.allowed()),
                cell(default),
                cell(meaning),
            )
        },
    );
    text
}

/// config/config.env.example.
#[must_use]
pub fn render_env_example() -> String {
    let mut text = EXAMPLE_HEAD.to_owned();
    render(
        &mut text,
        |section, meaning| format!("\n# --- {section}: {meaning}\n"),
        |key, _, meaning| {
            let value = match prod_default(key) {
                value if value.contains([' ', '"', '#']) => format!("\"{value}\""),
                value => value,
            };
            let file =
                key.file_variable().map(|name| format!(" (or {name}, a file that holds it)"));
            let file = file.unwrap_or_default();
            format!("\n# {meaning}{file}\n#{}={value}\n", key.variable())
        },
    );
    text
}

/// Writes each section, then each of its keys with its default and its comment.
fn render(
    text: &mut String,
    section: impl Fn(&str, &str) -> String,
    row: impl Fn(&Key, &str, &str) -> String,
) {
    let comments = builtin::comments();
    let comment = |path: &str| comments.get(path).map_or("", String::as_str);
    let defaults = builtin::defaults().ok();
    let mut last = "";
    for key in KEYS {
        let name = key.path.split('.').next().unwrap_or(key.path);
        if name != last {
            text.push_str(&section(name, comment(name)));
            last = name;
        }
        text.push_str(&row(key, &default_cell(key, defaults.as_ref()), comment(key.path)));
    }
}

/// The value of all environments, or that of each where they differ.
fn default_cell(key: &Key, defaults: Option<&Tree>) -> String {
    let values =
        Environment::ALL.map(|environment| (environment, show(key, defaults, environment)));
    let [(_, dev), (_, stage), (_, prod)] = &values;
    if dev == prod && stage == prod {
        return prod.clone();
    }
    let mut text = String::new();
    for (environment, value) in
        values.iter().filter(|(env, value)| *env != Environment::Stage || value != prod)
    {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}{environment} {value}");
    }
    text
}

fn show(key: &Key, defaults: Option<&Tree>, environment: Environment) -> String {
    let value = defaults.and_then(|tree| tree.read(key, environment).ok().flatten());
    key.kind.show(&value.unwrap_or_default())
}

/// As a variable would hold it; empty where nothing is set.
fn prod_default(key: &Key) -> String {
    let value = show(key, builtin::defaults().ok().as_ref(), Environment::Prod);
    if value == key.kind.show(&serde_json::Value::Null) { String::new() } else { value }
}

fn variables(key: &Key) -> Vec<String> {
    let names = [Some(key.variable()), key.file_variable()];
    names.into_iter().flatten().map(|name| format!("`{name}`")).collect()
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
