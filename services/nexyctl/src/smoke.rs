//! `nexyctl smoke`: a quick series of checks against a running server.

mod expect;

use std::{io, process::ExitCode, time::Duration};

use nexy_proto::streaming::{
    InterruptRequest, StreamRequest, streaming_service_client::StreamingServiceClient,
};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tonic::{Request, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use self::expect::Heard;
use crate::{
    connection::{ConnectionArgs, HttpClient, seconds, streaming_client},
    failure::{Failure, chain},
    reply,
    screen::{Look, Screen, ScreenArgs, Tone, clean},
};

/// Check a running server in a few seconds
///
/// Exit code: 0 all checks passed, 1 one did not, 2 wrong options.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to ask.
    #[arg(long, value_name = "TEXT", default_value = "What time is it?")]
    question: String,
    /// The longest wait for the reply to the question, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds, help_heading = "Connection")]
    reply_timeout: f64,
    #[command(flatten)]
    screen: ScreenArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The checks so far, shown one by one.
struct Sheet {
    screen: Screen,
    passed: u32,
    missed: u32,
    /// The longest wait for one check.
    patience: Duration,
}

/// How a check ended: what was seen, or what was wrong.
type Outcome = anyhow::Result<String>;

/// Wide enough for every name below.
const NAME_WIDTH: usize = 30;
/// Frames and segments of the reply that may wait.
const WAITING_EVENTS: usize = 64;

/// # Errors
/// When the server cannot be reached, an option makes no sense, or the output
/// is closed.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    run_on(Screen::stdout(&args.screen), args).await
}

async fn run_on(screen: Screen, args: Args) -> anyhow::Result<ExitCode> {
    let connection = args.connection.resolve()?;
    let channel = connection.grpc().await?;
    let http = connection.http()?;
    let client = streaming_client(channel.clone());
    let mut sheet = Sheet { screen, passed: 0, missed: 0, patience: connection.timeout() };
    sheet.check("gRPC health", grpc_health(channel)).await?;
    question(&mut sheet, &client, &args).await?;
    refusals(&mut sheet, &client).await?;
    sheet.check("interrupt with nothing to stop", idle_interrupt(client)).await?;
    sheet.check("/health", route(&http, "/health", expect::health)).await?;
    sheet.check("/status", route(&http, "/status", expect::status)).await?;
    if connection.is_tls() {
        sheet.check("/appcast.xml", route(&http, "/appcast.xml", expect::appcast)).await?;
        sheet.check("/metrics is private", route(&http, "/metrics", expect::private)).await?;
    } else {
        for name in ["/appcast.xml", "/metrics is private"] {
            sheet.skip(name, "only behind the public door: use an https:// server")?;
        }
    }
    sheet.conclude().map_err(Into::into)
}

/// One question, and what the contract promises about its reply.
async fn question(
    sheet: &mut Sheet,
    client: &StreamingServiceClient<Channel>,
    args: &Args,
) -> io::Result<()> {
    let started = Instant::now();
    let request = StreamRequest { prompt: args.question.clone(), ..question_of_nobody() };
    let heard = hear(client, request, Duration::from_secs_f64(args.reply_timeout)).await;
    let took = started.elapsed();
    sheet.note("a question is answered", took, expect::complete(&heard))?;
    sheet.note("the reply has text", took, expect::text(&heard))?;
    sheet.note("the reply has sound", took, expect::sound(&heard))
}

async fn refusals(sheet: &mut Sheet, client: &StreamingServiceClient<Channel>) -> io::Result<()> {
    let patience = sheet.patience;
    let nameless = StreamRequest { session_id: String::new(), ..question_of_nobody() };
    let unknown = StreamRequest { hardware_id: "unknown".to_owned(), ..question_of_nobody() };
    sheet
        .check("no session_id is refused", async {
            let heard = hear(client, nameless, patience).await;
            expect::refusal(&heard, "session_id is required and must be provided by client")
        })
        .await?;
    sheet
        .check("a bad hardware_id is refused", async {
            expect::refusal(&hear(client, unknown, patience).await, "hardware_id")
        })
        .await
}

