//! What the processes write and show: decision lines, one start and one end for
//! each turn, and nothing of what users said, showed or are.

use std::time::Duration;

use nexy_proto::streaming::{RequestPhase, StreamRequest, UsageRequest, WelcomeRequest};
use nexy_testkit::{
    chat_server::Script,
    stack::{Line, Stack, question},
};

use crate::support::{
    Call, Fakes, STREAM_AUDIO, ask, ask_with, eventually, gateway_json, http, interrupt, png,
    turns_of,
};

/// Words and bytes that are nobody's business.
const PROMPT: &str = "zanzibar questions";
const ANSWER: &str = "Quetzal answers are here.";
const DEVICE: &str = "hardware-of-somebody-7f3a";
const KEY: &str = "sk-very-secret-key";
/// More secrets of the configuration. Whoever they are for is not there, which
/// is when an error would tell them.
const SECRETS: [(&str, &str); 5] = [
    ("GEMINI_API_KEY", "gemini-key-of-nobody"),
    ("AZURE_SPEECH_KEY", "azure-key-of-nobody"),
    ("NEXY_ADMIN_TOKEN", "admin-token-of-nobody"),
    ("NEXY_ID_HASH_KEY", "hash-key-of-nobody"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=collector-key-of-nobody"),
];
const NOBODY: &str = "http://127.0.0.1:1";

/// Everything that an outsider or operator can see of the processes.
async fn visible(stack: &Stack) -> anyhow::Result<String> {
    let mut all = stack.log().join("\n");
    let ports = [stack.ports.gateway_http, stack.ports.worker_http, stack.ports.update_http];
    for port in ports {
        for path in ["/status", "/metrics", "/health"] {
            let url = format!("http://127.0.0.1:{port}{path}");
            all.push_str(&http()?.get(url).send().await?.text().await?);
        }
    }
    Ok(all)
}

async fn use_the_other_rpcs(stack: &Stack) -> anyhow::Result<()> {
    let mut client = stack.client().await?;
    let greeting = WelcomeRequest { text: PROMPT.to_owned(), ..WelcomeRequest::default() };
    let mut heard = client.generate_welcome_audio(greeting).await?.into_inner();
    while heard.message().await?.is_some() {}
    let usage = UsageRequest {
        hardware_id: DEVICE.to_owned(),
        model: PROMPT.to_owned(),
        source: PROMPT.to_owned(),
        ..UsageRequest::default()
    };
    client.report_usage(usage).await?;
    Ok(())
}

#[tokio::test]
async fn nothing_that_users_said_or_own_is_written_anywhere() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text([ANSWER])).await?;
    // Its error quotes the prompt, as real ones do.
    fakes.chat.state().on_prompt("failing", Script::status(500, "server_error"));
    fakes
        .chat
        .state()
        .on_prompt("endless", Script::endless(&format!("{ANSWER} "), Duration::from_millis(10)));
    fakes.chat.state().on_prompt(
        "command",
        Script::text([r#"{"command":"zap","args":{"x":"Xylophone"},"text":"Quetzal answers."}"#]),
    );
    let builder = fakes.stack().env("OPENAI_API_KEY", KEY).env("TTS_OPENAI_API_KEY", KEY);
    let builder = builder.env("FORWARD_ASSISTANT_ACTIONS", "true").env("LOG_LEVEL", "debug");
    let builder = ["GEMINI_BASE_URL", "AZURE_SPEECH_BASE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"]
        .into_iter()
        .fold(builder.env("AZURE_SPEECH_REGION", "nowhere"), |it, name| it.env(name, NOBODY));
    let builder = SECRETS.into_iter().fold(builder, |it, (name, value)| it.env(name, value));
    let stack = builder.start().await?;
    let asked = |prompt: &str| question(DEVICE, &format!("{PROMPT} {prompt}"));

    let mut shown = asked("");
    shown.screenshot = Some(png(2000));
    assert!(ask(&stack, shown).await?.is_complete());
    for prompt in ["failing", "command"] {
        assert!(ask(&stack, asked(prompt)).await?.is_complete());
    }
    let mut refused = asked("");
    refused.screenshot = Some("zanzibar".to_owned());
    ask(&stack, refused).await?;
    ask(&stack, StreamRequest { hardware_id: format!("{DEVICE}\n"), ..asked("") }).await?;
    ask(&stack, StreamRequest { session_id: PROMPT.to_owned(), ..asked("") }).await?;
    ask_with(&stack, asked(""), &[("nexy-voice", PROMPT)]).await?;
    ask_with(&stack, asked(""), &[("nexy-timezone", "Zanzibar/Questions")]).await?;
    let collect = StreamRequest { phase: RequestPhase::Collect as i32, ..asked("") };
    ask(&stack, collect).await?;
    let mut call = Call::ask(&stack, asked("endless")).await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;
    assert!(interrupt(&stack, DEVICE).await?.success);
    use_the_other_rpcs(&stack).await?;

    let all = visible(&stack).await?.to_lowercase();
    let screenshot = &png(2000)[40..80];
    let secrets = [
        PROMPT,
        "zanzibar",
        "quetzal",
        "xylophone",
        DEVICE,
        KEY,
        screenshot,
        "the prompt was",
        "key-of-the-model",
        "my cat",
    ];
    let configured = SECRETS.map(|(_, value)| value.trim_start_matches("authorization="));
    for secret in secrets.into_iter().chain(configured) {
        let found = all.lines().find(|line| line.contains(&secret.to_lowercase()));
        assert_eq!(found, None, "{secret:?} can be seen");
    }
    // Who is not there, and the command that nobody knows.
    let of_providers = ["retry", "breaker_state", "metrics_export_failed"];
    let expected = ["action_dropped", "reply_warning", "dependency_log"];
    stack.stop(&[&of_providers[..], &expected].concat()).await
}

#[tokio::test]
async fn every_turn_has_one_start_and_one_end() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["One. "])).await?;
    fakes.chat.state().on_prompt("endless", Script::endless("Word. ", Duration::from_millis(10)));
    fakes.chat.state().on_prompt("cut", Script::text(["It begins like this. ", "And"]).cut());
    let stack = fakes.stack().start().await?;

    let done = question("device-1", "whole");
    ask(&stack, done.clone()).await?;
    let mut refused = question("device-1", "refused");
    refused.screenshot = Some("!".to_owned());
    ask(&stack, refused.clone()).await?;
    let cut = question("device-1", "cut");
    ask(&stack, cut.clone()).await?;
    let replaced = question("device-1", "endless");
    let mut call = Call::ask(&stack, replaced.clone()).await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;
    let next = question("device-1", "next");
    call.say(next.clone()).await?;
    call.rest().await?;
    let gone = question("device-1", "endless");
    let mut call = Call::ask(&stack, gone.clone()).await?;
    call.until(|reply| !reply.chunks.is_empty()).await?;
    drop(call);

    let turns = [
        (&done, "complete", "OK", None),
        (&refused, "error", "INVALID_ARGUMENT", Some("validation_failed")),
        (&cut, "error", "UNAVAILABLE", Some("unavailable")),
        (&replaced, "abort", "CANCELLED", Some("cancelled_by_user")),
        (&next, "complete", "OK", None),
        (&gone, "abort", "CANCELLED", Some("cancelled_by_user")),
    ];
    for (asked, decision, code, error) in turns {
        let lines = || turns_of(&stack, &asked.session_id);
        eventually("the turn's end is logged", async || {
            Ok(lines()?.iter().any(|line| line.is_end()))
        })
        .await?;
        let lines = lines()?;
        let seen: Vec<&str> = lines.iter().map(|line| line.decision.as_str()).collect();
        assert_eq!(seen, ["start", decision], "{}", asked.prompt);
        assert_eq!(lines[1].text("grpc_code"), Some(code), "{}", asked.prompt);
        assert_eq!(lines[1].text("error_type"), error, "{}", asked.prompt);
        assert!(lines[1].dur_ms.is_some() && lines[1].text("device").is_some());
        let class =
            error.map(|error| if error == "unavailable" { "transient" } else { "permanent" });
        assert_eq!(lines[1].text("error_classified"), class);
    }
    // A call that ends without a message has one pair of lines, too.
    Call::open(&stack).await?.rest().await?;
    let nameless = || -> anyhow::Result<Vec<String>> {
        let ours = |line: &Line| {
            line.method.as_deref() == Some(STREAM_AUDIO)
                && line.text("session_id").is_none()
                && (line.decision == "start" || line.is_end())
        };
        Ok(stack.decisions()?.into_iter().filter(ours).map(|line| line.decision).collect())
    };
    eventually("the empty call is logged", async || Ok(nameless()?.len() == 2)).await?;
    assert_eq!(nameless()?, ["start", "complete"]);
    stack.stop(&["retry"]).await
}

