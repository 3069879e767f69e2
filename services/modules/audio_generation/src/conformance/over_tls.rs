//! The voices behind HTTP over TLS 1.3, where providers are: certificates, HTTP/2
//! and what one connection for all utterances makes of a fault.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt, future::join_all};
use nexy_outbound::ProviderConnections;
use nexy_testkit::{
    azure_server,
    https_server::{Authority, HttpsServer, Version, trusted},
    long_line::LongLine,
    soonest,
    speech_server::{self, Script, SpeechState, echo},
};

use super::{
    HURRIED, LEFT_WITHIN, TEXTS, heard, pcm,
    subject::{self, Act, Kind, PATIENT},
    utterance,
};
use crate::{Error, SpeechSynthesizer, testing};

/// How often a silent connection is tried, and for how long.
const PING: Duration = Duration::from_millis(150);

const VERSIONS: [Version; 2] = [Version::Http1, Version::Http2];

/// A voice and its provider, who may have several requests at once.
struct Bench {
    kind: Kind,
    state: SpeechState,
    server: HttpsServer,
    voice: Arc<dyn SpeechSynthesizer>,
}

// === impl Bench ===

impl Bench {
    async fn new(kind: Kind, version: Version, act: Act) -> Self {
        Self::with(kind, version, act, testing::connections()).await
    }

    async fn with(
        kind: Kind,
        version: Version,
        act: Act,
        connections: ProviderConnections,
    ) -> Self {
        let state = SpeechState::new(act.script(plain(kind)));
        let server = serve(kind, &state, (trusted().unwrap(), "localhost"), version).await;
        let voice = voice(kind, &server.origin(), connections);
        Self { kind, state, server, voice }
    }

    /// One whose connection stands: requests at the same time would each open
    /// one, not knowing yet what the server speaks.
    async fn connected(kind: Kind, version: Version, act: Act) -> Self {
        let bench = Self::new(kind, version, act).await;
        bench.voice.warm_up().await.unwrap();
        bench
    }

    /// From the next request on the server does this.
    fn now(&self, act: Act) {
        self.state.always(act.script(plain(self.kind)));
    }

    async fn say(&self, text: &str) -> Result<Vec<u8>, Error> {
        let (said, error) = heard(self.voice.synthesize(utterance(text)).await?).await;
        error.map_or(Ok(said), Err)
    }

