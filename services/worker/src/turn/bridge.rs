use std::{pin::pin, sync::Arc, time::Duration};

use nexy_types::{Language, SpeechRate};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    question::Listener,
    welcome::{Greeting, Recording, Welcomes},
};

/// When and what is said while nothing can be heard yet.
#[derive(Debug, Clone)]
pub(crate) struct BridgeSettings {
    /// How long nothing may be heard; zero says nothing ever.
    pub(crate) after: Duration,
    pub(crate) english: String,
    pub(crate) russian: String,
}

/// Speaks a short "one moment", from the cache of greetings.
pub(crate) struct Bridges {
    pub(crate) speech: Arc<Welcomes>,
    pub(crate) settings: BridgeSettings,
}

/// The bridge of one turn: what it would say, if it comes to that.
pub(super) struct Bridge {
    speech: Arc<Welcomes>,
    greeting: Option<Greeting>,
    /// What is always in the cache: the same at the voice and rate of whoever
    /// wishes for none.
    stand_in: Option<Greeting>,
    rate: SpeechRate,
    after: Duration,
}

// === impl Bridges ===

impl Bridges {
    /// In the listener's language, else that of the question; in English when
    /// the sentence is not known in it.
    pub(super) fn of(&self, prompt: &str, listener: &Listener) -> Bridge {
        let language = listener.language.clone().unwrap_or_else(|| Language::of_text(prompt));
        let text =
            if language.is_russian() { &self.settings.russian } else { &self.settings.english };
        let greeting = (!self.settings.after.is_zero() && !text.is_empty()).then(|| Greeting {
            text: text.clone(),
            voice: listener.voice.clone(),
            language: None,
            rate: listener.rate,
        });
        let stand_in = greeting.clone().map(|greeting| Greeting {
            voice: None,
            rate: SpeechRate::NORMAL,
            ..greeting
        });
        let (speech, after) = (Arc::clone(&self.speech), self.settings.after);
        Bridge { speech, greeting, stand_in, rate: listener.rate, after }
    }

    /// Has the sentences spoken once, so that they are there when a reply is not.
    pub(crate) async fn prepare(&self) {
        for prompt in [&self.settings.english, &self.settings.russian] {
            let bridge = self.of(prompt, &Listener::default());
            if let Some(greeting) = bridge.greeting {
                // A voice that is out now may be back when it is needed.
                let _later = self.speech.speak(greeting).await;
            }
        }
    }
}

// === impl Bridge ===

impl Bridge {
    /// Resolves when it is time to say something, with what is said; never when
    /// there is nothing to say.
    ///
    /// A voice and rate that nobody has used yet are spoken ahead, from half of
    /// that time on: the provider that lets itself be waited for may be this very
    /// voice. What is not ready then is said by the stand-in.
    pub(super) async fn spoken(self) -> Arc<Recording> {
        let (Some(greeting), Some(stand_in)) = (self.greeting, self.stand_in) else {
            return std::future::pending().await;
        };
        let due = Instant::now() + self.after;
        sleep_until(due - self.after / 2).await;
        let mut speaking = pin!(self.speech.speak(greeting));
        let spoken = timeout_at(due, &mut speaking).await;
        sleep_until(due).await;
        let is_late = spoken.is_err();
        if let Ok(Ok(recording)) = spoken {
            return recording;
        }
        if let Some(recording) = self.speech.cached(&stand_in).await {
            return self.speech.paced(recording, self.rate).await;
        }
        if is_late && let Ok(recording) = speaking.await {
            return recording;
        }
        std::future::pending().await
    }
}
