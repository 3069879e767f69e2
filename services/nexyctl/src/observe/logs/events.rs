use std::collections::VecDeque;

use crate::observe::{
    decision_log::Record,
    sheet::{Cell, Sheet},
};

/// The last records of some kinds, one by one.
pub(super) struct Events {
    key: &'static str,
    title: &'static str,
    of: fn(&Record<'_>) -> bool,
    last: VecDeque<[String; 5]>,
    earlier: u64,
}

/// How many are kept.
const MOST: usize = 20;

// === impl Events ===

impl Events {
    pub(super) fn releases() -> Self {
        Self::new("releases", "Releases", |record| record.scope == "releases")
    }

    /// What happened to the services themselves; not each phase of leaving.
    pub(super) fn services() -> Self {
        Self::new("services", "Services", |record| match record.decision {
            "shutdown" => matches!(record.text("phase"), Some("drain" | "force" | "abandoned")),
            decision => matches!(
                decision,
                "listening"
                    | "config_invalid"
                    | "start_failed"
                    | "serve_failed"
                    | "panic"
                    | "config_reloaded"
                    | "flag_changed"
                    | "admin_denied"
                    | "certificate_reloaded"
                    | "certificate_made"
                    | "ingress_reloaded"
                    | "upstream_unresolved"
                    | "nginx_ended"
                    | "log_lines_dropped"
            ),
        })
    }

    const fn new(key: &'static str, title: &'static str, of: fn(&Record<'_>) -> bool) -> Self {
        Self { key, title, of, last: VecDeque::new(), earlier: 0 }
    }

    pub(super) fn take(&mut self, record: &Record<'_>) {
        if !(self.of)(record) {
            return;
        }
        if self.last.len() == MOST {
            self.last.pop_front();
            self.earlier += 1;
        }
        let detail = record.ctx.iter().filter(|(name, _)| *name != "trace_id");
        let detail = detail.map(|(name, value)| format!("{name} {}", super::pretty::value(value)));
        self.last.push_back([
            format!("{:.3}", record.at),
            record.level.as_str().to_owned(),
            record.scope.to_owned(),
            record.decision.to_owned(),
            detail.collect::<Vec<_>>().join(", "),
        ]);
    }

    pub(super) fn sheet(&self) -> Sheet {
        let title = match self.earlier {
            0 => self.title.to_owned(),
            earlier => format!("{}, the last {MOST} of {}", self.title, earlier + MOST as u64),
        };
        let columns = ["at", "level", "scope", "decision", "detail"];
        let mut sheet = Sheet::new(self.key, &title, &columns);
        for event in &self.last {
            sheet.row(event.iter().cloned().map(Cell::Text).collect::<Vec<_>>());
        }
        sheet
    }
}
