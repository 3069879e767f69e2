use std::{io::Read as _, path::Path};

use anyhow::Context as _;
use serde::Deserialize;

use super::{Baseline, figures::Figures, from_log, limits::Limits};
use crate::observe::decision_log::Input;

/// What of the output of `--json` is needed.
#[derive(Deserialize)]
struct Printed {
    figures: Option<Figures>,
}

/// The most that a report can be, in bytes; a larger file is a log.
const REPORT_LIMIT: u64 = 256 * 1024;

/// Reads what an earlier run printed, or an earlier log.
///
/// # Errors
/// When the file cannot be read or is neither. One that says too little is no
/// error: it gives the reason.
pub(super) fn read(file: &Path, limits: &Limits) -> anyhow::Result<Baseline> {
    let mut input = Input::open(file)?;
    let figures = match printed(&mut input)? {
        Some(Printed { figures: None }) => return Ok(Err("it holds no figures".to_owned())),
        Some(Printed { figures: Some(figures) }) => figures,
        None => from_log::read(&mut [input], None, limits)?.figures,
    };
    if figures.turns < limits.min_turns {
        let least = limits.min_turns;
        return Ok(Err(format!("the baseline has {} turns of {least}", figures.turns)));
    }
    Ok(Ok(figures))
}

/// `None` when it is no report.
fn printed(input: &mut Input) -> anyhow::Result<Option<Printed>> {
    let mut text = Vec::new();
    input.reader()?.take(REPORT_LIMIT).read_to_end(&mut text).context("read it")?;
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(&text) else { return Ok(None) };
    if value.get("verdict").is_none() {
        return Ok(None);
    }
    serde_json::from_value(value).map(Some).context("read its figures")
}
