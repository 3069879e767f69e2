use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use nexy_types::{Language, SampleRate, SpeechRate};
use tracing::{field, span, subscriber::DefaultGuard};
use tracing_subscriber::{Layer, Registry, layer::Context, layer::SubscriberExt};

use super::{Opened, Patience, spoken};
use crate::{Error, PcmStream, Speech, Stage, Utterance};

const PATIENCE: Patience =
    Patience { first_byte: Duration::from_secs(3), stall: Duration::from_secs(5) };

/// The fields of all spans of this thread, by span name and field.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<BTreeMap<String, String>>>);

impl Spans {
    fn record() -> (Self, DefaultGuard) {
        let spans = Self::default();
        let subscriber = Registry::default().with(spans.clone());
        (spans, tracing::subscriber::set_default(subscriber))
    }

    fn check(&self, expected: &[(&str, &str)]) {
        let expected = expected
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<BTreeMap<_, _>>();
        assert_eq!(*self.0.lock().unwrap(), expected);
    }
}

impl field::Visit for Spans {
    fn record_debug(&mut self, field: &field::Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        let before = self.0.lock().unwrap().insert(field.name().to_owned(), text);
        assert_eq!(before, None, "{} was recorded twice", field.name());
    }
}

impl<S: tracing::Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        if attributes.metadata().name() == "tts" {
            attributes.record(&mut self.clone());
        }
    }

    fn on_record(&self, _: &span::Id, values: &span::Record<'_>, _: Context<'_, S>) {
        values.record(&mut self.clone());
    }
}

fn utterance(text: &str) -> Utterance {
    Utterance {
        text: text.to_owned(),
        language: Language::english(),
        voice: None,
        rate: SpeechRate::NORMAL,
    }
}

/// Speaks chunks, each after a wait.
async fn speak(chunks: Vec<(Duration, Result<Bytes, Error>)>) -> Result<Speech, Error> {
    let pcm: PcmStream = Box::pin(stream::iter(chunks).then(|(wait, chunk)| async move {
        tokio::time::sleep(wait).await;
        chunk
    }));
    let sample_rate = SampleRate::new(24_000).unwrap();
    let opened = Opened { sample_rate, rate_left: SpeechRate::NORMAL, pcm };
    spoken("test", &utterance("hi"), PATIENCE, async { Ok(opened) }).await
}

fn chunk(millis: u64, bytes: usize) -> (Duration, Result<Bytes, Error>) {
    (Duration::from_millis(millis), Ok(Bytes::from(vec![1; bytes])))
}

async fn items(speech: Speech) -> Vec<Result<usize, Error>> {
    speech.pcm.map(|chunk| chunk.map(|bytes| bytes.len())).collect().await
}

#[tokio::test(start_paused = true)]
async fn tells_its_span_how_it_went() {
    let (spans, _guard) = Spans::record();
    let speech = speak(vec![chunk(120, 0), chunk(30, 10), chunk(4000, 20)]).await.unwrap();
    assert_eq!(items(speech).await, [Ok(10), Ok(20)]);
    spans.check(&[
        ("provider", "\"test\""),
        ("first_byte_ms", "150"),
        ("audio_bytes", "30"),
        ("outcome", "\"ok\""),
    ]);
}

#[tokio::test(start_paused = true)]
async fn tells_its_span_that_it_was_cancelled() {
    let (spans, _guard) = Spans::record();
    let mut speech = speak(vec![chunk(0, 10), chunk(0, 20)]).await.unwrap();
    assert!(speech.pcm.next().await.is_some());
    drop(speech);
    spans.check(&[
        ("provider", "\"test\""),
        ("first_byte_ms", "0"),
        ("audio_bytes", "10"),
        ("outcome", "\"cancelled\""),
    ]);
}

#[tokio::test(start_paused = true)]
async fn tells_its_span_why_nothing_was_said() {
    let (spans, _guard) = Spans::record();
    let late = Error::Timeout { stage: Stage::FirstByte };
    assert_eq!(speak(vec![chunk(3001, 10)]).await.unwrap_err(), late);
    spans.check(&[("provider", "\"test\""), ("audio_bytes", "0"), ("outcome", "\"timeout\"")]);
}

#[tokio::test(start_paused = true)]
async fn ends_with_the_first_error() {
    let broken = (Duration::ZERO, Err(Error::BrokenStream));
    let speech = speak(vec![chunk(0, 10), broken.clone(), chunk(0, 20)]).await.unwrap();
    assert_eq!(items(speech).await, [Ok(10), Err(Error::BrokenStream)]);
    assert_eq!(speak(vec![broken, chunk(0, 20)]).await.unwrap_err(), Error::BrokenStream);
    assert_eq!(speak(vec![chunk(0, 0)]).await.unwrap_err(), Error::Silent);
}

#[tokio::test(start_paused = true)]
async fn counts_only_the_time_in_which_somebody_waits() {
    let speech = speak(vec![chunk(0, 10), chunk(4900, 20), chunk(4900, 30)]).await.unwrap();
    assert_eq!(items(speech).await, [Ok(10), Ok(20), Ok(30)]);
    let mut speech = speak(vec![chunk(0, 10), chunk(100, 20), chunk(5100, 30)]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(speech.pcm.next().await.unwrap().unwrap().len(), 10);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(speech.pcm.next().await.unwrap().unwrap().len(), 20);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(items(speech).await, [Err(Error::Timeout { stage: Stage::Stall })]);
}

#[tokio::test(start_paused = true)]
async fn believes_only_so_much_audio_for_so_many_characters() {
    // 30 s and one more for each of two characters.
    let longest = 32 * 24_000 * 2;
    let speech = speak(vec![chunk(0, longest)]).await.unwrap();
    assert_eq!(items(speech).await, [Ok(longest)]);
    let speech = speak(vec![chunk(0, longest), chunk(0, 1)]).await.unwrap();
    assert_eq!(items(speech).await, [Ok(longest), Err(Error::Endless)]);
}
