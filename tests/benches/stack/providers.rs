//! Providers on loopback, and what a direct client sees of them.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use nexy_testkit::{
    Waits,
    chat_server::{self, ChatServer},
    speech_server::{self, SpeechServer},
    stack::Builder,
};
use serde_json::{Value, json};

/// What the model says: a first clause, and more than fits into one segment.
const REPLY: [&str; 12] = [
    "Good", " morning", ".", " The", " weather", " is", " fine", " today", ".", " Take", " a",
    " hat.",
];

/// Who asks when it does not matter.
const ANYBODY: &str = "any";

/// What ends the first clause on the wire: the token behind its full stop,
/// without which nobody can know that it was one.
const FIRST_CLAUSE_IS_OVER: &[u8] = b"\" The\"";

/// A model and a voice on loopback.
pub(crate) struct Providers {
    chat: ChatServer,
    speech: SpeechServer,
    client: reqwest::Client,
}

/// What a client waits for when it asks the providers itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Direct {
    /// From the question to the model's first speakable clause.
    pub(crate) clause: Duration,
    /// From the request for its voice to the first bytes of it.
    pub(crate) voice: Duration,
}

/// How long providers really held back what turns waited for, turn by turn.
pub(crate) struct Held {
    asked: HashMap<String, Waits>,
    spoken: HashMap<String, Waits>,
}

// === impl Providers ===

impl Providers {
    /// Both answer at once.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::playing(chat_server::Script::text(REPLY), speech_server::Script::tone()).await
    }

    pub(crate) async fn playing(
        chat: chat_server::Script,
        speech: speech_server::Script,
    ) -> anyhow::Result<Self> {
        let chat = ChatServer::start(chat).await?;
        let speech = SpeechServer::start(speech).await?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { chat, speech, client })
    }

    /// A stack of production's settings that asks these providers, and lets one
    /// address ask as often as it likes.
    pub(crate) fn configure(&self, builder: Builder) -> Builder {
        builder
            .env("NEXY_ENV", "prod")
            .env("LLM_PROVIDERS", "openai")
            .env("TTS_PROVIDERS", "openai")
            .env("OPENAI_BASE_URL", self.chat.base_url())
            .env("TTS_OPENAI_BASE_URL", self.speech.base_url())
            .env("INGRESS_REQUESTS_PER_SECOND_PER_ADDRESS", "100000")
            .env("INGRESS_REQUEST_BURST", "10000")
            .env("INGRESS_MAX_CONNECTIONS_PER_ADDRESS", "10000")
    }

    /// Connections that the model has accepted so far.
    pub(crate) fn connections(&self) -> (usize, usize) {
        (self.chat.accepted_connections(), self.speech.accepted_connections())
    }

    /// Waits until nothing is being said any more; when the last of model and
    /// voice saw that nobody listens.
    pub(crate) async fn wait_disconnect(&self, within: Duration) -> anyhow::Result<Instant> {
        let model = self.chat.wait_disconnect(within);
        let voice = self.speech.state().wait_disconnect(within);
        let (model, voice) = tokio::join!(model, voice);
        let model = model.context("the model still speaks")?;
        Ok(model.max(voice.context("the voice still speaks")?))
    }

    /// Whether model and voice are both in the middle of a reply.
    pub(crate) fn are_speaking(&self) -> bool {
        self.chat.open_connections() > 0 && self.speech.state().open_answers() > 0
    }

    /// From now on the voice speaks like this.
    pub(crate) fn speak(&self, voice: speech_server::Script) {
        self.speech.state().always(voice);
    }

    /// Where questions are asked, and where speech is.
    pub(crate) fn urls(&self) -> [String; 2] {
        [
            format!("{}/chat/completions", self.chat.base_url()),
            format!("{}/audio/speech", self.speech.base_url()),
        ]
    }

    /// Asks both providers as the worker does, one after the other.
    pub(crate) async fn ask(&self) -> anyhow::Result<Direct> {
        self.ask_for(ANYBODY).await
    }

    /// As [`Self::ask`], in a turn of this name.
    pub(crate) async fn ask_for(&self, turn: &str) -> anyhow::Result<Direct> {
        let began = Instant::now();
        let ([chat, speech], question, utterance) = (self.urls(), question(turn), utterance(turn));
        let clause = self.wait_for(chat, &question, began, |body| {
            body.windows(FIRST_CLAUSE_IS_OVER.len()).any(|at| at == FIRST_CLAUSE_IS_OVER)
        });
        let clause = clause.await.context("ask the model")?;

        let began = Instant::now();
        let voice = self.wait_for(speech, &utterance, began, |body| !body.is_empty());
        Ok(Direct { clause, voice: voice.await.context("ask the voice")? })
    }

    /// The waits of every request so far. The name of its turn is the last word of
    /// a question, and the voice that an utterance asks for.
    pub(crate) fn held(&self) -> Held {
        let (mut asked, mut spoken) = (HashMap::new(), HashMap::new());
        for question in self.chat.requests() {
            let turn = question.prompt().rsplit(' ').next().unwrap_or_default().to_owned();
            asked.entry(turn).or_insert(question.waits);
        }
        for utterance in self.speech.requests() {
            let turn = utterance.body["voice"].as_str().unwrap_or_default().to_owned();
            // The first segment's: the others are not what a listener waits for.
            spoken.entry(turn).or_insert(utterance.waits);
        }
        Held { asked, spoken }
    }

    /// Posts, and reads the whole answer; the time until it holds what is
    /// waited for.
    async fn wait_for(
        &self,
        url: String,
        request: &Value,
        began: Instant,
        is_there: impl Fn(&[u8]) -> bool,
    ) -> anyhow::Result<Duration> {
        let mut answer = self.client.post(url).json(request).send().await?;
        ensure!(answer.status().is_success(), "refused with {}", answer.status());
        let (mut body, mut found) = (Vec::new(), None);
        while let Some(bytes) = answer.chunk().await? {
            body.extend_from_slice(&bytes);
            if found.is_none() && is_there(&body) {
                found = Some(began.elapsed());
            }
        }
        found.context("the answer does not hold it")
    }
}

