//! What operators are told: guardrails, questions to the log, and the live view,
//! of the real product and by the real program.

use std::{fmt::Write as _, path::Path, time::Duration};

use anyhow::Context as _;
use nexy_testkit::{
    chat_server::Script,
    stack::{Line, Stack, question},
};
use serde_json::Value;

use crate::support::{Fakes, ask, assert_whole, eventually, run};

/// Turns of the one long test; guardrails ask for a hundred.
const TURNS: usize = 104;

/// Runs nexyctl: its exit code and what it wrote.
async fn nexyctl(arguments: &[&str]) -> anyhow::Result<(i32, String)> {
    nexyctl_with(arguments, &[]).await
}

async fn nexyctl_with(
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> anyhow::Result<(i32, String)> {
    let environment: Vec<_> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (code, lines) = run("nexyctl", arguments, &environment).await?;
    Ok((code, lines.join("\n")))
}

/// A log of turns with first audio after so long, as the gateway writes it.
fn log_of(turns: usize, first_audio: Duration) -> String {
    let mut log = String::new();
    let method = "level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio";
    let heard = first_audio.as_millis();
    for turn in 0..turns {
        let ts = format!("ts=2026-11-20T10:{:02}:{:02}", turn / 60, turn % 60);
        let session = format!("\"session_id\":\"s{turn}\"");
        writeln!(log, "{ts}.000Z {method} decision=start ctx={{{session}}}").expect("a String");
        let end = format!("{session},\"grpc_code\":\"OK\",\"first_audio_ms\":{heard}");
        writeln!(log, "{ts}.900Z {method} decision=complete ctx={{{end}}} dur_ms=900")
            .expect("a String");
    }
    log
}

fn path(folder: &Path, name: &str, text: &str) -> anyhow::Result<String> {
    let file = folder.join(name);
    std::fs::write(&file, text)?;
    Ok(file.display().to_string())
}

#[tokio::test]
async fn guardrails_say_go_no_go_or_that_they_cannot_tell() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let quick = Duration::from_millis(398);
    let healthy = path(folder, "healthy.log", &log_of(100, quick))?;
    let thin = path(folder, "thin.log", &log_of(99, quick))?;
    let slow = path(folder, "slow.log", &log_of(100, Duration::from_millis(1501)))?;
    let slower = path(folder, "slower.log", &log_of(100, Duration::from_millis(1200)))?;
    let empty = path(folder, "empty.log", "")?;
    let other = path(folder, "other.log", "GET /health 200\n")?;
    let missing = folder.join("missing.log").display().to_string();
    let folder = folder.display().to_string();
    for (log, code, said) in [
        (&healthy, 0, "Go."),
        (&slower, 0, "Go, with a warning: first_audio_p95."),
        (&slow, 1, "No go: first_audio_p95."),
        (&thin, 2, "Cannot tell: 99 turns, and 100 are needed."),
        (&missing, 2, "Cannot tell: open "),
        (&empty, 2, "Cannot tell: "),
        (&other, 2, "Cannot tell: "),
        (&folder, 2, "Cannot tell: "),
    ] {
        let (exit, text) = nexyctl(&["guardrails", "--log", log, "--ramp", "1"]).await?;
        assert_eq!(exit, code, "{log}: {text}");
        assert!(text.starts_with(said), "{log}: {text}");
        assert_eq!(text.contains("The next step of the ramp is 25 %."), code == 0, "{text}");
        let (exit, json) = nexyctl(&["guardrails", "--log", log, "--json"]).await?;
        let json: Value = serde_json::from_str(&json)?;
        assert_eq!((exit, &json["exit_code"]), (code, &code.into()), "{log}: {json}");
    }
    let with_baseline = ["guardrails", "--log", &healthy, "--baseline", &missing];
    assert_eq!(nexyctl(&with_baseline).await?.0, 2);
    let stricter = [
        ("GUARDRAILS_FIRST_AUDIO_P95_PAGE_MS", "300"),
        ("GUARDRAILS_FIRST_AUDIO_P95_WARN_MS", "300"),
    ];
    assert_eq!(nexyctl_with(&["guardrails", "--log", &healthy], &stricter).await?.0, 1);
    let wrong = [("GUARDRAILS_MIN_TURNS", "many")];
    assert_eq!(nexyctl_with(&["guardrails", "--log", &healthy], &wrong).await?.0, 2);
    assert_eq!(nexyctl(&["guardrails"]).await?.0, 2);
    Ok(())
}