#[tokio::test]
async fn metrics_count_errors_as_errors_and_refusals_as_refusals() -> anyhow::Result<()> {
    let stack = Stack::builder().start().await?;
    let url = format!("http://127.0.0.1:{}/metrics", stack.ports.gateway_http);
    let scrape =
        async || -> anyhow::Result<String> { Ok(http()?.get(&url).send().await?.text().await?) };
    let before = scrape().await?;
    for family in ["nexy_rpc_requests_total", "nexy_active_streams", "nexy_build_info"] {
        assert!(
            before.contains(&format!("# TYPE {family} ")),
            "{family} is not there from the start"
        );
    }
    ask(&stack, question("device-1", "Bye")).await?;
    ask(&stack, question("", "Bye")).await?;
    let after = scrape().await?;
    let value = |labels: &str| -> Option<f64> {
        let line = after.lines().find(|line| line.starts_with(labels))?;
        line.rsplit(' ').next()?.parse().ok()
    };
    for (code, count) in [("OK", 1.0), ("INVALID_ARGUMENT", 1.0)] {
        let series = format!("nexy_rpc_requests_total{{rpc=\"StreamAudio\",code=\"{code}\"}}");
        assert_eq!(value(&series), Some(count), "{series} in\n{after}");
    }
    let status = gateway_json(&stack, "/status").await?;
    assert_eq!((&status["active_streams"], &status["max_streams"]), (&0.into(), &10.into()));
    stack.stop(&[]).await
}
