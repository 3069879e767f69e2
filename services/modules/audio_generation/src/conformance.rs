//! What every voice must do, whatever is behind it.

mod over_tls;
mod subject;

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, future::join_all};
use nexy_testkit::{
    soonest,
    speech_server::{Refusal, echo},
};
use nexy_types::{Language, SpeechRate};

use crate::{Error, OutputFormat, Speech, Stage, Utterance, frames};
use subject::{Act, Kind, PATIENT, Subject};

const HURRIED: Duration = Duration::from_millis(150);

/// How soon a provider sees that nobody listens any more. A busy machine gets
/// three tries.
const LEFT_WITHIN: Duration = Duration::from_millis(50);
const TEXTS: &[&str] = &["one", "two two", "three", "four four", "five", "six", "seven", "eight"];

fn utterance(text: &str) -> Utterance {
    Utterance {
        text: text.to_owned(),
        language: Language::english(),
        voice: None,
        rate: SpeechRate::NORMAL,
    }
}

/// A tenth of a second or less in which no two samples in a row are alike, so
/// that order and edges show.
fn pcm() -> Bytes {
    (0..2400_i16).flat_map(|at| at.wrapping_mul(7919).to_le_bytes()).collect()
}

/// What comes of one utterance: the audio, and how it ended.
async fn heard(speech: Speech) -> (Vec<u8>, Option<Error>) {
    let mut items: Vec<Result<Bytes, Error>> = speech.pcm.collect().await;
    let error = items.pop_if(|item| item.is_err()).and_then(Result::err);
    (
        items.into_iter().map(|item| item.expect("errors are last")).collect::<Vec<_>>().concat(),
        error,
    )
}

/// The same through frames at the voice's own rate.
async fn framed(speech: Speech) -> (Vec<u8>, Option<Error>) {
    let format = OutputFormat { sample_rate: speech.sample_rate, chunk_bytes: 4096 };
    let Speech { sample_rate, rate_left, .. } = speech;
    heard(Speech { sample_rate, rate_left, pcm: Box::pin(frames(speech, format)) }).await
}

#[tokio::test]
async fn the_pcm_does_not_depend_on_how_it_was_cut() {
    for kind in Kind::ALL {
        for pieces in [1, 3, 333, 4096, 1 << 20] {
            let subject = Subject::new(kind, Act::Say { pcm: pcm(), pieces }).await;
            let speech = subject.voice.synthesize(utterance("Hello.")).await.unwrap();
            let said = framed(speech).await;
            assert_eq!(said, (pcm().to_vec(), None), "{kind:?} in pieces of {pieces}");
        }
    }
}

#[tokio::test]
async fn parallel_requests_do_not_mix() {
    for kind in Kind::ALL {
        let subject = Subject::new(kind, Act::Echo(TEXTS)).await;
        let speeches = TEXTS.iter().map(|text| subject.voice.synthesize(utterance(text)));
        let said = join_all(join_all(speeches).await.into_iter().map(|s| heard(s.unwrap()))).await;
        for (text, said) in TEXTS.iter().zip(said) {
            assert_eq!(said, (echo(text).to_vec(), None), "{kind:?}: {text}");
        }
    }
}

