use jiff::Timestamp;

use super::{
    events::Events,
    groups::Groups,
    slowest::{Calls, Slowest},
    tables::Question,
};
use crate::observe::{decision_log::Record, sheet::Sheet};

/// What is gathered for some questions.
pub(super) struct Answer {
    parts: Vec<Part>,
    extent: Option<(Timestamp, Timestamp)>,
}

/// What one table is made of.
enum Part {
    Calls(Calls),
    Slowest(Slowest),
    Groups(Groups),
    Events(Events),
}

// === impl Answer ===

impl Answer {
    pub(super) fn to(questions: &[Question]) -> Self {
        Self {
            parts: questions.iter().flat_map(|question| parts(*question)).collect(),
            extent: None,
        }
    }

    pub(super) fn take(&mut self, record: &Record<'_>) {
        let at = record.at;
        let (first, last) = self.extent.get_or_insert((at, at));
        (*first, *last) = ((*first).min(at), (*last).max(at));
        for part in &mut self.parts {
            match part {
                Part::Calls(calls) => calls.take(record),
                Part::Slowest(slowest) => slowest.take(record),
                Part::Groups(groups) => groups.take(record),
                Part::Events(events) => events.take(record),
            }
        }
    }

    /// From the first to the last record that was taken.
    pub(super) const fn extent(&self) -> Option<(Timestamp, Timestamp)> {
        self.extent
    }

    pub(super) fn sheets(&self) -> Vec<Sheet> {
        let sheet = |part: &Part| match part {
            Part::Calls(calls) => calls.sheet(),
            Part::Slowest(slowest) => slowest.sheet(),
            Part::Groups(groups) => groups.sheet(),
            Part::Events(events) => events.sheet(),
        };
        self.parts.iter().map(sheet).collect()
    }
}

fn parts(question: Question) -> Vec<Part> {
    let mut parts = match question {
        Question::Rpcs => vec![Part::Calls(Calls::default())],
        Question::Slow => vec![Part::Slowest(Slowest::default())],
        Question::Releases => vec![Part::Events(Events::releases())],
        Question::Services => vec![Part::Events(Events::services())],
        Question::Errors
        | Question::Refusals
        | Question::Interrupts
        | Question::Providers
        | Question::Degraded
        | Question::Actions
        | Question::Workers
        | Question::Connections => Vec::new(),
    };
    parts.extend(question.groupings().into_iter().map(|it| Part::Groups(Groups::new(it))));
    parts
}
