mod broken;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use nexy_assistant_response::{Action, ActionRequest, Catalogue, Part, ReplyParser};
use nexy_telemetry::metrics;
use nexy_text_filtering::Segmenter;
use nexy_text_processing::{ChatRequest, Delta, FinishReason, LanguageModel, Screen, Usage};
use nexy_types::{ActionMarks, ErrorType};
use tokio::{
    sync::mpsc,
    time::{Instant as Deadline, timeout_at},
};

use self::broken::Broken;
use super::{
    consent::{Consent, Hold, spelled_out},
    outcome::{Failure, Timeline},
    screenshot::{Screenshot, is_lost},
    speaker::Item,
    words::Words,
};
use crate::{
    decisions::{ActionConfirmed, ActionDropped, ReplyWarning, Retry},
    providers::{Admission, Models},
};

/// The numbers of the writing half.
#[derive(Debug, Clone)]
pub(crate) struct WriterSettings {
    pub(crate) segments: nexy_text_filtering::Settings,
    /// More segments than a reply can have: the writer never waits for the
    /// listener. A segment has at least one token.
    pub(crate) max_segments: usize,
    /// Of one reply, as far as it is read.
    pub(crate) max_chars: usize,
    /// For all models together, from the beginning of the turn to the last word.
    pub(crate) turn_budget: Duration,
}

/// Asks the models and cuts the reply into segments.
pub(super) struct Writer<'a> {
    pub(super) models: &'a Models,
    /// The actions that may be asked for in this turn.
    pub(super) catalogue: &'a Catalogue,
    /// Those among them that the user has agreed to.
    pub(super) consent: &'a Consent<'a>,
    pub(super) words: &'a Words<'a>,
    pub(super) settings: &'a WriterSettings,
    /// When the turn's budget is spent.
    pub(super) deadline: Deadline,
    pub(super) fail_over: bool,
    pub(super) timeline: &'a Timeline,
}

/// What the models made of the request.
pub(super) struct Written {
    pub(super) model: &'static str,
    pub(super) usage: Usage,
    /// A model that sees images answered without the screenshot.
    pub(super) lost_screenshot: bool,
    /// The segments joined by one space: the reply as the listener got it.
    pub(super) reply: String,
    /// What the reply asks the user to agree to.
    pub(super) held: Option<Held>,
    /// Whether anything of it left for the listener.
    heard: bool,
    pub(super) result: Result<(), Failure>,
}

/// An action that waits for the user's yes.
pub(super) struct Held {
    pub(super) action: Action,
    pub(super) reason: Hold,
}

/// One model's try at the reply.
struct Attempt<'a> {
    writer: &'a Writer<'a>,
    to_speaker: &'a mpsc::Sender<Item>,
    parser: ReplyParser,
    marks: ActionMarks,
    segmenter: Segmenter,
    /// An action that waits for the reply's first text.
    action: Option<Action>,
    held: Option<Held>,
    /// Something was asked for that is not done.
    refused: bool,
    reply: String,
    /// Characters of the model's so far.
    read: usize,
    usage: Usage,
    /// Spent waiting for the model so far.
    waited: Duration,
    sent_any: bool,
    finished: Option<FinishReason>,
}

// === impl Writer ===

impl Writer<'_> {
    pub(super) async fn write(
        self,
        request: Arc<ChatRequest>,
        mut screenshot: Screenshot<'_>,
        to_speaker: mpsc::Sender<Item>,
    ) -> Written {
        let mut last_error = None;
        let models = self.models.to_ask(self.fail_over);
        for (place, guarded) in models.iter().enumerate() {
            let model = guarded.model.as_ref();
            // The last one is asked whatever its breaker says: without it there
            // would be no answer for certain.
            let Some(admission) = guarded.breaker.admit(place + 1 == models.len()) else {
                metrics::PROVIDER_CALLS.increment([model.name(), "breaker_open"]);
                last_error.get_or_insert(Broken::LeftAlone);
                continue;
            };
            let screen = screenshot.shown_to(model).await;
            let lost_screenshot = is_lost(&screen, model);
            let request = tailored(&request, screen, last_error.is_some());
            let (written, result) = self.attempt(model, admission, request, &to_speaker).await;
            let written = Written { lost_screenshot, ..written };
            match result {
                Ok(()) => return written,
                // A word was heard, or an action asked for: a second reply would
                // contradict it.
                Err(error) if error.is_final() || written.heard => {
                    return Written { result: Err(failure(&error)), ..written };
                }
                Err(error) => last_error = Some(error),
            }
        }
        Written {
            model: "",
            usage: Usage::default(),
            lost_screenshot: false,
            reply: String::new(),
            held: None,
            heard: false,
            result: Err(last_error.as_ref().map_or_else(no_model, failure)),
        }
    }

    /// Asks one model, and tells its breaker and the decision log how it went.
    async fn attempt(
        &self,
        model: &dyn LanguageModel,
        admission: Admission,
        request: Arc<ChatRequest>,
        to_speaker: &mpsc::Sender<Item>,
    ) -> (Written, Result<(), Broken>) {
        let asked = Instant::now();
        let mut attempt = Attempt::new(self, to_speaker);
        let result = timeout_at(self.deadline, attempt.run(model, request))
            .await
            .unwrap_or(Err(Broken::OutOfTime));
        match &result {
            Ok(()) => {
                admission.succeeded();
                metrics::PROVIDER_CALLS.increment([model.name(), "ok"]);
            }
            Err(Broken::Unheard) => {}
            Err(error) => {
                if let Some(fault) = error.fault(self.models) {
                    admission.failed(fault);
                }
                report(model, error, asked.elapsed());
            }
        }
        (attempt.into_written(model.name()), result)
    }
}

