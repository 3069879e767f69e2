//! `nexyctl talk`: asks questions and shows, saves and plays the replies.

mod conversation;
mod forwarding;
mod inputs;
mod player;
mod question;
mod report;
mod sound;
mod turn;
mod view;
mod wav;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use nexy_types::{HardwareId, SessionId};

use self::{
    conversation::{Asked, Conversation, Next, Output, SoundWishes, Waits},
    inputs::{Inputs, Prompted},
    question::{Asker, Wishes},
    turn::{Line, Verdict},
};
use crate::{
    connection::{Connection, ConnectionArgs, seconds, streaming_client},
    failure::{INTERRUPTED, Usage},
    screen::{Look, Screen, ScreenArgs},
};

/// Ask the assistant and hear the reply
///
/// Without a question, asks for questions until Ctrl-D; they belong to one
/// conversation. Ctrl-C interrupts a reply, a second Ctrl-C leaves. A question
/// typed during a reply interrupts it.
///
/// Exit code: 0 every reply was complete, 1 one was not, 2 wrong options,
/// 130 left with Ctrl-C.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to ask.
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    question: Option<String>,
    /// Save the sound as a WAV file; without a question as FILE-1, FILE-2 …
    /// before the extension.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    save: Option<PathBuf>,
    /// Play the sound while it arrives.
    #[arg(long, help_heading = "Output")]
    play: bool,
    /// One JSON object for each reply, for scripts.
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Send an image (PNG, JPEG or WebP) with the first question.
    #[arg(long, value_name = "FILE")]
    screenshot: Option<PathBuf>,
    /// The device to speak as. Default: a new one.
    #[arg(long, value_name = "ID", value_parser = HardwareId::parse)]
    hardware_id: Option<HardwareId>,
    /// The session to speak in. Default: a new one.
    #[arg(long, value_name = "UUID", value_parser = SessionId::parse)]
    session_id: Option<SessionId>,
    /// The longest silence within a reply, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 90.0, value_parser = seconds, help_heading = "Connection")]
    reply_timeout: f64,
    #[command(flatten)]
    wishes: Wishes,
    #[command(flatten)]
    screen: ScreenArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// # Errors
/// When the server cannot be reached, an option makes no sense, or the output
/// is closed.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let connection = args.connection.resolve()?;
    if let Some(path) = &args.save {
        check_folder(path)?;
    }
    let screenshot = args.screenshot.as_deref().map(question::screenshot).transpose()?;
    let asker = Asker::new(args.hardware_id, args.session_id, &args.wishes)?;
    let screen = Screen::stdout(&args.screen);
    let output = if args.json { Output::Json(screen) } else { Output::Shown(screen) };
    let asks_about_actions = !args.json && !args.wishes.decline_actions();
    let (channel, forwarding) = tokio::join!(connection.grpc(), async {
        if asks_about_actions { forwarding::ask(&connection).await } else { None }
    });
    let mut conversation = Conversation {
        client: streaming_client(channel?),
        asker,
        output,
        sound: SoundWishes { save: args.save, numbered: args.question.is_none(), play: args.play },
        waits: Waits {
            answer: connection.timeout(),
            silence: Duration::from_secs_f64(args.reply_timeout),
        },
        screenshot,
        asked: 0,
    };
    if let Some(sentence) = forwarding {
        conversation.output.show(&Line::Note(sentence))?;
    }
    match args.question {
        Some(question) => once(&mut conversation, &question).await,
        None => converse(&mut conversation, &connection).await,
    }
}

/// A file can only be made in a folder that is there; better said before the
/// question than after the reply.
fn check_folder(path: &Path) -> Result<(), Usage> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => Err(Usage(format!(
            "--save {}: there is no folder {}",
            path.display(),
            folder.display()
        ))),
        Some(_) => Ok(()),
        None => Err(Usage(format!("--save {}: not a file name", path.display()))),
    }
}

async fn once(conversation: &mut Conversation, question: &str) -> anyhow::Result<ExitCode> {
    let mut inputs = Inputs::keys()?;
    let asked = conversation.ask(question, &mut inputs).await?;
    Ok(match asked.verdict {
        Verdict::Complete => ExitCode::SUCCESS,
        Verdict::Interrupted => ExitCode::from(INTERRUPTED),
        Verdict::Failed | Verdict::Running => ExitCode::FAILURE,
    })
}

/// Question after question until the person leaves.
async fn converse(
    conversation: &mut Conversation,
    connection: &Connection,
) -> anyhow::Result<ExitCode> {
    let mut inputs = Inputs::keys_and_lines()?;
    if inputs.is_typed() {
        let greeting =
            format!("Talking to {}. Ctrl-C interrupts a reply, Ctrl-D leaves.", connection.url());
        conversation.output.show(&Line::Note(greeting))?;
    }
    let mut exit = ExitCode::SUCCESS;
    let mut next = Next::Prompt;
    loop {
        let question = match next {
            Next::Leave => return Ok(ExitCode::from(INTERRUPTED)),
            Next::Ask(question) => question,
            Next::Prompt => {
                conversation.prompt(inputs.is_typed())?;
                match inputs.prompted().await {
                    Prompted::Question(line) if line.trim().is_empty() => {
                        next = Next::Prompt;
                        continue;
                    }
                    Prompted::Question(line) => line,
                    Prompted::End => return conversation.leave(inputs.is_typed(), exit),
                    Prompted::Interrupt => {
                        return conversation.leave(inputs.is_typed(), ExitCode::from(INTERRUPTED));
                    }
                }
            }
        };
        let Asked { verdict, next: wanted } = conversation.ask(&question, &mut inputs).await?;
        if verdict == Verdict::Failed {
            exit = ExitCode::FAILURE;
        }
        next = wanted;
    }
}

// === impl Conversation ===

impl Conversation {
    fn prompt(&mut self, typed: bool) -> anyhow::Result<()> {
        if let (Output::Shown(screen), true) = (&mut self.output, typed) {
            let text = if screen.look() == Look::Plain { "Question: " } else { "> " };
            screen.prompt(text)?;
        }
        Ok(())
    }

    /// The shell's prompt should not stand behind ours.
    fn leave(&mut self, typed: bool, exit: ExitCode) -> anyhow::Result<ExitCode> {
        if let (Output::Shown(screen), true) = (&mut self.output, typed) {
            screen.line("")?;
        }
        Ok(exit)
    }
}
