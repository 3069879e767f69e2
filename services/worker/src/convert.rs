//! The border between generated messages and the worker's own types.

use std::time::Duration;

use jiff::tz::TimeZone;
use nexy_assistant_response::Action;
use nexy_audio_generation::OutputFormat;
use nexy_proto::worker as pb;
use nexy_types::{HardwareId, Language, ModuleStatus, SampleRate, SessionId, SpeechRate};
use tonic::Status;

use crate::{
    question::{Listener, Question},
    turn::{Ended, Event, Failure, Outcome},
};

/// The only channel count there is: speech is mono.
const MONO: u32 = 1;

/// Checks what a gateway sends. A gateway has checked it before, so a failure
/// here is a bug on one of the two sides.
pub(crate) fn question(request: pb::RespondRequest) -> Result<Question, Status> {
    let device = HardwareId::parse(&request.hardware_id).map_err(invalid)?;
    let session = SessionId::parse(&request.session_id).map_err(invalid)?;
    Ok(Question {
        device,
        session,
        prompt: request.prompt,
        screen: request.screenshot.as_ref().and_then(screen),
        // What kind of file it is, the file itself tells.
        screenshot: request.screenshot.map(|shot| shot.data),
        listener: listener(request.listener.unwrap_or_default())?,
        actions_enabled: request.actions_enabled,
        waiting: request.waiting.map(waiting).transpose()?,
        budget: Some(request.budget_ms)
            .filter(|ms| *ms > 0)
            .map(|ms| Duration::from_millis(ms.into())),
    })
}

/// A screen of which one side is unknown is unknown.
fn screen(shot: &pb::Screenshot) -> Option<(u32, u32)> {
    let size = (shot.screen_width, shot.screen_height);
    (size.0 > 0 && size.1 > 0).then_some(size)
}

fn listener(listener: pb::Listener) -> Result<Listener, Status> {
    Ok(Listener {
        language: language(&listener.language)?,
        voice: Some(listener.voice).filter(|voice| !voice.is_empty()),
        rate: rate(listener.speech_rate)?,
        // A gateway with newer data may know a zone that this worker does not:
        // the server's own is better than no answer.
        timezone: Some(listener.timezone.as_str())
            .filter(|name| !name.is_empty())
            .and_then(|name| TimeZone::get(name).ok()),
    })
}

/// Zero is no preference.
pub(crate) fn rate(factor: f32) -> Result<SpeechRate, Status> {
    if factor == 0.0 { Ok(SpeechRate::NORMAL) } else { SpeechRate::new(factor).map_err(invalid) }
}

/// An empty tag is no preference.
pub(crate) fn language(tag: &str) -> Result<Option<Language>, Status> {
    match tag {
        "" => Ok(None),
        tag => Language::parse(tag).map(Some).ok_or_else(|| invalid("malformed language tag")),
    }
}

fn waiting(action: pb::Action) -> Result<Action, Status> {
    let pb::Action { command, args_json } = action;
    let args = serde_json::from_str(&args_json).map_err(|_| invalid("malformed arguments"))?;
    Ok(Action { command, args })
}

fn invalid(reason: impl ToString) -> Status {
    Status::invalid_argument(reason.to_string())
}

pub(crate) fn event(turn: u64, event: Event) -> pb::RespondEvent {
    use pb::respond_event::Event as Wire;
    let event = match event {
        Event::Text(text) => Wire::Text(text),
        Event::Audio(pcm) => Wire::Audio(pcm),
        Event::Bridge(pcm) => Wire::Bridge(pcm),
        Event::Action(asked) => Wire::Action(action(asked)),
    };
    pb::RespondEvent { turn, event: Some(event) }
}

fn action(action: Action) -> pb::Action {
    let Action { command, args } = action;
    pb::Action { command, args_json: serde_json::Value::Object(args).to_string() }
}

pub(crate) fn audio_format(turn: u64, format: OutputFormat) -> pb::RespondEvent {
    let event = pb::respond_event::Event::AudioFormat(wire_format(format.sample_rate));
    pb::RespondEvent { turn, event: Some(event) }
}

pub(crate) fn wire_format(sample_rate: SampleRate) -> pb::AudioFormat {
    pb::AudioFormat { sample_rate: sample_rate.hz(), channels: MONO }
}

pub(crate) fn ended(turn: u64, ended: Ended) -> pb::RespondEvent {
    use pb::respond_event::Event as Wire;
    let outcome = Some(outcome(ended.outcome));
    let event = match ended.result {
        Ok(()) => Wire::Completed(pb::Completed { outcome, waiting: ended.waiting.map(action) }),
        Err(failure) => Wire::Failed(failed(failure, outcome)),
    };
    pb::RespondEvent { turn, event: Some(event) }
}

pub(crate) fn failed(failure: Failure, outcome: Option<pb::Outcome>) -> pb::Failed {
    let Failure { error_type, message } = failure;
    pb::Failed { error_type: error_type.as_str().to_owned(), message, outcome }
}

fn outcome(outcome: Outcome) -> pb::Outcome {
    pb::Outcome {
        llm: outcome.llm.to_owned(),
        tts: outcome.tts.to_owned(),
        degraded: outcome.degraded.into_iter().map(str::to_owned).collect(),
        input_tokens: outcome.usage.input_tokens,
        output_tokens: outcome.usage.output_tokens,
        provider_wait_ms: outcome.provider_wait.map(|wait| wait.as_secs_f64() * 1e3),
    }
}

pub(crate) fn module(status: ModuleStatus) -> pb::ModuleStatus {
    pb::ModuleStatus {
        name: status.name.to_owned(),
        state: status.state.as_str().to_owned(),
        reason: status.reason.unwrap_or_default(),
    }
}