// === impl Attempt ===

impl<'a> Attempt<'a> {
    fn new(writer: &'a Writer<'a>, to_speaker: &'a mpsc::Sender<Item>) -> Self {
        Self {
            writer,
            to_speaker,
            parser: ReplyParser::new(),
            marks: ActionMarks::default(),
            segmenter: Segmenter::new(writer.settings.segments),
            action: None,
            held: None,
            refused: false,
            reply: String::new(),
            read: 0,
            usage: Usage::default(),
            waited: Duration::ZERO,
            sent_any: false,
            finished: None,
        }
    }

    async fn run(
        &mut self,
        model: &dyn LanguageModel,
        request: Arc<ChatRequest>,
    ) -> Result<(), Broken> {
        let models = self.writer.models;
        let asked = Instant::now();
        let (first, mut stream) = models.open(model, request).await?;
        self.waited += asked.elapsed();
        metrics::STAGE_DURATION.observe(["llm_first_token", model.name()], self.waited);
        for delta in first {
            self.take(delta).await?;
        }
        let mut judged = None;
        loop {
            let waiting = Instant::now();
            let Some(delta) = stream.next().await else { break };
            match delta {
                // Once the model is done, how its connection ends is its own
                // matter; reading on leaves it to the next request.
                _ if judged.is_some() => {}
                Ok(Delta::Finished(reason)) => {
                    self.finished = Some(reason);
                    metrics::STAGE_DURATION.observe(["llm_total", model.name()], asked.elapsed());
                    judged = Some(self.end().await);
                }
                delta => {
                    self.waited += waiting.elapsed();
                    self.take(delta?).await?;
                }
            }
        }
        match judged {
            Some(judged) => judged,
            None => self.end().await,
        }
    }

    async fn take(&mut self, delta: Delta) -> Result<(), Broken> {
        match delta {
            Delta::Text(text) => {
                self.read += text.chars().count();
                if self.read > self.writer.settings.max_chars {
                    return Err(Broken::TooLong);
                }
                self.parser.push(&text);
            }
            Delta::ToolCall(call) => self.parser.tool_call(&call.name, &call.arguments_json),
            Delta::Usage(usage) => {
                self.usage = usage;
                return Ok(());
            }
            Delta::Finished(reason) => {
                self.finished = Some(reason);
                return Ok(());
            }
        }
        self.take_parts().await
    }

    async fn take_parts(&mut self) -> Result<(), Broken> {
        while let Some(part) = self.parser.next_part() {
            match part {
                Part::Speech(text) => self.say(&text).await?,
                Part::Action(request) => self.take_action(&request),
                Part::Warning(warning) => {
                    nexy_telemetry::emit(&ReplyWarning { warning: warning.as_str() });
                }
            }
        }
        Ok(())
    }

    /// Cuts speech into segments and sends those that are whole.
    async fn say(&mut self, text: &str) -> Result<(), Broken> {
        let was_found = self.marks.found();
        let text = self.marks.push(text);
        if self.marks.found() && !was_found {
            nexy_telemetry::emit(&ReplyWarning { warning: "action_forged" });
            self.refused = true;
        }
        let segments = self.segmenter.push(&text);
        self.send_segments(segments).await
    }

    /// Sends what is left to be said.
    async fn say_rest(&mut self) -> Result<(), Broken> {
        let rest = self.marks.finish();
        let mut segments = self.segmenter.push(&rest);
        let next = Segmenter::new(self.writer.settings.segments);
        segments.extend(std::mem::replace(&mut self.segmenter, next).finish());
        self.send_segments(segments).await
    }

