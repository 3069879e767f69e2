//! The questions, and the tables that count records by their words.

use super::groups::{Group, Grouping, one, some};
use crate::observe::decision_log::{End, Record, STREAM_AUDIO};

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Rpcs,
    Errors,
    Slow,
    Refusals,
    Interrupts,
    Providers,
    Degraded,
    Actions,
    Workers,
    Connections,
    Releases,
    Services,
}

static ERRORS: Grouping = Grouping {
    key: "errors",
    title: "Errors",
    columns: &["scope", "rpc", "error_type", "grpc_code"],
    of: |record| {
        if record.end() != Some(End::Error) {
            return Vec::new();
        }
        let rpc = record.rpc().unwrap_or_default();
        one([record.scope, rpc, word(record, "error_type"), word(record, "grpc_code")])
    },
};

static REFUSALS: Grouping = Grouping {
    key: "refusals",
    title: "Refusals",
    columns: &["rpc", "reason"],
    of: |record| {
        if record.end() != Some(End::Refused) {
            return Vec::new();
        }
        one([record.rpc().unwrap_or_default(), word(record, "error_type")])
    },
};

static INTERRUPTS: Grouping =
    Grouping { key: "interrupts", title: "Interrupts", columns: &["what"], of: interrupts };

static RETRIES: Grouping = Grouping {
    key: "retries",
    title: "Providers that were given up",
    columns: &["stage", "provider", "error_type"],
    of: |record| match record.decision {
        "retry" => {
            one([word(record, "stage"), word(record, "provider"), word(record, "error_type")])
        }
        _ => Vec::new(),
    },
};

static BREAKERS: Grouping = Grouping {
    key: "breakers",
    title: "Circuit breakers",
    columns: &["provider", "state"],
    of: |record| match record.decision {
        "breaker_state" => one([word(record, "provider"), word(record, "state")]),
        "key_switched" => one(["gemini", "key_switched"]),
        _ => Vec::new(),
    },
};

static SPOKE: Grouping = Grouping {
    key: "served_by",
    title: "Turns by who answered",
    columns: &["stage", "provider"],
    of: served_by,
};

static DEGRADED: Grouping = Grouping {
    key: "degraded",
    title: "What was left out",
    columns: &["what", "part", "reason"],
    of: degraded,
};

static ACTIONS: Grouping = Grouping {
    key: "actions",
    title: "Actions",
    columns: &["what", "detail"],
    of: |record| match record.decision {
        "action_forwarded" => one(["forwarded", word(record, "transport")]),
        "action_held" => one(["held", word(record, "reason")]),
        "action_confirmed" => one(["confirmed", word(record, "command")]),
        "action_dropped" => one(["dropped", word(record, "reason")]),
        "action_forged" => one(["forged", ""]),
        _ => Vec::new(),
    },
};

static WORKERS: Grouping = Grouping {
    key: "workers",
    title: "Workers",
    columns: &["worker", "what", "reason"],
    of: |record| match record.decision {
        "worker_state" => {
            one([word(record, "addr"), word(record, "state"), word(record, "reason")])
        }
        "worker_ejected" => one([word(record, "addr"), "ejected", ""]),
        "turn_moved" => one([word(record, "from"), "turn_moved", word(record, "reason")]),
        _ => Vec::new(),
    },
};

static CONNECTIONS: Grouping = Grouping {
    key: "connections",
    title: "Refused connections",
    columns: &["reason"],
    of: |record| match record.decision {
        "connection_refused" => some([word(record, "reason")], record.number("count").unwrap_or(1)),
        _ => Vec::new(),
    },
};

static LIBRARIES: Grouping = Grouping {
    key: "libraries",
    title: "Lines of libraries and of nginx",
    columns: &["target", "level"],
    of: |record| match record.decision {
        "dependency_log" => one([word(record, "target"), record.level.as_str()]),
        _ => Vec::new(),
    },
};

// === impl Question ===

impl Question {
    pub(super) const ALL: [Self; 12] = [
        Self::Rpcs,
        Self::Errors,
        Self::Slow,
        Self::Refusals,
        Self::Interrupts,
        Self::Providers,
        Self::Degraded,
        Self::Actions,
        Self::Workers,
        Self::Connections,
        Self::Releases,
        Self::Services,
    ];

    /// The tables that count by words.
    pub(super) fn groupings(self) -> Vec<&'static Grouping> {
        match self {
            Self::Rpcs | Self::Slow | Self::Releases => Vec::new(),
            Self::Errors => vec![&ERRORS],
            Self::Refusals => vec![&REFUSALS],
            Self::Interrupts => vec![&INTERRUPTS],
            Self::Providers => vec![&SPOKE, &RETRIES, &BREAKERS],
            Self::Degraded => vec![&DEGRADED],
            Self::Actions => vec![&ACTIONS],
            Self::Workers => vec![&WORKERS],
            Self::Connections => vec![&CONNECTIONS],
            Self::Services => vec![&LIBRARIES],
        }
    }
}

/// A member of `ctx`; empty when it is not there.
fn word<'a>(record: &'a Record<'_>, name: &str) -> &'a str {
    record.text(name).unwrap_or_default()
}

fn interrupts(record: &Record<'_>) -> Vec<Group> {
    if record.decision == "interrupted" {
        let stopped = record.number("stopped").unwrap_or_default();
        let mut groups = one(["InterruptSession"]);
        groups.extend(some(["turns that it stopped"], stopped).into_iter().filter(|_| stopped > 0));
        return groups;
    }
    match (record.turn_end(), record.number("first_audio_ms")) {
        (Some(End::Interrupted), Some(_)) => one(["turns that ended early, after first sound"]),
        (Some(End::Interrupted), None) => one(["turns that ended early, before any sound"]),
        _ => Vec::new(),
    }
}

/// `llm=…;tts=…` of the end line of a turn.
fn served_by(record: &Record<'_>) -> Vec<Group> {
    if record.rpc() != Some(STREAM_AUDIO) || record.end().is_none() {
        return Vec::new();
    }
    let parts = word(record, "providers").split(';');
    let parts = parts.filter_map(|part| part.split_once('='));
    parts.flat_map(|(stage, provider)| one([stage, provider])).collect()
}

fn degraded(record: &Record<'_>) -> Vec<Group> {
    match record.decision {
        "degrade" => one(["degrade", word(record, "stage"), word(record, "reason")]),
        "screenshot_refused" => one(["screenshot_refused", "screenshot", word(record, "reason")]),
        "reply_warning" => one(["reply_warning", "reply", word(record, "warning")]),
        "memory_unavailable" | "memory_dropped" => {
            one([record.decision, "memory", word(record, "reason")])
        }
        "bridge_spoken" => one(["bridge_spoken", "speech", ""]),
        _ if record.turn_end().is_some() => {
            let parts = record.ctx.get("degraded").and_then(|parts| parts.as_array());
            let parts = parts.into_iter().flatten().filter_map(|part| part.as_str());
            parts.flat_map(|part| one(["turn", part, ""])).collect()
        }
        _ => Vec::new(),
    }
}
