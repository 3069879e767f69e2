use std::time::Duration;

use crate::{
    action::Action,
    failure::Failure,
    reply::{Event, Trailers},
};

/// One question and its reply as they stand: events go in, lines to show come
/// out. Plain code without clocks, so that it reads and tests as a story.
///
/// Holds the user's words: no `Debug`.
#[derive(Default)]
pub(crate) struct Turn {
    text: Vec<String>,
    audio: Duration,
    actions: Vec<Action>,
    notes: Vec<String>,
    first_text: Option<Duration>,
    first_audio: Option<Duration>,
    total: Option<Duration>,
    trailers: Trailers,
    error_text: Option<String>,
    failure: Option<Failure>,
    end_message: bool,
    closed: bool,
    complete: bool,
    interrupted: bool,
}

/// Something to show.
pub(crate) enum Line {
    /// A segment of the reply.
    Said(String),
    Action(Action),
    /// A whole sentence beside the reply.
    Note(String),
    Failure(Failure),
    /// The last line of a turn.
    Summary(Summary),
}

/// Where the reply stands; for the progress line and the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) audio: Duration,
    pub(crate) first_text: Option<Duration>,
    pub(crate) first_audio: Option<Duration>,
    /// None while the reply runs.
    pub(crate) total: Option<Duration>,
    pub(crate) providers: Option<String>,
    pub(crate) verdict: Verdict,
}

/// How a turn stands or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Running,
    /// `end_message`, then status OK: the only proof.
    Complete,
    Failed,
    /// Stopped by the person who asked.
    Interrupted,
}

// === impl Summary ===

impl Summary {
    /// Nothing has come yet.
    pub(crate) fn is_waiting(&self) -> bool {
        let begun = self.first_text.or(self.first_audio).is_some();
        self.verdict == Verdict::Running && !begun
    }
}

// === impl Turn ===

impl Turn {
    /// Takes what came `at` this time after the question.
    pub(crate) fn take(&mut self, at: Duration, event: &Event) -> Vec<Line> {
        match event {
            Event::Closed(trailers) => return self.close(at, trailers, None),
            Event::Failed(failure, trailers) => return self.close(at, trailers, Some(failure)),
            // What is still on its way when a reply is interrupted is not shown.
            _ if self.interrupted => {}
            Event::Text(text) => {
                self.first_text.get_or_insert(at);
                self.text.push(text.clone());
                return vec![Line::Said(text.clone())];
            }
            Event::Audio(frame) => {
                self.first_audio.get_or_insert(at);
                self.audio += frame.duration();
            }
            Event::Action(action) => {
                self.actions.push(action.clone());
                return vec![Line::Action(action.clone())];
            }
            Event::Unreadable(what) => {
                return vec![self.note(format!("The server sent {what} that cannot be read."))];
            }
            Event::Browser(text) => return vec![Line::Note(format!("Browser: {text}"))],
            Event::End => self.end_message = true,
            Event::ErrorText(text) => self.error_text = Some(text.clone()),
        }
        Vec::new()
    }

    /// The person wants no more of this reply.
    pub(crate) fn interrupt(&mut self) -> Vec<Line> {
        self.interrupted = true;
        vec![Line::Note("Interrupted.".to_owned())]
    }

    /// Remembers a sentence for the report and gives it back to be shown.
    pub(crate) fn note(&mut self, sentence: String) -> Line {
        self.notes.push(sentence.clone());
        Line::Note(sentence)
    }

    fn close(&mut self, at: Duration, trailers: &Trailers, failure: Option<&Failure>) -> Vec<Line> {
        self.closed = true;
        self.total = Some(at);
        self.trailers = trailers.clone();
        if self.interrupted {
            return vec![Line::Summary(self.summary())];
        }
        self.failure = match (failure, self.error_text.take(), self.end_message) {
            (Some(failure), _, _) => Some(failure.clone()),
            (None, Some(text), _) => Some(Failure::in_words(text)),
            (None, None, false) => Some(Failure::in_words(
                "the stream ended without an end_message: the reply is not complete".to_owned(),
            )),
            (None, None, true) => None,
        };
        self.complete = self.failure.is_none();
        let mut lines = Vec::new();
        if let Some(degraded) = self.trailers.get("nexy-degraded").map(str::to_owned) {
            let sentence = degraded_sentence(&degraded, self.audio);
            lines.push(self.note(sentence));
        }
        lines.extend(self.failure.clone().map(Line::Failure));
        lines.push(Line::Summary(self.summary()));
        lines
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match (self.interrupted, self.closed, self.complete) {
            (true, _, _) => Verdict::Interrupted,
            (false, false, _) => Verdict::Running,
            (false, true, true) => Verdict::Complete,
            (false, true, false) => Verdict::Failed,
        }
    }

    /// Whether all of the reply came, also when its sound was cut short here.
    pub(crate) const fn is_complete(&self) -> bool {
        self.complete
    }

    pub(crate) fn summary(&self) -> Summary {
        Summary {
            audio: self.audio,
            first_text: self.first_text,
            first_audio: self.first_audio,
            total: self.total,
            providers: self.trailers.get("nexy-providers").map(str::to_owned),
            verdict: self.verdict(),
        }
    }

    /// The reply's text: the segments joined by one space.
    pub(crate) fn text(&self) -> String {
        self.text.join(" ")
    }

    pub(crate) fn actions(&self) -> &[Action] {
        &self.actions
    }

    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(crate) const fn trailers(&self) -> &Trailers {
        &self.trailers
    }

    pub(crate) const fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}

/// What was given up, in words.
fn degraded_sentence(what: &str, audio: Duration) -> String {
    let sentences: Vec<_> = what.split(',').map(|what| given_up(what, audio)).collect();
    sentences.join(" ")
}

fn given_up(what: &str, audio: Duration) -> String {
    match what {
        "screenshot" => "The screenshot could not be read; the answer is without it.".to_owned(),
        "tts" if audio.is_zero() => "The voice was not available; text only.".to_owned(),
        "tts" => "The voice failed on the way; part of the reply is text only.".to_owned(),
        other => format!("The server did without: {other}."),
    }
}

#[cfg(test)]
mod tests;