#[tokio::test]
async fn a_log_that_is_none_is_said_to_be_none() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let other = path(folder.path(), "other.log", "GET /health 200\n")?;
    let (exit, text) = nexyctl(&["logs", &other]).await?;
    assert_eq!((exit, text.contains("none of 1 lines is of a decision log")), (1, true), "{text}");
    let missing = folder.path().join("missing.log").display().to_string();
    assert_eq!(nexyctl(&["logs", "errors", &missing]).await?.0, 1);
    // The standard input is empty here.
    let (exit, text) = nexyctl(&["logs"]).await?;
    assert_eq!((exit, text.as_str()), (1, "error: the log is empty"));
    Ok(())
}

#[tokio::test]
async fn operators_are_told_what_a_hundred_turns_were_like() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Yes, of course."])).await?;
    let mut stack = fakes.stack().start().await?;
    let some = async |device: &'static str| {
        for _ in 0..TURNS / 4 {
            assert_whole(&ask(&stack, question(device, "Are you there?")).await?);
        }
        anyhow::Ok(())
    };
    tokio::try_join!(some("one"), some("two"), some("three"), some("four"))?;
    // An error, which is no refusal and no interrupt.
    ask(&stack, question("five", "")).await?;
    eventually("every turn has its end line", async || {
        let lines = stack.decisions()?;
        let ended = |rpc: &str| {
            let of = |line: &&Line| line.method.as_deref().is_some_and(|it| it.ends_with(rpc));
            lines.iter().filter(of).filter(|line| line.is_end()).count()
        };
        Ok(ended("/StreamAudio") > TURNS && ended("/Respond") >= TURNS)
    })
    .await?;

    let folder = tempfile::tempdir()?;
    let log = path(folder.path(), "stack.log", &(stack.log().join("\n") + "\n"))?;
    guardrails_of_the_stack(&stack, &log).await?;
    questions_to_its_log(&stack, &log).await?;
    its_live_view(&mut stack).await?;
    Ok(())
}

/// How quick a busy machine is, the bench tells.
const PATIENT: [(&str, &str); 2] = [
    ("GUARDRAILS_FIRST_AUDIO_P95_WARN_MS", "60000"),
    ("GUARDRAILS_FIRST_AUDIO_P95_PAGE_MS", "60000"),
];

async fn guardrails_of_the_stack(stack: &Stack, log: &str) -> anyhow::Result<()> {
    let (exit, of_log) = nexyctl_with(&["guardrails", "--log", log, "--json"], &PATIENT).await?;
    assert_eq!(exit, 0, "{of_log}");
    let of_log: Value = serde_json::from_str(&of_log)?;
    let figures = &of_log["figures"];
    assert_eq!((&figures["turns"], &figures["errors"]), (&(TURNS + 1).into(), &1.into()));
    assert_eq!((&figures["latencies"], &figures["retries"]), (&TURNS.into(), &0.into()));

    let gateway = format!("http://127.0.0.1:{}/metrics", stack.ports.gateway_http);
    let worker = format!("127.0.0.1:{}", stack.ports.worker_http);
    let both = ["guardrails", "--metrics", &gateway, &worker, "--json"];
    let (exit, of_metrics) = nexyctl_with(&both, &PATIENT).await?;
    assert_eq!(exit, 0, "{of_metrics}");
    let of_metrics: Value = serde_json::from_str(&of_metrics)?;
    for name in ["turns", "good", "errors", "interrupted", "refused", "latencies", "retries"] {
        assert_eq!(of_metrics["figures"][name], figures[name], "{name}: {of_metrics} {of_log}");
    }

    let update = format!("127.0.0.1:{}", stack.ports.update_http);
    let nobody = format!("127.0.0.1:{}", nexy_testkit::stack::free_port()?);
    for wrong in [
        &["--metrics", worker.as_str()][..],
        &["--metrics", &update],
        &["--metrics", &gateway, &nobody],
        &["--metrics", &gateway, "--window", "1s"],
    ] {
        let arguments: Vec<_> =
            std::iter::once("guardrails").chain(wrong.iter().copied()).collect();
        let (exit, text) = nexyctl_with(&arguments, &PATIENT).await?;
        assert_eq!((exit, text.starts_with("Cannot tell: ")), (2, true), "{wrong:?}: {text}");
    }
    Ok(())
}

