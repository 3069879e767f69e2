//! One turn: memory → model → reply parser → segments → voices.
//!
//! The screenshot is made to fit the first model while memory is recalled. Two
//! halves run side by side. The *writer* reads the model and cuts what it
//! says into segments; it never waits for the listener. The *speaker* sends
//! each segment's text at once, has the next segments synthesised ahead, and
//! sends their audio strictly in order; it never waits for the model while
//! there is audio to send.
//!
//! Cancelling a turn is dropping its future: every provider request, process
//! and task of it is owned by that future.

mod bridge;
mod consent;
mod outcome;
mod screenshot;
mod speaker;
mod transcript;
mod words;
mod writer;

use std::{pin::pin, sync::Arc};

use bytes::Bytes;
use futures_util::future::{Either, select};
use nexy_assistant_response::{Action, Catalogue};
use nexy_config::{CommandEntry, Flags};
use nexy_image_processing::Images;
use nexy_memory_management::{Exchange, Handle as Memory, Recollection};
use nexy_text_processing::{ChatRequest, Prompt, Screen, Waiting};
use nexy_types::Command;
use tokio::{sync::mpsc, time::Instant};
use tracing::Instrument as _;

pub(crate) use self::outcome::{Ended, Failure, Outcome};
pub(crate) use self::{
    bridge::{BridgeSettings, Bridges},
    consent::ConsentSettings,
    speaker::SpeakerSettings,
    transcript::Running,
    words::WordsSettings,
    writer::WriterSettings,
};
use self::{
    consent::Consent,
    outcome::Timeline,
    screenshot::Screenshot,
    speaker::Speaker,
    transcript::{Remembering, Transcript},
    words::Words,
    writer::Writer,
};
use crate::{
    providers::{Models, Voices},
    question::Question,
};

/// What a turn sends to its listener, in order.
#[derive(Debug)]
pub(crate) enum Event {
    /// One segment, for display.
    Text(String),
    /// Whole samples of the configured format.
    Audio(Bytes),
    /// The same, of a "one moment" that is not part of the reply.
    Bridge(Bytes),
    /// A checked action, at most once.
    Action(Action),
}

/// What every turn of this worker shares.
pub(crate) struct Pipeline {
    pub(crate) memory: Memory,
    pub(crate) running: Running,
    pub(crate) models: Models,
    pub(crate) images: Images,
    pub(crate) voices: Arc<Voices>,
    pub(crate) bridges: Bridges,
    pub(crate) commands: Vec<CommandEntry>,
    pub(crate) settings: Settings,
}

/// The numbers of the pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) writer: WriterSettings,
    pub(crate) speaker: SpeakerSettings,
    pub(crate) consent: ConsentSettings,
    pub(crate) words: WordsSettings,
    /// Where a listener is who did not say.
    pub(crate) timezone: jiff::tz::TimeZone,
}

/// What was said beside what the store holds.
struct Said<'a> {
    /// By turns of the device that ran when this one began.
    earlier: Vec<Exchange>,
    /// By this one.
    transcript: &'a Transcript,
}

// === impl Pipeline ===

impl Pipeline {
    /// Answers one question. Sends to `out` until the reply is over, the
    /// listener is gone, or the future is dropped.
    pub(crate) async fn answer(
        &self,
        question: Question,
        flags: &Flags,
        out: mpsc::Sender<Event>,
    ) -> Ended {
        let remembers = flags.workflow_integrations();
        // Before this turn is one of them.
        let earlier = if remembers { self.running.said_to(&question.device) } else { Vec::new() };
        let remembering = remembers.then(|| {
            self.running.begin(&self.memory, question.device.clone(), question.prompt.clone())
        });
        let transcript = remembering.as_ref().map(Remembering::transcript).unwrap_or_default();
        let said = Said { earlier, transcript: &transcript };
        let ended = self.reply(&question, flags, said, out).await;
        if let Some(remembering) = remembering {
            remembering.end(ended.result.is_ok().then_some(&ended.reply));
        }
        ended
    }

