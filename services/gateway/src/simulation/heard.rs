//! One call as its client hears it, held against the contract frame by frame.

use std::time::Duration;

use nexy_proto::streaming::{StreamResponse, stream_response::Content, turn_event::Kind};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::script::Script;

/// How long frames that were on their way already may still come.
const ON_THE_WAY: Duration = Duration::from_millis(200);

/// What came on a call so far.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) session: String,
    /// The script of each question that was asked on it.
    pub(super) scripts: Vec<Script>,
    /// The turn that was started last, from 1.
    pub(super) turn: u32,
    /// Whether that one runs.
    pub(super) is_open: bool,
    pub(super) texts: u32,
    pub(super) audios: u32,
    has_ended: bool,
    /// Turns that were told to be complete.
    pub(super) completed: u32,
    pub(super) collected: u32,
    said_any: bool,
    said_error: bool,
    /// When the last turn was started.
    started: Duration,
    /// When the last frame came.
    last_frame: Duration,
    /// An interrupt of this turn was answered then: nothing of it may come.
    pub(super) silenced: Option<(u32, Duration)>,
    /// This turn has no right to go on for long after that moment.
    pub(super) overdue: Option<(u32, Duration)>,
    pub(super) over: Option<Over>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Over {
    pub(super) code: Code,
    /// `error_type`; `None` when the gateway has not said so itself.
    pub(super) reason: Option<String>,
    pub(super) at: Duration,
}

// === impl Heard ===

impl Heard {
    pub(super) fn new(session: &str, script: Script) -> Self {
        Self {
            session: session.to_owned(),
            scripts: vec![script],
            turn: 0,
            is_open: false,
            texts: 0,
            audios: 0,
            has_ended: false,
            completed: 0,
            collected: 0,
            said_any: false,
            said_error: false,
            started: Duration::ZERO,
            last_frame: Duration::ZERO,
            silenced: None,
            overdue: None,
            over: None,
        }
    }

    /// Files a message, or says what is wrong with it.
    pub(super) fn take(&mut self, message: StreamResponse, now: Duration) -> Result<(), String> {
        if self.over.is_some() || self.said_error {
            return Err(format!("something came behind the end: {message:?}"));
        }
        let first = !std::mem::replace(&mut self.said_any, true);
        match message.content {
            Some(Content::TurnEvent(event)) => {
                if event.kind() == Kind::Started {
                    self.started = now;
                }
                self.event(event.kind(), event.turn, now)
            }
            Some(Content::TextChunk(text)) => {
                let expected = self.script(now)?.text(self.texts);
                self.texts += 1;
                check(text == expected, || format!("{text} instead of {expected}"))
            }
            Some(Content::AudioChunk(chunk)) => {
                let expected = self.script(now)?.audio(self.audios);
                self.audios += 1;
                check(chunk.audio_data == expected, || "audio of something else".to_owned())?;
                check(self.audios <= self.texts, || "audio before its text".to_owned())
            }
            Some(Content::EndMessage(end)) if end == "COLLECT_ACCEPTED" => {
                self.collected += 1;
                Ok(())
            }
            Some(Content::EndMessage(_)) => {
                let script = self.script(now)?;
                check(script.can_be_whole(), || "the end of a reply that broke".to_owned())?;
                check(!self.has_ended, || "two ends of a turn".to_owned())?;
                let (all, came) = (script.segments, (self.texts, self.audios));
                check(came == (all, all), || format!("an end after {came:?} of {all}"))?;
                self.has_ended = true;
                Ok(())
            }
            Some(Content::ErrorMessage(_)) => {
                self.said_error = true;
                check(first, || "an error message after data".to_owned())
            }
            other => Err(format!("nobody asked for {other:?}")),
        }
    }

    /// The script that frames have to follow now.
    fn script(&mut self, now: Duration) -> Result<Script, String> {
        let turn = self.turn;
        check(self.is_open, || format!("a frame while no turn runs, behind turn {turn}"))?;
        check(!self.has_ended, || "a frame behind the end message".to_owned())?;
        // In the same moment it is the order of the device's own tasks.
        let is_silenced = self.silenced.is_some_and(|(of, at)| of == turn && now > at);
        check(!is_silenced, || {
            format!("a frame of turn {turn} behind the answer to its interrupt")
        })?;
        check(!self.is_overdue(now), || format!("turn {turn} goes on though it was over"))?;
        self.last_frame = now;
        let place = usize::try_from(turn).ok().and_then(|turn| turn.checked_sub(1));
        let script = place.and_then(|place| self.scripts.get(place));
        script.copied().ok_or_else(|| format!("nobody asked for turn {turn}"))
    }

    fn is_overdue(&self, now: Duration) -> bool {
        self.overdue.is_some_and(|(of, at)| of == self.turn && now > at + ON_THE_WAY)
    }

    fn event(&mut self, kind: Kind, turn: u32, now: Duration) -> Result<(), String> {
        check(kind == Kind::Started || !self.is_overdue(now), || {
            format!("turn {turn} ends long after it was over")
        })?;
        match kind {
            Kind::Started => {
                check(!self.is_open, || format!("turn {turn} within turn {}", self.turn))?;
                check(turn == self.turn + 1, || format!("turn {turn} behind {}", self.turn))?;
                (self.turn, self.is_open, self.has_ended) = (turn, true, false);
                (self.texts, self.audios) = (0, 0);
                Ok(())
            }
            Kind::Completed => {
                check(self.is_open && turn == self.turn, || format!("{turn} complete"))?;
                check(self.has_ended, || "complete without an end message".to_owned())?;
                (self.is_open, self.completed) = (false, self.completed + 1);
                Ok(())
            }
            Kind::Interrupted | Kind::Failed => {
                check(self.is_open && turn == self.turn, || format!("{turn} is over"))?;
                check(!self.has_ended, || "over behind an end message".to_owned())?;
                self.is_open = false;
                Ok(())
            }
            Kind::Unspecified => Err("an event of no kind".to_owned()),
        }
    }

    /// Files the end of the call.
    pub(super) fn end(&mut self, status: Option<&Status>, now: Duration) -> Result<(), String> {
        let code = status.map_or(Code::Ok, Status::code);
        let reason =
            status.and_then(|status| status.get_details_error_info()).map(|info| info.reason);
        let by_gateway = reason.is_some() || code == Code::Ok;
        self.over = Some(Over { code, reason, at: now });
        check(code != Code::Ok || !self.said_error, || "OK behind an error message".to_owned())?;
        if !by_gateway {
            return Ok(());
        }
        check(!self.is_open, || format!("{code:?} without the end of turn {}", self.turn))?;
        check(code == Code::Ok || self.said_any, || "a status without a word".to_owned())
    }

    /// Nobody listens any more.
    pub(super) fn hang_up(&mut self, now: Duration) {
        self.over.get_or_insert(Over { code: Code::Cancelled, reason: None, at: now });
    }

    /// Whether it went on though the other one had begun.
    pub(super) fn goes_on_within(&self, other: &Self) -> bool {
        self.turn > 0 && other.turn > 0 && {
            other.started > self.started && self.last_frame > other.started + ON_THE_WAY
        }
    }

    pub(super) fn was_refused_as(&self, reason: &str) -> bool {
        self.over.as_ref().is_some_and(|over| over.reason.as_deref() == Some(reason))
    }
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