    fn take_action(&mut self, request: &ActionRequest) {
        let Writer { catalogue, consent, .. } = self.writer;
        let action = match catalogue.check(request) {
            Ok(action) => action,
            Err(rejection) => {
                self.refused = true;
                return dropped(rejection.as_str());
            }
        };
        let agreed = if catalogue.asks_first(&action) { consent.check(&action) } else { Ok(()) };
        match agreed {
            Ok(()) => self.action = Some(action),
            Err(reason @ Hold::TooLong) => {
                self.refused = true;
                dropped(reason.as_str());
            }
            Err(reason) => self.held = Some(Held { action, reason }),
        }
    }

    /// The end of the stream: what is left is sent, and the reply judged.
    async fn end(&mut self) -> Result<(), Broken> {
        self.parser.finish();
        self.take_parts().await?;
        self.say_rest().await?;
        let is_whole = self.finished == Some(FinishReason::Stop);
        if is_whole {
            self.put_in_words().await?;
        }
        if is_whole || !self.reply.is_empty() {
            self.send_action().await?;
        } else if self.action.take().is_some() {
            // Nothing was heard: the next model may do better.
            dropped("reply_cut_off");
        }
        if is_whole {
            self.ask_first().await?;
        }
        match self.finished {
            Some(FinishReason::Stop) if self.sent_any => Ok(()),
            Some(FinishReason::Stop) => Err(Broken::Empty),
            Some(FinishReason::Length) => Err(Broken::TooLong),
            Some(FinishReason::ContentFilter) => Err(Broken::Filtered),
            Some(FinishReason::Other) | None => Err(Broken::CutOff),
        }
    }

    /// Makes sure that the user hears what happens, also from a model that asks
    /// for an action without a word.
    async fn put_in_words(&mut self) -> Result<(), Broken> {
        if !self.reply.is_empty() || self.held.is_some() {
            return Ok(());
        }
        let words = self.writer.words;
        let text = match &self.action {
            Some(action) => words.doing(action),
            None if self.refused => words.cannot().to_owned(),
            None => return Ok(()),
        };
        self.say(&text).await?;
        self.say_rest().await
    }

    /// Makes sure that the user knows that a held action waits for them.
    async fn ask_first(&mut self) -> Result<(), Broken> {
        let Some(Held { action, .. }) = &self.held else { return Ok(()) };
        let question = self.writer.consent.question_after(&self.reply);
        if self.reply.is_empty() {
            let text = spelled_out(action);
            self.say(&text).await?;
            self.say_rest().await?;
        }
        match question {
            Some(question) => self.send_segment(question.to_owned()).await,
            None => Ok(()),
        }
    }

    async fn send_segments(&mut self, segments: Vec<String>) -> Result<(), Broken> {
        for segment in segments {
            self.send_segment(segment).await?;
        }
        Ok(())
    }

    async fn send_segment(&mut self, segment: String) -> Result<(), Broken> {
        if !self.reply.is_empty() {
            self.reply.push(' ');
        }
        self.reply.push_str(&segment);
        self.writer.timeline.first_segment(self.waited);
        self.send(Item::Segment(segment)).await?;
        // Never before the first text of a reply that has text.
        self.send_action().await
    }

    async fn send_action(&mut self) -> Result<(), Broken> {
        let Some(action) = self.action.take() else { return Ok(()) };
        if self.writer.catalogue.asks_first(&action) {
            nexy_telemetry::emit(&ActionConfirmed { command: action.command.clone() });
        }
        self.send(Item::Action(action)).await
    }

    async fn send(&mut self, item: Item) -> Result<(), Broken> {
        self.sent_any = true;
        // The speaker leaves first only when the listener is gone.
        self.to_speaker.send(item).await.map_err(|_| Broken::Unheard)
    }

    fn into_written(self, model: &'static str) -> Written {
        self.writer.models.count(model, self.usage);
        Written {
            model,
            usage: self.usage,
            lost_screenshot: false,
            reply: self.reply,
            held: self.held,
            heard: self.sent_any,
            result: Ok(()),
        }
    }
}

/// The request of one model.
fn tailored(request: &Arc<ChatRequest>, screen: Screen, outages: bool) -> Arc<ChatRequest> {
    if outages == request.outages && screen == request.screen {
        return Arc::clone(request);
    }
    Arc::new(ChatRequest { screen, outages, ..ChatRequest::clone(request) })
}

fn dropped(reason: &'static str) {
    nexy_telemetry::emit(&ActionDropped { reason });
}

fn report(model: &dyn LanguageModel, error: &Broken, after: Duration) {
    nexy_telemetry::emit(&Retry {
        stage: "llm",
        provider: model.name(),
        label: model.name(),
        error_type: error.error_type().as_str(),
        reason: error.to_string(),
        after,
    });
}

fn failure(error: &Broken) -> Failure {
    Failure { error_type: error.error_type(), message: error.to_string() }
}

fn no_model() -> Failure {
    Failure {
        error_type: ErrorType::Unavailable,
        message: "no language model is configured".to_owned(),
    }
}