/// Valid ids that nobody else uses.
fn question_of_nobody() -> StreamRequest {
    StreamRequest {
        prompt: "Hello".to_owned(),
        hardware_id: format!("nexyctl-smoke-{}", uuid::Uuid::new_v4()),
        session_id: uuid::Uuid::new_v4().to_string(),
        ..StreamRequest::default()
    }
}

/// Asks and takes everything that comes.
async fn hear(
    client: &StreamingServiceClient<Channel>,
    request: StreamRequest,
    silence: Duration,
) -> Heard {
    let (sender, mut events) = mpsc::channel(WAITING_EVENTS);
    let mut call = JoinSet::new();
    call.spawn(reply::read(client.clone(), Request::new(request), silence, sender));
    let mut heard = Heard::default();
    while let Some(timed) = events.recv().await {
        heard.take(timed);
    }
    heard
}

async fn grpc_health(channel: Channel) -> Outcome {
    let request = HealthCheckRequest { service: String::new() };
    let answer = HealthClient::new(channel).check(request).await;
    let answer = answer.map_err(|status| anyhow::anyhow!(Failure::of_status(&status).title()))?;
    let state = answer.into_inner().status();
    anyhow::ensure!(state == ServingStatus::Serving, "answers {}", state.as_str_name());
    Ok(state.as_str_name().to_owned())
}

async fn idle_interrupt(mut client: StreamingServiceClient<Channel>) -> Outcome {
    let request = InterruptRequest { hardware_id: question_of_nobody().hardware_id };
    let answer = client.interrupt_session(request).await;
    let answer = answer.map_err(|status| anyhow::anyhow!(Failure::of_status(&status).title()))?;
    let answer = answer.into_inner();
    anyhow::ensure!(
        !answer.success && answer.interrupted_sessions.is_empty(),
        "says that it stopped {} sessions",
        answer.interrupted_sessions.len()
    );
    Ok(answer.message)
}

async fn route(
    http: &HttpClient,
    path: &str,
    expect: fn(&crate::connection::Answer) -> Outcome,
) -> Outcome {
    expect(&http.get(path).await?)
}

// === impl Sheet ===

impl Sheet {
    /// Runs a check, for as long as one may take.
    async fn check(&mut self, name: &str, check: impl Future<Output = Outcome>) -> io::Result<()> {
        let started = Instant::now();
        let outcome = match tokio::time::timeout(self.patience, check).await {
            Ok(outcome) => outcome,
            Err(_) => Err(anyhow::anyhow!("no answer within {} s", self.patience.as_secs_f64())),
        };
        self.note(name, started.elapsed(), outcome)
    }

    fn note(&mut self, name: &str, took: Duration, outcome: Outcome) -> io::Result<()> {
        let (mark, tone, word, seen) = match outcome {
            Ok(seen) => {
                self.passed += 1;
                ("✓", Tone::Good, "Passed", seen)
            }
            Err(error) => {
                self.missed += 1;
                ("✗", Tone::Bad, "Failed", chain(error.as_ref()))
            }
        };
        let (seen, took) = (clean(&seen), took.as_millis());
        let look = self.screen.look();
        self.screen.line(&match look {
            Look::Plain => format!("{word}: {name}. {seen}. {took} milliseconds."),
            Look::Piped | Look::Terminal(_) => {
                let took = look.paint(Tone::Faint, &format!("({took} ms)"));
                format!("{} {name:<NAME_WIDTH$}  {seen} {took}", look.paint(tone, mark))
            }
        })
    }

    fn skip(&mut self, name: &str, why: &str) -> io::Result<()> {
        let look = self.screen.look();
        self.screen.line(&match look {
            Look::Plain => format!("Skipped: {name}. {why}."),
            Look::Piped | Look::Terminal(_) => {
                look.paint(Tone::Faint, &format!("– {name:<NAME_WIDTH$}  skipped: {why}"))
            }
        })
    }

    fn conclude(mut self) -> io::Result<ExitCode> {
        let Self { passed, missed, .. } = self;
        if missed == 0 {
            self.screen.line(&format!("All {passed} checks passed."))?;
            return Ok(ExitCode::SUCCESS);
        }
        self.screen.line(&format!("{missed} of {} checks failed.", passed + missed))?;
        Ok(ExitCode::FAILURE)
    }
}

#[cfg(test)]
mod tests;