#[tokio::test]
async fn requests_are_answered_in_the_order_they_were_made() {
    for kind in Kind::ALL {
        let subject = Subject::new(kind, Act::Echo(TEXTS)).await;
        for text in TEXTS {
            let said = heard(subject.voice.synthesize(utterance(text)).await.unwrap()).await;
            assert_eq!(said, (echo(text).to_vec(), None), "{kind:?}: {text}");
        }
        if let Some(asked) = subject.asked() {
            assert_eq!(asked, TEXTS, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn dropping_the_audio_stops_the_work_behind_it() {
    for kind in Kind::ALL {
        let took = soonest(LEFT_WITHIN, async || {
            let subject = Subject::new(kind, Act::Stall(pcm())).await;
            let mut speech = subject.voice.synthesize(utterance("Hello.")).await.unwrap();
            assert!(speech.pcm.next().await.unwrap().is_ok());
            assert!(!subject.has_stopped());
            let began = Instant::now();
            drop(speech);
            subject.until_stopped().await;
            began.elapsed()
        });
        let took = took.await;
        println!("{kind:?}: stopped {took:.2?} after the audio was dropped");
        assert!(took < LEFT_WITHIN, "{kind:?}: {took:?}");
    }
}

#[tokio::test]
async fn dropping_the_request_stops_the_work_behind_it() {
    for kind in Kind::ALL {
        let took = soonest(LEFT_WITHIN, async || {
            let subject = Subject::new(kind, Act::Mute).await;
            let mut request = subject.voice.synthesize(utterance("Hello."));
            assert!(tokio::time::timeout(HURRIED, &mut request).await.is_err(), "{kind:?}");
            let began = Instant::now();
            drop(request);
            subject.until_stopped().await;
            began.elapsed()
        });
        let took = took.await;
        println!("{kind:?}: stopped {took:.2?} after the request was dropped");
        assert!(took < LEFT_WITHIN, "{kind:?}: {took:?}");
    }
}

#[tokio::test]
async fn a_text_without_words_is_an_error_and_nobody_is_asked() {
    for kind in Kind::ALL {
        let subject = Subject::new(kind, Act::Say { pcm: pcm(), pieces: 4096 }).await;
        for text in ["", "  \n\t", "\u{1}\u{0}"] {
            let refused = subject.voice.synthesize(utterance(text)).await.unwrap_err();
            assert_eq!(refused, Error::Silent, "{kind:?}: {text:?}");
        }
        assert_eq!(subject.requests(), 0, "{kind:?}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_from_other_refusals_and_spoils_nothing() {
    for kind in Kind::OVER_HTTP {
        let subject = Subject::new(kind, Act::WantKey("another")).await;
        for _ in 0..2 {
            let refused = subject.voice.synthesize(utterance("Hello.")).await.unwrap_err();
            assert_eq!(refused, Error::Unauthorized, "{kind:?}");
        }
        subject.now(Act::WantKey(subject::KEY));
        assert!(subject.voice.synthesize(utterance("Hello.")).await.is_ok(), "{kind:?}");
    }
}

#[tokio::test]
async fn speech_begins_with_its_first_byte() {
    for kind in Kind::ALL {
        let late = Duration::from_millis(120);
        let subject = Subject::new(kind, Act::Late(late, pcm())).await;
        let began = Instant::now();
        let speech = subject.voice.synthesize(utterance("Hello.")).await.unwrap();
        let took = began.elapsed();
        println!("{kind:?}: {took:.1?} to a first byte that came after {late:.0?}");
        assert!((late..late + Duration::from_secs(2)).contains(&took), "{kind:?}: {took:?}");
        assert_eq!(heard(speech).await, (pcm().to_vec(), None));
    }
}

#[tokio::test]
async fn no_wait_is_without_end() {
    for kind in Kind::WITH_DEADLINES {
        let mute = Subject::with_patience(kind, Act::Mute, HURRIED).await;
        let began = Instant::now();
        let late = mute.voice.synthesize(utterance("Hello.")).await.unwrap_err();
        assert_eq!(late, Error::Timeout { stage: Stage::FirstByte }, "{kind:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{kind:?}");
        mute.until_stopped().await;

        // Patient enough for a process to start while other tests run.
        let patience = Duration::from_secs(1);
        let stalled = Subject::with_patience(kind, Act::Stall(pcm()), patience).await;
        let speech = stalled.voice.synthesize(utterance("Hello.")).await.unwrap();
        let stall = Some(Error::Timeout { stage: Stage::Stall });
        assert_eq!(framed(speech).await, (pcm().to_vec(), stall), "{kind:?}");
        stalled.until_stopped().await;
    }
}

#[tokio::test]
async fn statuses_mean_the_same_to_every_voice() {
    let two = Some(Duration::from_secs(2));
    let rejected = |status, retry_after| Error::Rejected {
        status,
        code: Some("oops".to_owned()),
        retry_after,
    };
    let rows = [
        (400, None, rejected(400, None), false),
        (401, None, Error::Unauthorized, false),
        (403, None, Error::Unauthorized, false),
        (404, None, rejected(404, None), false),
        (408, None, rejected(408, None), true),
        (415, None, rejected(415, None), false),
        (429, None, Error::RateLimited { retry_after: None }, true),
        (429, Some(("retry-after", "2")), Error::RateLimited { retry_after: two }, true),
        (499, None, rejected(499, None), true),
        (500, None, rejected(500, None), true),
        (502, None, rejected(502, None), true),
        (503, Some(("retry-after", "2")), rejected(503, two), true),
        // Not followed: the text goes nowhere else.
        (301, Some(("location", "/elsewhere")), rejected(301, None), false),
        (307, Some(("location", "/elsewhere")), rejected(307, None), false),
        (204, None, Error::Rejected { status: 204, code: None, retry_after: None }, false),
    ];
    for kind in Kind::OVER_HTTP {
        let subject = Subject::new(kind, Act::Say { pcm: pcm(), pieces: 4096 }).await;
        for (status, header, expected, is_transient) in &rows {
            let refusal = Refusal::new(*status, "some_error", "oops");
            let refusal = header.iter().fold(refusal, |r, (name, value)| r.header(name, value));
            subject.now(Act::Refuse(refusal));
            let error = subject.voice.synthesize(utterance("Hello.")).await.unwrap_err();
            assert_eq!(error, *expected, "{kind:?}");
            let class = error.class();
            assert_eq!(class == nexy_types::ErrorClass::Transient, *is_transient, "{error:?}");
        }
        assert_eq!(subject.requests(), rows.len(), "{kind:?}");
    }
}

#[tokio::test]
async fn nothing_else_is_taken_for_speech() {
    for kind in Kind::WITH_DEADLINES {
        let subject = Subject::new(kind, Act::Html).await;
        let refused = subject.voice.synthesize(utterance("Hello.")).await.unwrap_err();
        assert_eq!(refused, Error::NotAudio, "{kind:?}");
    }
    for kind in Kind::OVER_HTTP {
        for start in [&b"RIFF\x24\0\0\0WAVEfmt "[..], b"ID3\x04\0\0", b"OggS\0\x02", b"fLaC\0\0"] {
            for pieces in [1, 3, 4096] {
                let file = Act::Say { pcm: Bytes::from_static(start), pieces };
                let subject = Subject::new(kind, file).await;
                let refused = subject.voice.synthesize(utterance("Hello.")).await.unwrap_err();
                assert_eq!(refused, Error::NotAudio, "{kind:?}");
            }
        }
    }
}

#[tokio::test]
async fn silence_is_an_error_before_anything_is_heard() {
    for kind in Kind::ALL {
        let empty = Subject::new(kind, Act::Say { pcm: Bytes::new(), pieces: 1 }).await;
        let refused = empty.voice.synthesize(utterance("Hello.")).await.unwrap_err();
        assert_eq!(refused, Error::Silent, "{kind:?}");
        let zeros = Act::Say { pcm: Bytes::from(vec![0; 20_000]), pieces: 4096 };
        let silent = Subject::new(kind, zeros).await;
        let speech = silent.voice.synthesize(utterance("Hello.")).await.unwrap();
        assert_eq!(framed(speech).await, (Vec::new(), Some(Error::Silent)), "{kind:?}");
    }
}

#[tokio::test]
async fn a_reply_without_an_end_is_ended() {
    for kind in Kind::WITH_DEADLINES {
        let subject = Subject::new(kind, Act::Endless).await;
        let speech = subject.voice.synthesize(utterance("Hello.")).await.unwrap();
        let rate = speech.sample_rate.hz() as usize;
        let (said, error) = tokio::time::timeout(PATIENT, heard(speech)).await.unwrap();
        assert_eq!(error, Some(Error::Endless), "{kind:?}");
        // 30 s and one more for each of six characters.
        assert!(said.len() <= 36 * 2 * rate, "{kind:?}");
        subject.until_stopped().await;
    }
}

#[tokio::test]
async fn what_was_said_before_a_cut_is_heard_and_then_the_error() {
    for kind in Kind::ALL {
        let subject = Subject::new(kind, Act::Cut(pcm())).await;
        let speech = subject.voice.synthesize(utterance("Hello.")).await.unwrap();
        let broken = Some(Error::BrokenStream);
        assert_eq!(framed(speech).await, (pcm().to_vec(), broken), "{kind:?}");
    }
}