// === impl Held ===

impl Held {
    /// What a turn of this name could not but wait: the model's first waits, so
    /// many of them, and the voice's first.
    pub(crate) fn back(&self, turn: &str, of_the_model: usize) -> anyhow::Result<Duration> {
        let waits = |of: &HashMap<String, Waits>, count| {
            let waits = of.get(turn).with_context(|| format!("nobody was asked in {turn}"))?;
            anyhow::Ok(waits.first(count))
        };
        Ok(waits(&self.asked, of_the_model)? + waits(&self.spoken, 1)?)
    }
}

/// A question as the worker asks it, without what it remembers.
pub(crate) fn question(turn: &str) -> Value {
    json!({
        "model": "any", "stream": true, "temperature": 0.4, "max_completion_tokens": 2048,
        "stream_options": { "include_usage": true },
        "messages": [
            { "role": "system", "content": "You are a helpful voice assistant." },
            { "role": "user", "content": format!("How is the weather? {turn}") },
        ],
    })
}

/// A request for speech as the worker makes it.
pub(crate) fn utterance(turn: &str) -> Value {
    json!({
        "model": "any", "input": "Good morning.", "voice": turn,
        "response_format": "pcm", "speed": 1.0,
    })
}

/// Posts, and throws the answer away.
pub(crate) async fn drain(
    client: &reqwest::Client,
    url: &str,
    request: &Value,
) -> anyhow::Result<()> {
    let mut answer = client.post(url).json(request).send().await?;
    ensure!(answer.status().is_success(), "refused with {}", answer.status());
    while answer.chunk().await?.is_some() {}
    Ok(())
}
