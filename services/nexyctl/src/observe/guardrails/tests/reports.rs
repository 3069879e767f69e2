//! What people and scripts are shown.

use super::*;

#[test]
fn a_healthy_log_is_a_go() {
    let judged = Log::with_worker().turns(120, Turn::Spoken(398)).judge();
    assert_eq!((judged.verdict(), judged.code()), ("go", 0));
    insta::assert_snapshot!(judged.text(), @"
    Go.
    LOG, 2026-11-20T00:00:00Z to 2026-11-20T00:01:59Z: 120 turns, 120 good, 0 failed, 0 interrupted, 0 refused.
    rule                 limit                         measured  verdict  remark
    first audio p95      1000 ms, no go above 1500 ms  398 ms    ok
    errors               5.0 %, no go above 10.0 %     0.0 %     ok
    refusals             1.0 %                         0.0 %     ok
    retries of baseline  -                             0.0 %     skipped  no --baseline was given
    aborts of baseline   -                             0.0 %     skipped  no --baseline was given
    unavailable of day   -                             -         skipped  of the hours before, 0 have 10 turns, and 6 are needed
    retries of day       -                             -         skipped  of the hours before, 0 have 10 turns, and 6 are needed
    aborts of day        -                             -         skipped  of the hours before, 0 have 10 turns, and 6 are needed
    The next step of the ramp is 25 %.
    ");
}

#[test]
fn screen_readers_get_sentences() {
    let judged = Log::default().turns(100, Turn::Spoken(1200)).judge();
    insta::assert_snapshot!(judged.report.text(Look::Plain).join("\n"), @"
    Go, with a warning: first_audio_p95.
    LOG, 2026-11-20T00:00:00Z to 2026-11-20T00:01:39Z: 100 turns, 100 good, 0 failed, 0 interrupted, 0 refused.
    first audio p95: WARNING, measured 1200 ms, limit 1000 ms, no go above 1500 ms.
    errors: ok, measured 0.0 %, limit 5.0 %, no go above 10.0 %.
    refusals: ok, measured 0.0 %, limit 1.0 %.
    retries of baseline: skipped, no --baseline was given.
    aborts of baseline: skipped, measured 0.0 %, no --baseline was given.
    unavailable of day: skipped, of the hours before, 0 have 10 turns, and 6 are needed.
    retries of day: skipped, of the hours before, 0 have 10 turns, and 6 are needed.
    aborts of day: skipped, of the hours before, 0 have 10 turns, and 6 are needed.
    The next step of the ramp is 25 %.
    ");
}

#[test]
fn scripts_get_numbers() {
    let Judged { json, .. } = Log::with_worker().turns(100, Turn::Spoken(398)).retries(2).judge();
    let members: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let all = ["exit_code", "figures", "notes", "ramp", "reason", "rules", "source", "verdict"];
    assert_eq!(members, all);
    assert_eq!(json["ramp"], serde_json::json!({ "at": 1, "next": 25 }));
    insta::assert_snapshot!(
        format!("{}\n{}\n{}", json["figures"], json["rules"][0], json["rules"][3]),
        @r#"
    {"errors":0,"first_audio_p95_ms":398.0,"good":100,"interrupted":0,"latencies":100,"refused":0,"retries":2,"turns":100,"unavailable":0}
    {"measured":398.0,"page":1500.0,"remark":null,"rule":"first_audio_p95","unit":"ms","verdict":"ok","warn":1000.0}
    {"measured":0.02,"page":null,"remark":"no --baseline was given","rule":"retries_of_baseline","unit":"ratio","verdict":"skipped","warn":null}
    "#
    );
}

#[test]
fn a_turn_without_an_end_is_mentioned() {
    let mut log = Log::with_worker();
    log.turns(100, Turn::Spoken(300));
    let start = "level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio";
    log.line(&format!(r#"{start} decision=start ctx={{"session_id":"s"}}"#));
    assert!(
        log.judge()
            .text()
            .ends_with("Note: turns without an end line: 1.\nThe next step of the ramp is 25 %."),
        "{}",
        log.judge().text()
    );
}

#[test]
fn the_ramp_goes_on_only_after_a_go() {
    let step = |at: u8, log: &Log| {
        let limits = default_limits();
        let mut logs = [Input::open(log.file().path()).unwrap()];
        let evidence = from_log::read(&mut logs, None, &limits).unwrap();
        let rules = rules::judge(&evidence, &Err(String::new()), &limits);
        let report = Report::new(evidence, rules, &limits, Some(at));
        (report.text(Look::Piped).pop().unwrap(), report.json()["ramp"]["next"].clone())
    };
    let mut good = Log::with_worker();
    good.turns(100, Turn::Spoken(300));
    let mut bad = Log::with_worker();
    bad.turns(100, Turn::Spoken(3000));
    let mut thin = Log::with_worker();
    thin.turns(10, Turn::Spoken(300));
    for (at, log, said, next) in [
        (0, &good, "The next step of the ramp is 1 %.", Some(1)),
        (1, &good, "The next step of the ramp is 25 %.", Some(25)),
        (30, &good, "The next step of the ramp is 50 %.", Some(50)),
        (50, &good, "The next step of the ramp is 100 %.", Some(100)),
        (100, &good, "At 100 % the ramp is at its end.", None),
        (25, &bad, "The roll-out stays at 25 %, or goes back.", None),
        (25, &thin, "The roll-out stays at 25 %.", None),
    ] {
        assert_eq!(step(at, log), (said.to_owned(), serde_json::json!(next)));
    }
}
