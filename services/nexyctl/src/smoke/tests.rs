use clap::Parser;

use super::*;
use crate::{fake::Fake, screen::tests::Paper};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

#[tokio::test]
async fn a_server_that_keeps_the_contract_passes() {
    nexy_runtime::install_tls_provider();
    let fake = Fake::start().await;
    let line = Line::try_parse_from(["x", "--server", &fake.url, "--http", &fake.http]).unwrap();
    let paper = Paper::default();
    let exit = run_on(paper.screen(Look::Plain), line.args).await.unwrap();

    // Times differ from run to run.
    let text = paper.text();
    let told: Vec<_> =
        text.lines().map(|line| line.split_once(". ").map_or(line, |(start, _)| start)).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    Passed: gRPC health
    Passed: a question is answered
    Passed: the reply has text
    Passed: the reply has sound
    Passed: no session_id is refused
    Passed: a bad hardware_id is refused
    Passed: interrupt with nothing to stop
    Passed: /health
    Passed: /status
    Skipped: /appcast.xml
    Skipped: /metrics is private
    All 9 checks passed.
    ");
    assert_eq!(exit, ExitCode::SUCCESS);
}

#[tokio::test]
async fn a_reply_that_is_cut_is_a_miss() {
    nexy_runtime::install_tls_provider();
    let fake = Fake::start().await;
    let options = ["x", "--server", &fake.url, "--http", &fake.http, "--question", "cut"];
    let paper = Paper::default();
    let args = Line::try_parse_from(options).unwrap().args;
    let exit = run_on(paper.screen(Look::Piped), args).await.unwrap();
    let text = paper.text();
    assert!(text.contains("✗ a question is answered          0 end_messages came"), "{text}");
    assert!(text.ends_with("2 of 9 checks failed.\n"), "{text}");
    assert_eq!(exit, ExitCode::FAILURE);
}
