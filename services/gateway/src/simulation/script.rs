//! What a simulated worker is to answer. A question carries it as its prompt.

use std::{fmt, str::FromStr};

use bytes::Bytes;
use nexy_proto::worker::{AudioFormat, Completed, Failed, RespondEvent, respond_event::Event};
use tonic::Status;

/// One reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Script {
    /// In every frame, so that a frame of another turn gives itself away.
    pub(super) nonce: u32,
    /// Segments: a text and its audio each.
    pub(super) segments: u32,
    /// Before the first event, in milliseconds.
    pub(super) first_ms: u32,
    /// Before each segment and the end, in milliseconds.
    pub(super) pause_ms: u32,
    pub(super) ending: Ending,
    /// The one worker with which it ends so; with any other it is whole.
    pub(super) spoiled_by: Option<u32>,
    /// Whether frames of other turns come between.
    pub(super) is_mixed: bool,
}

/// How a reply ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    /// Without a terminal frame.
    BrokenOff,
    /// The call fails.
    Status,
    Failed,
    /// Never.
    Hanging,
}

/// What a worker does next, after so many milliseconds.
pub(super) type Step = (u32, Result<RespondEvent, Status>);

// === impl Script ===

impl Script {
    /// Of one short segment, at once.
    pub(super) fn short(nonce: u32) -> Self {
        Self {
            nonce,
            segments: 1,
            first_ms: 1,
            pause_ms: 1,
            ending: Ending::Whole,
            spoiled_by: None,
            is_mixed: false,
        }
    }

    /// Whether some worker may say that the reply is whole.
    pub(super) fn can_be_whole(&self) -> bool {
        self.ending == Ending::Whole || self.spoiled_by.is_some()
    }

    /// Whether every worker says so.
    pub(super) fn is_whole(&self) -> bool {
        self.ending == Ending::Whole
    }

    /// How long a worker speaks, at least.
    pub(super) fn lasts_ms(&self) -> u32 {
        self.first_ms + self.pause_ms * (self.segments + 1)
    }

    pub(super) fn text(&self, place: u32) -> String {
        format!("{}:{place}", self.nonce)
    }

    pub(super) fn audio(&self, place: u32) -> Bytes {
        [self.nonce.to_le_bytes(), place.to_le_bytes()].concat().into()
    }

    fn ending_by(&self, worker: u32) -> Ending {
        match self.spoiled_by {
            Some(spoiler) if spoiler != worker => Ending::Whole,
            _ => self.ending,
        }
    }

    /// What this worker does for a turn, and whether it then hangs.
    pub(super) fn steps(&self, turn: u64, worker: u32) -> (Vec<Step>, bool) {
        let of = |turn: u64, event: Event| Ok(RespondEvent { turn, event: Some(event) });
        let format = AudioFormat { sample_rate: 48_000, channels: 1 };
        let mut steps = vec![(self.first_ms, of(turn, Event::AudioFormat(format)))];
        for place in 0..self.segments {
            steps.push((self.pause_ms, of(turn, Event::Text(self.text(place)))));
            if self.is_mixed {
                steps.push((0, of(turn + 1, Event::Text("of another turn".to_owned()))));
                steps.push((0, of(turn.wrapping_sub(1), Event::Completed(Completed::default()))));
                // Of a newer version.
                steps.push((0, Ok(RespondEvent { turn, event: None })));
            }
            steps.push((0, of(turn, Event::Audio(self.audio(place)))));
        }
        let ending = self.ending_by(worker);
        match ending {
            Ending::Whole => {
                steps.push((self.pause_ms, of(turn, Event::Completed(Completed::default()))));
                // Nobody may hear what comes behind the end.
                steps.push((1, of(turn, Event::Text("behind the end".to_owned()))));
                steps.push((1, of(turn, Event::Completed(Completed::default()))));
            }
            Ending::Failed => {
                let failed = Failed {
                    error_type: "timeout".to_owned(),
                    message: "too slow".to_owned(),
                    outcome: None,
                };
                steps.push((self.pause_ms, of(turn, Event::Failed(failed))));
            }
            Ending::Status => steps.push((self.pause_ms, Err(Status::internal("a bug")))),
            Ending::BrokenOff | Ending::Hanging => {}
        }
        (steps, ending == Ending::Hanging)
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nonce, segments, first_ms, pause_ms, ending, spoiled_by, is_mixed } = self;
        let (ending, spoiled_by) = (*ending as u32, spoiled_by.unwrap_or_default());
        let is_mixed = u32::from(*is_mixed);
        write!(f, "#{nonce} {segments} {first_ms} {pause_ms} {ending} {spoiled_by} {is_mixed}")
    }
}

impl FromStr for Script {
    type Err = Status;

    fn from_str(text: &str) -> Result<Self, Status> {
        // What was collected and never committed may stand before it.
        let (_, numbers) = text.rsplit_once('#').unwrap_or_default();
        let numbers = numbers.split(' ').map(str::parse).collect::<Result<Vec<u32>, _>>();
        let Ok([nonce, segments, first_ms, pause_ms, ending, spoiled_by, is_mixed]) =
            numbers.map_err(drop).and_then(|numbers| <[u32; 7]>::try_from(numbers).map_err(drop))
        else {
            return Err(Status::invalid_argument(format!("not a script: {text}")));
        };
        let endings =
            [Ending::Whole, Ending::BrokenOff, Ending::Status, Ending::Failed, Ending::Hanging];
        Ok(Self {
            nonce,
            segments,
            first_ms,
            pause_ms,
            ending: endings[ending as usize],
            spoiled_by: Some(spoiled_by).filter(|worker| *worker > 0),
            is_mixed: is_mixed > 0,
        })
    }
}
