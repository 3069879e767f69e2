//! What is recorded, and when somebody has to know.

use nexy_config::{Guardrails, Settings};

use super::{
    expressions::{calls, decided, ended_with, judged, seconds},
    recorded,
    render::{Alert, Group, Rule, Severity},
};

/// For alerts that need no `min_turns`, and for things that happen once.
const RECENT: &str = "10m";
/// Calls in a row without one success that are no bad luck any more.
const HANDFUL: u32 = 5;
/// A queue that is as full as this, in percent, will soon lose something.
const FULL_PERCENT: u64 = 80;

/// A daily check may be late, or fail once.
const CHECKED_WITHIN_SECONDS: u32 = 2 * 86_400;

/// Days that a certificate is still good for. Those between services are renewed
/// by `nexyctl cert internal` 30 days before, if it is run.
const EXPIRY_WARN_DAYS: u32 = 14;
const EXPIRY_PAGE_DAYS: u32 = 2;

/// Providers as `nexy_provider_calls_total` names them.
const MODELS: &str = "gemini|openai|offline";
const VOICES: &str = "azure|tts_openai|espeak";

/// The settings that rules depend on.
pub(super) struct Limits<'a> {
    guardrails: &'a Guardrails,
    memory_queue: u64,
}

// === impl Limits ===

impl<'a> Limits<'a> {
    pub(super) fn of(settings: &'a Settings) -> Self {
        Self { guardrails: &settings.guardrails, memory_queue: settings.memory.write_queue as u64 }
    }
}

/// All rules, in the order in which they are looked at.
pub(super) fn groups(limits: &Limits<'_>) -> Vec<Group> {
    vec![
        Group { name: "nexy-recorded", rules: recorded::rules(limits.guardrails) },
        Group { name: "nexy-turns", rules: about_turns(limits) },
        Group { name: "nexy-providers", rules: about_providers(limits.guardrails) },
        Group { name: "nexy-processes", rules: about_processes() },
        Group { name: "nexy-certificates", rules: about_certificates() },
        Group { name: "nexy-data", rules: about_data(limits) },
        Group { name: "nexy-releases", rules: about_releases() },
    ]
}

fn warn(
    name: &'static str,
    lasting: &'static str,
    expression: String,
    summary: &'static str,
) -> Rule {
    alert(Severity::Warn, name, lasting, expression, summary)
}

fn page(
    name: &'static str,
    lasting: &'static str,
    expression: String,
    summary: &'static str,
) -> Rule {
    alert(Severity::Page, name, lasting, expression, summary)
}

fn alert(
    severity: Severity,
    name: &'static str,
    lasting: &'static str,
    expression: String,
    summary: &'static str,
) -> Rule {
    Rule::Alert(Alert { name, severity, label: None, lasting, expression, summary })
}

fn about_turns(limits: &Limits<'_>) -> Vec<Rule> {
    let guardrails = limits.guardrails;
    // Below it nothing is compared, or the first event of a day would be an alarm.
    let floor = guardrails.ratio_floor;
    let slow = |limit| format!("nexy:first_audio_seconds:p95 > {}", seconds(limit));
    let fail = |limit: f64| format!("nexy:turns:error_ratio > {limit}");
    let slowness = "95 % of the replies are heard within {{ $value | humanizeDuration }} only.";
    let failure = "{{ $value | humanizePercentage }} of the replies end with an error.";
    vec![
        warn("NexyFirstAudioSlow", "5m", slow(guardrails.first_audio_p95_warn), slowness),
        page("NexyFirstAudioSlow", "5m", slow(guardrails.first_audio_p95_page), slowness),
        warn("NexyRepliesFail", "5m", fail(guardrails.error_ratio_warn), failure),
        page("NexyRepliesFail", "5m", fail(guardrails.error_ratio_page), failure),
        page(
            "NexyNoReplySucceeds",
            "1m",
            format!("{} >= {HANDFUL}\nand {} == 0", judged(RECENT), ended_with("OK", RECENT)),
            "None of the last {{ $value | humanize }} turns was answered.",
        ),
        warn(
            "NexyTurnsRefused",
            "5m",
            format!("nexy:turns:refusal_ratio > {}", guardrails.refusal_ratio),
            "{{ $value | humanizePercentage }} of the turns are refused at admission.",
        ),
        warn(
            "NexyMoreRetriesThanYesterday",
            "15m",
            format!(
                "nexy:turns:retry_or_abort_ratio\n  > clamp_min({} * nexy:turns:retry_or_abort_ratio:yesterday, {floor})",
                guardrails.baseline_factor
            ),
            "{{ $value | humanize }} retries and interruptions per turn: more than at this time \
             yesterday.",
        ),
        warn(
            "NexyAboveMedian",
            "10m",
            format!(
                "nexy:turns:event_ratio{{event=~\"abort|retry|unavailable\"}}\n  > clamp_min({} * nexy:turns:event_ratio:median_1d, {floor})",
                guardrails.median_factor
            ),
            "{{ $labels.event }}: {{ $value | humanize }} per turn, far above the median of a day.",
        ),
    ]
}