    /// Waits until this many answers are being made. When that was.
    async fn answers(&self, count: usize) -> Instant {
        let answers = async {
            while self.state.open_answers() != count {
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        };
        tokio::time::timeout(PATIENT, answers).await.unwrap();
        Instant::now()
    }
}

fn plain(kind: Kind) -> Script {
    if kind == Kind::Azure { azure_server::tone() } else { Script::tone() }
}

/// A server with a certificate of this authority for this host.
async fn serve(
    kind: Kind,
    state: &SpeechState,
    (authority, host): (&Authority, &str),
    version: Version,
) -> HttpsServer {
    let router = if kind == Kind::Azure { azure_server::router } else { speech_server::router };
    HttpsServer::of(authority, host, router(state.clone()), version).await.unwrap()
}

fn voice(kind: Kind, origin: &str, connections: ProviderConnections) -> Arc<dyn SpeechSynthesizer> {
    if kind == Kind::Azure {
        subject::azure(origin.to_owned(), PATIENT, connections)
    } else {
        subject::openai(format!("{origin}/v1"), PATIENT, connections)
    }
}

fn say(pcm: Bytes) -> Act {
    Act::Say { pcm, pieces: 4096 }
}

/// So many seconds at 48 kHz.
fn seconds(count: usize) -> Bytes {
    Bytes::from(vec![1; count * 96_000])
}

#[tokio::test]
async fn speech_is_whole_over_both_versions() {
    for (kind, version) in every_way() {
        let bench = Bench::new(kind, version, say(pcm())).await;
        for _ in 0..3 {
            assert_eq!(bench.say("Hello.").await, Ok(pcm().to_vec()), "{kind:?} {version:?}");
        }
        assert_eq!(bench.server.accepted_connections(), 1, "{kind:?} {version:?}");
        assert!(bench.state.requests()[0].headers.get("accept-encoding").is_none());
    }
}

fn every_way() -> impl Iterator<Item = (Kind, Version)> {
    Kind::OVER_HTTP.into_iter().flat_map(|kind| VERSIONS.map(|version| (kind, version)))
}

#[tokio::test]
async fn parallel_utterances_share_one_http_2_connection() {
    for (kind, version) in every_way() {
        let bench = Bench::connected(kind, version, Act::Echo(TEXTS)).await;
        let said = join_all(TEXTS.iter().map(|text| bench.say(text))).await;
        for (text, said) in TEXTS.iter().zip(said) {
            assert_eq!(said, Ok(echo(text).to_vec()), "{kind:?} {version:?}: {text}");
        }
        if version == Version::Http2 {
            assert_eq!(bench.server.accepted_connections(), 1, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn dropped_audio_leaves_the_others_of_its_connection_alone() {
    for kind in Kind::OVER_HTTP {
        let took = soonest(LEFT_WITHIN, async || {
            let bench = Bench::connected(kind, Version::Http2, Act::Endless).await;
            let mut other = bench.voice.synthesize(utterance("other")).await.unwrap();
            let speech = bench.voice.synthesize(utterance("Hello.")).await.unwrap();
            bench.answers(2).await;
            let dropped = Instant::now();
            drop(speech);
            let reset = bench.answers(1).await;
            for _ in 0..50 {
                assert!(other.pcm.next().await.unwrap().is_ok());
            }
            assert_eq!(bench.server.accepted_connections(), 1);
            reset - dropped
        });
        let took = took.await;
        println!("{kind:?}: reset after {took:?}");
        assert!(took < LEFT_WITHIN, "{kind:?}: {took:?}");
    }
}

#[tokio::test]
async fn a_dropped_request_leaves_the_others_of_its_connection_alone() {
    for kind in Kind::OVER_HTTP {
        let took = soonest(LEFT_WITHIN, async || {
            let bench = Bench::connected(kind, Version::Http2, Act::Endless).await;
            let mut other = bench.voice.synthesize(utterance("other")).await.unwrap();
            bench.now(Act::Mute);
            let mut request = bench.voice.synthesize(utterance("Hello."));
            assert!(tokio::time::timeout(HURRIED, &mut request).await.is_err());
            bench.answers(2).await;
            let dropped = Instant::now();
            drop(request);
            let reset = bench.answers(1).await;
            assert!(other.pcm.next().await.unwrap().is_ok());
            reset - dropped
        });
        let took = took.await;
        println!("{kind:?}: reset after {took:?}");
        assert!(took < LEFT_WITHIN, "{kind:?}: {took:?}");
    }
}

/// Audio is read as fast as it is heard, so a voice that works ahead fills the
/// window of each of its streams.
#[tokio::test]
async fn a_listener_who_pauses_holds_up_nobody_else() {
    for kind in Kind::OVER_HTTP {
        let bench = Bench::connected(kind, Version::Http2, say(seconds(10))).await;
        let mut paused = Vec::new();
        for _ in 0..30 {
            paused.push(bench.voice.synthesize(utterance("Hello.")).await.unwrap());
        }
        bench.now(say(seconds(1)));
        let asked = Instant::now();
        let said = tokio::time::timeout(PATIENT, bench.say("Hello.")).await.unwrap();
        println!("{kind:?}: a second of audio after {:?}", asked.elapsed());
        assert_eq!(said, Ok(seconds(1).to_vec()), "{kind:?}");
        assert_eq!(bench.server.accepted_connections(), 1, "{kind:?}");
        // Whoever goes on later still gets everything.
        let (said, error) = heard(paused.remove(0)).await;
        assert_eq!((said.len(), error), (seconds(10).len(), None));
    }
}

#[tokio::test]
async fn a_connection_that_says_goodbye_ends_its_audio_and_takes_no_more() {
    for (kind, version) in every_way() {
        let bench = Bench::connected(kind, version, say(pcm())).await;
        // Over HTTP/1.1 an utterance that overtakes it is lost.
        bench.server.go_away();
        tokio::time::sleep(HURRIED).await;
        assert_eq!(bench.say("Hello.").await, Ok(pcm().to_vec()), "{kind:?} {version:?}");
        assert_eq!(bench.server.accepted_connections(), 2, "{kind:?} {version:?}");

        bench.state.then(Script {
            chunk_every: Duration::from_millis(60),
            chunk_bytes: 512,
            ..say(pcm()).script(plain(kind))
        });
        let running = bench.voice.synthesize(utterance("Slow.")).await.unwrap();
        bench.server.go_away();
        tokio::time::sleep(HURRIED).await;
        assert_eq!(bench.say("Hello.").await, Ok(pcm().to_vec()), "{kind:?} {version:?}");
        assert_eq!(heard(running).await, (pcm().to_vec(), None), "{kind:?} {version:?}");
        assert_eq!(bench.server.accepted_connections(), 3, "{kind:?} {version:?}");
    }
}

#[tokio::test]
async fn a_connection_that_dies_is_an_error_and_the_next_utterance_gets_another() {
    for (kind, version) in every_way() {
        let bench = Bench::connected(kind, version, Act::Stall(pcm())).await;
        let running = bench.voice.synthesize(utterance("Hello.")).await.unwrap();
        bench.now(Act::Mute);
        let unanswered = bench.voice.synthesize(utterance("Hello."));
        let cut = async {
            bench.answers(2).await;
            // What was said is on its way.
            tokio::time::sleep(HURRIED).await;
            bench.server.cut();
        };
        let (unanswered, ()) = tokio::join!(unanswered, cut);
        let error = unanswered.err().unwrap();
        assert!(
            matches!(error, Error::Unavailable { .. } | Error::BrokenStream),
            "{kind:?} {version:?}: {error:?}"
        );
        let broken = Some(Error::BrokenStream);
        assert_eq!(heard(running).await, (pcm().to_vec(), broken), "{kind:?} {version:?}");
        bench.now(say(pcm()));
        assert_eq!(bench.say("Hello.").await, Ok(pcm().to_vec()), "{kind:?} {version:?}");
    }
}

#[tokio::test]
async fn a_server_that_nobody_trusts_is_unavailable() {
    let stranger = Authority::new().unwrap();
    for (kind, version) in every_way() {
        for (authority, host) in [(&stranger, "localhost"), (trusted().unwrap(), "elsewhere.test")]
        {
            let state = SpeechState::new(plain(kind));
            let server = serve(kind, &state, (authority, host), version).await;
            let voice = voice(kind, &server.origin(), testing::connections());
            let error = voice.synthesize(utterance("Hello.")).await.unwrap_err();
            let expected = Error::Unavailable { reason: "its TLS or certificate is not accepted" };
            assert_eq!(error, expected, "{kind:?} {version:?} {host}");
            assert_eq!(voice.warm_up().await, Err(expected), "{kind:?} {version:?} {host}");
            assert!(state.requests().is_empty());
        }
    }
}

#[tokio::test]
async fn a_connection_that_falls_silent_is_given_up() {
    let connections =
        ProviderConnections { ping_interval: PING, ping_timeout: PING, ..testing::connections() };
    for kind in Kind::OVER_HTTP {
        let bench = Bench::with(kind, Version::Http2, say(pcm()), connections).await;
        assert!(bench.say("Hello.").await.is_ok());
        // By an utterance that was asked for too soon …
        bench.server.fall_silent();
        let asked = Instant::now();
        let lost = bench.say("Hello.").await.unwrap_err();
        println!("{kind:?}: given up after {:?}", asked.elapsed());
        assert!(matches!(lost, Error::Unavailable { .. }), "{kind:?}: {lost:?}");
        assert!(asked.elapsed() < PATIENT / 4, "{kind:?}");
        assert_eq!(bench.say("Hello.").await, Ok(pcm().to_vec()), "{kind:?}");
        // … and else before one is.
        bench.server.fall_silent();
        tokio::time::sleep(PING * 8).await;
        assert_eq!(bench.say("Hello.").await, Ok(pcm().to_vec()), "{kind:?}");
        assert_eq!(bench.server.accepted_connections(), 3, "{kind:?}");
    }
}

#[tokio::test]
async fn compressed_audio_is_not_played() {
    for (kind, version) in every_way() {
        let bench = Bench::new(kind, version, say(pcm())).await;
        let plain = say(pcm()).script(plain(kind));
        bench.state.always(Script { content_encoding: "gzip", ..plain });
        let error = bench.say("Hello.").await.unwrap_err();
        assert_eq!(error, Error::NotAudio, "{kind:?} {version:?}");
    }
}

/// How long a burst of audio takes from 50 ms away, for windows of HTTP/2.
async fn burst(stream_window_bytes: u32) -> Duration {
    let connections = ProviderConnections { stream_window_bytes, ..testing::connections() };
    let burst = say(seconds(10));
    let bench = Bench::new(Kind::Azure, Version::Http2, burst).await;
    let line = LongLine::lay(bench.server.port(), Duration::from_millis(50)).await.unwrap();
    let origin = format!("https://localhost:{}", line.port());
    let voice = voice(Kind::Azure, &origin, connections);
    voice.warm_up().await.unwrap();
    let asked = Instant::now();
    let (said, error) = heard(voice.synthesize(utterance("Hello.")).await.unwrap()).await;
    assert_eq!((said.len(), error), (seconds(10).len(), None));
    asked.elapsed()
}

#[tokio::test]
async fn audio_from_far_away_comes_many_times_faster_than_it_is_heard() {
    for window in [65_535, 262_144, 1 << 20, 2 << 20] {
        let took = burst(window).await;
        println!("{} KiB: ten seconds of audio in {took:.0?}", window / 1024);
        assert!(took < Duration::from_secs(4), "{window}: {took:?}");
    }
}