    async fn reply(
        &self,
        question: &Question,
        flags: &Flags,
        said: Said<'_>,
        out: mpsc::Sender<Event>,
    ) -> Ended {
        let timeline = Timeline::start();
        let budget = self.settings.writer.turn_budget;
        let deadline = Instant::now() + question.budget.map_or(budget, |left| left.min(budget));
        let commands = self.commands(question, flags);
        // What is off cannot be asked for, also when the model knows of it.
        let catalogue = Catalogue::new(commands.clone());
        let consent = Consent::of(question, &self.settings.consent);
        let words = Words {
            settings: &self.settings.words,
            commands: &self.commands,
            language: question.language(),
        };
        let (segments, to_speak) = mpsc::channel(self.settings.writer.max_segments);
        let writer = Writer {
            models: &self.models,
            catalogue: &catalogue,
            consent: &consent,
            words: &words,
            settings: &self.settings.writer,
            deadline,
            fail_over: flags.fail_over(),
            timeline: &timeline,
        };
        let speaker = Speaker {
            voices: Arc::clone(&self.voices),
            listener: &question.listener,
            language: question.language(),
            settings: self.settings.speaker,
            fail_over: flags.fail_over(),
            timeline: &timeline,
            transcript: said.transcript,
        };
        let bridge = self.bridges.of(&question.prompt, &question.listener);
        let writing = async {
            let (recollection, screenshot) = tokio::join!(
                self.recall(question, flags, said.earlier),
                self.screenshot(question, flags)
            );
            let request = Arc::new(self.request(question, recollection, commands));
            let span = tracing::info_span!("write");
            writer.write(request, screenshot, segments).instrument(span).await
        };
        let speaking = speaker.speak(bridge, to_speak, out);
        // The speaker is there from the start: a "one moment" waits for nobody.
        let (written, spoken) = {
            let speaking = speaking.instrument(tracing::info_span!("speak"));
            let replying = pin!(async { tokio::join!(writing, speaking) });
            // The voice's handshakes hide behind the model's thinking.
            let warming = pin!(self.voices.warm_up_if_cold(flags.fail_over()));
            match select(replying, warming).await {
                Either::Left((done, _)) => done,
                Either::Right(((), replying)) => replying.await,
            }
        };
        Ended::of(written, spoken, &timeline)
    }

    /// What is remembered of a device, and behind it what its turns have said
    /// that ran when this one began.
    async fn recall(
        &self,
        question: &Question,
        flags: &Flags,
        mut earlier: Vec<Exchange>,
    ) -> Recollection {
        if !flags.workflow_integrations() {
            return Recollection::default();
        }
        let memory = tracing::info_span!("memory");
        let mut recollection = self.memory.recall(&question.device).instrument(memory).await;
        // One that was cut off meanwhile is remembered already.
        earlier.retain(|exchange| !recollection.exchanges.contains(exchange));
        recollection.exchanges.append(&mut earlier);
        recollection
    }

    /// The screenshot, ready for the model that will most likely be asked.
    async fn screenshot(&self, question: &Question, flags: &Flags) -> Screenshot<'_> {
        let mut screenshot = Screenshot::new(&self.images, question.screenshot.clone());
        if let Some(model) = self.models.likely(flags.fail_over()) {
            screenshot.prepare(model).await;
        }
        screenshot
    }

    /// What the assistant may ask for in this turn.
    fn commands(&self, question: &Question, flags: &Flags) -> Vec<Command> {
        if !question.actions_enabled || !flags.workflow_integrations() {
            return Vec::new();
        }
        let enabled =
            self.commands.iter().filter(|entry| entry.is_enabled(flags, &question.device));
        enabled.map(|entry| entry.command.clone()).collect()
    }

    fn request(
        &self,
        question: &Question,
        recollection: Recollection,
        commands: Vec<Command>,
    ) -> ChatRequest {
        let listener = &question.listener;
        let zone = listener.timezone.as_ref().unwrap_or(&self.settings.timezone);
        let language = question.language();
        let now = jiff::Timestamp::now().to_zoned(zone.clone());
        let waiting = question.waiting.as_ref().map(waiting);
        let system = Prompt {
            language: &language,
            now: &now,
            commands: &commands,
            memory: "",
            waiting: waiting.as_ref(),
            screen: question.screen,
        };
        ChatRequest {
            system: system.render(),
            history: recollection.exchanges.into_iter().map(history).collect(),
            prompt: question.prompt.clone(),
            // Each model gets its own form of it.
            screen: Screen::NotSent,
            commands,
            language,
            now,
            outages: false,
        }
    }
}

fn history(Exchange { prompt, reply }: Exchange) -> nexy_text_processing::Exchange {
    nexy_text_processing::Exchange { user: prompt, assistant: reply }
}

fn waiting(action: &Action) -> Waiting {
    let args = serde_json::Value::Object(action.args.clone());
    Waiting { command: action.command.clone(), args_json: args.to_string() }
}

#[cfg(test)]
mod tests;