fn about_providers(guardrails: &Guardrails) -> Vec<Rule> {
    let out = |providers: &str| {
        format!(
            "{} >= {HANDFUL}\nand {} == 0",
            calls(providers, "!=\"cancelled\"", RECENT),
            calls(providers, "=\"ok\"", RECENT)
        )
    };
    vec![
        page("NexyModelsOut", "1m", out(MODELS), "No language model has answered for 10 minutes."),
        page("NexyVoicesOut", "1m", out(VOICES), "No voice has spoken for 10 minutes."),
        warn(
            "NexyRepliesWithoutSound",
            "5m",
            format!(
                "nexy:turns:event_ratio{{event=\"degrade\"}} > {}",
                guardrails.error_ratio_warn
            ),
            "{{ $value | humanizePercentage }} of the replies go on without sound.",
        ),
        // A breaker whose pause is over is half open, until it is known how it is.
        warn(
            "NexyBreakerOpen",
            "1m",
            "max_over_time(nexy_breaker_state[2m]) == 2".to_owned(),
            "{{ $labels.provider }} fails and is left alone by {{ $labels.instance }}.",
        ),
    ]
}

fn about_processes() -> Vec<Rule> {
    let gone = |severity, service: &'static str| {
        Rule::Alert(Alert {
            name: "NexyServiceGone",
            severity,
            label: Some(("service", service)),
            lasting: "2m",
            expression: format!("absent(up{{job=\"{service}\"}} == 1)"),
            summary: "No {{ $labels.service }} answers.",
        })
    };
    let happened = |decision: &str| {
        format!(
            "sum by (job, instance) (increase(nexy_decisions_total{{decision=\"{decision}\"}}[{RECENT}])) > 0"
        )
    };
    let closed = |reasons: &str| {
        format!(
            "sum by (job, instance, reason) (increase(nexy_connections_refused_total{{reason=~\"{reasons}\"}}[{RECENT}])) > 0"
        )
    };
    vec![
        gone(Severity::Page, "nexy-gateway"),
        gone(Severity::Page, "nexy-worker"),
        gone(Severity::Warn, "nexy-update"),
        warn(
            "NexyTargetDown",
            "1m",
            "up{job=~\"nexy-.+\"} == 0".to_owned(),
            "{{ $labels.job }} at {{ $labels.instance }} does not answer.",
        ),
        warn(
            "NexyWorkerEjected",
            "0m",
            happened("worker_ejected"),
            "{{ $labels.instance }} has left a worker alone, because it broke turns.",
        ),
        warn("NexyPanic", "0m", happened("panic"), "{{ $labels.instance }} has met a bug."),
        warn(
            "NexyLogLinesDropped",
            "0m",
            happened("log_lines_dropped"),
            "{{ $labels.instance }} has dropped lines of its log.",
        ),
        warn(
            "NexyConnectionsClosed",
            "0m",
            closed("too_many|accept_failed"),
            "{{ $labels.instance }} has closed connections: {{ $labels.reason }}.",
        ),
        warn(
            "NexyCertificateRefused",
            "0m",
            closed("no_certificate|unknown_issuer|expired|wrong_name|refused_by_peer"),
            "{{ $labels.instance }} and another service do not believe each other: \
             {{ $labels.reason }}.",
        ),
    ]
}

fn about_certificates() -> Vec<Rule> {
    const DAY: u32 = 24 * 3600;
    let left = |days: u32| format!("nexy_certificate_not_after_seconds - time() < {}", days * DAY);
    let summary = "The {{ $labels.certificate }} certificate of {{ $labels.instance }} expires in \
                   {{ $value | humanizeDuration }}.";
    vec![
        warn("NexyCertificateExpires", "10m", left(EXPIRY_WARN_DAYS), summary),
        page("NexyCertificateExpires", "10m", left(EXPIRY_PAGE_DAYS), summary),
    ]
}

fn about_data(limits: &Limits<'_>) -> Vec<Rule> {
    vec![
        warn(
            "NexyMemoryQueueFull",
            "2m",
            format!(
                "nexy_queue_depth{{queue=\"memory_writes\"}} > {}",
                limits.memory_queue * FULL_PERCENT / 100
            ),
            "{{ $value }} writes to memory wait in {{ $labels.instance }}.",
        ),
        warn(
            "NexyMemoryLost",
            "0m",
            format!("{} > 0", decided("memory_dropped", RECENT)),
            "{{ $value | humanize }} writes to memory were lost.",
        ),
    ]
}

fn about_releases() -> Vec<Rule> {
    vec![
        // A manifest and its file may come one after the other.
        warn(
            "NexyReleaseRefused",
            "1m",
            "max by (channel) (nexy_update_refused) > 0".to_owned(),
            "The update server refuses what lies in its folder for {{ $labels.channel }}: a bad \
             release, or a file that was changed.",
        ),
        warn(
            "NexyReleaseAmiss",
            "0m",
            "max by (of) (nexy_update_check_misses) > 0".to_owned(),
            "nexyctl release check found {{ $value }} things amiss with {{ $labels.of }}.",
        ),
        warn(
            "NexyReleasesUnchecked",
            "1h",
            format!(
                "sum(nexy_update_files_elsewhere) > 0\nand time() - max(nexy_update_checked_timestamp_seconds) > {CHECKED_WITHIN_SECONDS}"
            ),
            "Files of releases lie on other servers, and nobody has checked them for two days.",
        ),
    ]
}