async fn questions_to_its_log(stack: &Stack, log: &str) -> anyhow::Result<()> {
    let decisions = std::fs::read_to_string(log)?.lines().count();
    let (exit, json) = nexyctl(&["logs", log, "--json"]).await?;
    assert_eq!(exit, 0, "{json}");
    let json: Value = serde_json::from_str(&json)?;
    let lines = &json["lines"];
    assert_eq!((&lines["records"], &lines["unreadable"]), (&decisions.into(), &0.into()));
    let calls = json["rpcs"].as_array().context("rpcs")?;
    let row = |rpc: &str| calls.iter().find(|row| row["rpc"] == rpc).cloned().unwrap_or_default();
    assert_eq!(
        (&row("StreamAudio")["good"], &row("StreamAudio")["errors"]),
        (&TURNS.into(), &1.into())
    );
    // The gateway may have left before the worker's status.
    assert_eq!(row("Respond")["count"], TURNS);
    assert_eq!(json["errors"][0]["error_type"], "validation_failed");
    assert_eq!(json["slowest"].as_array().map(Vec::len), Some(10));
    assert!(json["slowest"][0]["trace_id"].is_string(), "{}", json["slowest"]);
    let served = json["served_by"].to_string();
    assert!(served.contains("\"openai\""), "{served}");
    let services = json["services"].as_array().context("services")?;
    assert_eq!(services.iter().filter(|it| it["decision"] == "listening").count(), 3);

    let (exit, pretty) = nexyctl(&["logs", "pretty", log]).await?;
    assert_eq!(exit, 0, "{pretty}");
    assert_eq!(pretty.matches("INFO  grpc StreamAudio complete in ").count(), TURNS);
    let is_raw = |line: &str| line.starts_with("ts=") || line.contains('\u{1b}');
    assert!(!pretty.lines().any(is_raw), "{pretty}");
    // What the product keeps to itself stays there.
    assert!(!pretty.contains("Are you there?"));
    assert!(stack.decisions()?.len() >= decisions);
    Ok(())
}

async fn its_live_view(stack: &mut Stack) -> anyhow::Result<()> {
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let [gateway, worker, update] =
        [stack.ports.gateway_http, stack.ports.worker_http, stack.ports.update_http].map(url);
    let top = ["top", "--once", "--interval", "0.2", "--gateway", &gateway, "--worker", &worker];
    let top: Vec<_> = top.into_iter().chain(["--update", &update]).collect();
    let as_json: Vec<_> = top.iter().copied().chain(["--json"]).collect();
    let (exit, json) = nexyctl(&as_json).await?;
    assert_eq!(exit, 0, "{json}");
    let json: Value = serde_json::from_str(&json)?;
    let states = |json: &Value| {
        let services = json["services"].as_array().cloned().unwrap_or_default();
        services.iter().map(|it| it["state"] == "there").collect::<Vec<_>>()
    };
    assert_eq!(states(&json), [true, true, true], "{json}");
    assert_eq!(json["turns"][0]["since_start"], TURNS + 1, "{json}");
    assert_eq!(json["turns"][0]["in_interval"], 0, "{json}");
    assert!(json["streams"][0]["limit"].as_u64() > Some(0), "{json}");
    assert!(json["providers"].to_string().contains("\"openai\""), "{json}");
    assert!(json["stages"].to_string().contains("tts_first_byte"), "{json}");

    stack.update.take().context("the update server")?.kill();
    let (exit, text) = nexyctl(&top).await?;
    assert_eq!((exit, text.contains("AWAY: nothing listens at ")), (0, true), "{text}");
    assert!(text.contains("first audio"), "{text}");
    Ok(())
}
