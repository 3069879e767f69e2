//! Logs as services write them, and what is concluded from them.

use std::{fmt::Write as _, io::Write as _};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::*;
use crate::{observe::prometheus::Page, screen::Look};

mod from_metrics;
mod reports;

/// A log that is written turn by turn.
#[derive(Default)]
struct Log {
    text: String,
    /// Since the beginning.
    at: SignedDuration,
}

/// The end of a turn.
#[derive(Clone, Copy)]
enum Turn {
    /// First audio after so many milliseconds.
    Spoken(u64),
    /// Whole after so many, without any audio.
    Silent(u64),
    Interrupted,
    Refused,
    Failed(&'static str),
}

// === impl Log ===

impl Log {
    /// What the worker said when it started.
    fn with_worker() -> Self {
        let mut log = Self::default();
        log.line("level=INFO scope=runtime decision=listening ctx={\"service\":\"nexy-worker\"}");
        log
    }

    fn line(&mut self, rest: &str) -> &mut Self {
        let begin: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
        writeln!(self.text, "ts={:.3} {rest}", begin + self.at).unwrap();
        self
    }

    fn wait(&mut self, seconds: i64) -> &mut Self {
        self.at += SignedDuration::from_secs(seconds);
        self
    }

    /// Turns a second apart.
    fn turns(&mut self, count: usize, turn: Turn) -> &mut Self {
        for _ in 0..count {
            let (decision, ctx, took) = match turn {
                Turn::Spoken(ms) => {
                    ("complete", format!(r#""grpc_code":"OK","first_audio_ms":{ms}"#), 4000)
                }
                Turn::Silent(ms) => ("complete", r#""grpc_code":"OK""#.to_owned(), ms),
                Turn::Interrupted => ("abort", r#""grpc_code":"CANCELLED""#.to_owned(), 5),
                Turn::Refused => ("error", r#""grpc_code":"RESOURCE_EXHAUSTED""#.to_owned(), 1),
                Turn::Failed(code) => ("error", format!(r#""grpc_code":"{code}""#), 9),
            };
            let method = "level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio";
            self.line(&format!(r#"{method} decision=start ctx={{"session_id":"s"}}"#));
            self.line(&format!(
                r#"{method} decision={decision} ctx={{"session_id":"s",{ctx}}} dur_ms={took}"#
            ));
            self.wait(1);
        }
        self
    }

    fn retries(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            self.line(r#"level=WARN scope=worker decision=retry ctx={"stage":"llm"} dur_ms=7"#);
        }
        self
    }

    fn file(&self) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(self.text.as_bytes()).unwrap();
        file
    }

    fn judge(&self) -> Judged {
        Judged::of(self, None, None)
    }
}

/// What came out.
struct Judged {
    report: Report,
    json: Value,
}

// === impl Judged ===

impl Judged {
    fn of(log: &Log, window: Option<&str>, baseline: Option<&Log>) -> Self {
        let limits = default_limits();
        let baseline = match baseline {
            Some(log) => baseline::read(log.file().path(), &limits).unwrap(),
            None => Err("no --baseline was given".to_owned()),
        };
        let window = window.map(|text| span(text).unwrap());
        let input = Input::open(log.file().path()).unwrap();
        let report = match from_log::read(&mut [input], window, &limits) {
            Ok(mut evidence) => {
                let (_, times) = evidence.source.rsplit_once("tmp").unwrap_or_default();
                let (_, times) = times.split_once(", ").unwrap_or_default();
                evidence.source = format!("LOG, {times}");
                let rules = rules::judge(&evidence, &baseline, &limits);
                Report::new(evidence, rules, &limits, Some(1))
            }
            Err(error) => Report::cannot_tell(format!("{error:#}")),
        };
        let json = report.json();
        Self { report, json }
    }

    fn verdict(&self) -> &str {
        self.json["verdict"].as_str().unwrap()
    }

    fn code(&self) -> u64 {
        self.json["exit_code"].as_u64().unwrap()
    }

    fn reason(&self) -> &str {
        self.json["reason"].as_str().unwrap_or_default()
    }

    fn rule(&self, name: &str) -> &str {
        let rules = self.json["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["rule"] == name).unwrap()["verdict"].as_str().unwrap()
    }

    fn text(&self) -> String {
        self.report.text(Look::Piped).join("\n")
    }
}

fn default_limits() -> Limits {
    let sources = nexy_config::Sources::default();
    Limits::from(&nexy_config::Settings::load(&sources).unwrap().0)
}

#[test]
fn too_few_turns_tell_nothing() {
    for turn in [Turn::Spoken(398), Turn::Spoken(9000), Turn::Failed("INTERNAL"), Turn::Refused] {
        let judged = Log::with_worker().turns(99, turn).judge();
        assert_eq!((judged.verdict(), judged.code()), ("cannot_tell", 2));
        assert_eq!(judged.reason(), "99 turns, and 100 are needed");
        assert_eq!(judged.rule("errors"), "cannot_tell");
    }
}

#[test]
fn the_first_sound_has_a_limit_that_warns_and_one_that_stops() {
    for (slow, ms, verdict, code) in [
        (5, 9000, "go", 0),
        (6, 1000, "go", 0),
        (6, 1001, "go_with_warning", 0),
        (6, 1500, "go_with_warning", 0),
        (6, 1501, "no_go", 1),
    ] {
        let mut log = Log::with_worker();
        let judged = log.turns(100 - slow, Turn::Spoken(300)).turns(slow, Turn::Spoken(ms)).judge();
        assert_eq!((judged.verdict(), judged.code()), (verdict, code), "{slow} of {ms} ms");
    }
}

#[test]
fn a_reply_without_sound_counts_as_long_as_it_took() {
    let judged =
        Log::with_worker().turns(90, Turn::Spoken(300)).turns(10, Turn::Silent(1700)).judge();
    assert_eq!((judged.verdict(), judged.reason()), ("no_go", "first_audio_p95"));
}

#[test]
fn what_failed_at_once_does_not_make_replies_quick() {
    let mut log = Log::with_worker();
    log.turns(80, Turn::Spoken(1700)).turns(4, Turn::Failed("INTERNAL"));
    let judged = log.turns(40, Turn::Interrupted).judge();
    assert_eq!(judged.rule("first_audio_p95"), "page");
}

#[test]
fn errors_have_a_limit_that_warns_and_one_that_stops() {
    for (errors, verdict) in
        [(5, "go"), (6, "go_with_warning"), (10, "go_with_warning"), (11, "no_go")]
    {
        let mut log = Log::with_worker();
        log.turns(100 - errors, Turn::Spoken(300)).turns(errors, Turn::Failed("INTERNAL"));
        assert_eq!(log.judge().verdict(), verdict, "{errors}");
    }
}

#[test]
fn interrupted_and_refused_turns_are_neither_good_nor_bad() {
    let mut log = Log::with_worker();
    log.turns(95, Turn::Spoken(300)).turns(5, Turn::Failed("INTERNAL"));
    log.turns(400, Turn::Interrupted).turns(4, Turn::Refused);
    let judged = log.judge();
    assert_eq!((judged.verdict(), judged.rule("errors")), ("go", "ok"));
    assert_eq!(judged.json["figures"]["turns"], 504);
}

#[test]
fn a_log_of_interruptions_tells_nothing() {
    let judged = Log::with_worker().turns(300, Turn::Interrupted).judge();
    assert_eq!((judged.verdict(), judged.reason()), ("cannot_tell", "first_audio_p95, errors"));
    let judged = Log::with_worker().turns(300, Turn::Refused).judge();
    assert_eq!((judged.verdict(), judged.reason()), ("no_go", "refusals"));
}

#[test]
fn more_than_one_in_a_hundred_may_not_be_refused() {
    for (refused, verdict) in [(2, "go"), (3, "no_go")] {
        let mut log = Log::with_worker();
        let judged =
            log.turns(200 - refused, Turn::Spoken(300)).turns(refused, Turn::Refused).judge();
        assert_eq!(judged.verdict(), verdict, "{refused}");
    }
}

#[test]
fn retries_and_aborts_are_compared_with_a_baseline() {
    let mut before = Log::with_worker();
    before.turns(96, Turn::Spoken(300)).turns(4, Turn::Interrupted).retries(2);
    for (aborts, retries, verdict, reason) in [
        (6, 3, "go", ""),
        (7, 3, "no_go", "aborts_of_baseline"),
        (6, 4, "no_go", "retries_of_baseline"),
    ] {
        let mut log = Log::with_worker();
        log.turns(100 - aborts, Turn::Spoken(300)).turns(aborts, Turn::Interrupted);
        log.retries(retries);
        let judged = Judged::of(&log, None, Some(&before));
        assert_eq!((judged.verdict(), judged.reason()), (verdict, reason));
    }
}

#[test]
fn one_of_a_thing_that_never_happened_is_no_change_yet() {
    let mut before = Log::with_worker();
    before.turns(100, Turn::Spoken(300));
    let mut log = Log::with_worker();
    log.turns(199, Turn::Spoken(300)).turns(1, Turn::Interrupted).retries(2);
    assert_eq!(Judged::of(&log, None, Some(&before)).verdict(), "go");
    log.retries(1);
    assert_eq!(Judged::of(&log, None, Some(&before)).verdict(), "no_go");
}

#[test]
fn a_report_is_a_baseline_too() {
    let mut before = Log::with_worker();
    before.turns(98, Turn::Spoken(300)).turns(2, Turn::Interrupted).retries(2);
    let mut file = NamedTempFile::new().unwrap();
    write!(file, "{}", before.judge().json).unwrap();
    let read = baseline::read(file.path(), &default_limits()).unwrap().unwrap();
    assert_eq!((read.turns, read.interrupted, read.retries), (100, 2, Some(2)));

    let thin = Log::with_worker().turns(20, Turn::Spoken(300)).file();
    let thin = baseline::read(thin.path(), &default_limits()).unwrap();
    assert_eq!(thin, Err("the baseline has 20 turns of 100".to_owned()));

    let mut page = NamedTempFile::new().unwrap();
    write!(page, "{{\"status\":\"OK\"}}").unwrap();
    assert!(baseline::read(page.path(), &default_limits()).is_err());
}

#[test]
fn without_a_worker_its_retries_are_not_taken_for_none() {
    let mut gateway = Log::default();
    gateway.turns(100, Turn::Spoken(300));
    let judged = Judged::of(&gateway, None, Some(&gateway));
    assert_eq!((judged.verdict(), judged.rule("retries_of_baseline")), ("go", "skipped"));
    assert_eq!(judged.rule("aborts_of_baseline"), "ok");
    assert!(judged.text().contains("nothing of a worker was read"), "{}", judged.text());
}

#[test]
fn the_present_is_compared_with_the_hours_before_it() {
    for (aborts, unavailable, reason) in
        [(3, 1, ""), (5, 1, "aborts_of_day"), (3, 3, "unavailable_of_day")]
    {
        let mut log = Log::with_worker();
        for _ in 0..8 {
            log.turns(97, Turn::Spoken(300)).turns(2, Turn::Interrupted);
            log.turns(1, Turn::Failed("UNAVAILABLE")).wait(3500);
        }
        log.turns(100 - aborts - unavailable, Turn::Spoken(300));
        let judged = log
            .turns(aborts, Turn::Interrupted)
            .turns(unavailable, Turn::Failed("UNAVAILABLE"))
            .judge();
        assert_eq!(judged.reason(), reason, "{}", judged.text());
    }
}

#[test]
fn a_log_without_enough_hours_has_no_median() {
    let mut log = Log::with_worker();
    for _ in 0..5 {
        log.turns(40, Turn::Spoken(300)).wait(3560);
    }
    let judged = log.turns(40, Turn::Spoken(300)).judge();
    assert_eq!((judged.verdict(), judged.rule("aborts_of_day")), ("go", "skipped"));
    assert!(
        judged.text().contains("of the hours before, 5 have 10 turns, and 6 are needed"),
        "{}",
        judged.text()
    );
}

#[test]
fn a_window_reaches_back_from_the_last_line() {
    let mut log = Log::with_worker();
    log.turns(500, Turn::Failed("INTERNAL")).wait(600).turns(100, Turn::Spoken(300));
    assert_eq!(log.judge().verdict(), "no_go");
    let judged = Judged::of(&log, Some("99s"), None);
    assert_eq!((judged.verdict(), &judged.json["figures"]["turns"]), ("go", &100.into()));
    assert_eq!(Judged::of(&log, Some("98s"), None).verdict(), "cannot_tell");
    assert_eq!(Judged::of(&log, Some("1h"), None).verdict(), "no_go");
}

#[test]
fn a_log_that_says_nothing_is_no_pass() {
    let mut access = Log::default();
    access.text.push_str("{\"ts\":\"2026-11-20T10:00:00+00:00\"}\n");
    let mut other = Log::default();
    other.text.push_str("GET /health 200\nGET /health 200\n");
    for (log, reason) in [
        (Log::default(), "is empty"),
        (access, "has no lines of a decision log"),
        (other, "has no lines of a decision log"),
    ] {
        let judged = log.judge();
        assert_eq!((judged.verdict(), judged.code()), ("cannot_tell", 2));
        assert!(judged.reason().ends_with(reason), "{}", judged.reason());
        assert_eq!(judged.report.text(Look::Piped).len(), 1);
    }
}

#[test]
fn a_log_with_holes_is_no_pass() {
    for (broken, dropped, verdict) in
        [(2, 0, "go"), (3, 0, "cannot_tell"), (0, 2, "go"), (0, 3, "cannot_tell")]
    {
        let mut log = Log::with_worker();
        log.turns(120, Turn::Spoken(300));
        (0..broken).for_each(|_| log.text.push_str("ts=2026-11-20T00:00:0\n"));
        if dropped > 0 {
            let rest = "level=WARN scope=telemetry decision=log_lines_dropped";
            log.line(&format!("{rest} ctx={{\"lines\":{dropped}}}"));
        }
        let judged = log.judge();
        assert_eq!(judged.verdict(), verdict, "{broken} {dropped} {}", judged.reason());
    }
}
