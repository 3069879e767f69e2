//! The same models over TLS 1.3, where providers are: certificates, HTTP/2 and
//! what one connection for all requests makes of a fault.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::join_all};
use nexy_outbound::ProviderConnections;
use nexy_testkit::{
    chat_server::OpenAi,
    gemini_server::Gemini,
    https_server::{Authority, HttpsServer, Version, trusted},
    model_server::{Script, State},
    soonest,
};

use super::{
    LEFT_WITHIN, STALL, stopped,
    subject::{Subject, Waits},
};
use crate::{
    Delta, DeltaStream, Error, LanguageModel,
    testing::{self, AMPLE, Told, ask, request},
};

/// How often a silent connection is tried, and for how long.
const PING: Duration = Duration::from_millis(150);

/// A model and its provider, who may have several requests at once.
struct Bench<S> {
    state: State<S>,
    server: HttpsServer,
    model: Arc<dyn LanguageModel>,
}

// === impl Bench ===

impl<S: Subject> Bench<S> {
    async fn new(version: Version, script: Script<S>) -> Self {
        Self::with(version, script, testing::connections()).await
    }

    async fn with(version: Version, script: Script<S>, connections: ProviderConnections) -> Self {
        let state = State::new(script);
        let server = HttpsServer::start(S::routes(state.clone()), version).await.unwrap();
        let model = S::model(base_of::<S>(&server), Waits { connections, ..Waits::AMPLE });
        Self { state, server, model }
    }

    /// One whose connection stands: requests at the same time would each open
    /// one, not knowing yet what the server speaks.
    async fn connected(version: Version, script: Script<S>) -> Self {
        let bench = Self::new(version, script).await;
        bench.model.warm_up().await.unwrap();
        bench
    }

    async fn ask(&self, prompt: &str) -> Result<Told, Error> {
        ask(self.model.as_ref(), request(prompt)).await
    }

    async fn begin(&self, prompt: &str) -> DeltaStream {
        let mut reply = self.model.reply(Arc::new(request(prompt))).await.unwrap();
        assert!(matches!(reply.next().await, Some(Ok(Delta::Text(_)))));
        reply
    }

    /// Waits until this many replies are being sent. When that was.
    async fn sends(&self, replies: usize) -> Instant {
        let sends = async {
            while self.state.open_connections() != replies {
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        };
        tokio::time::timeout(AMPLE, sends).await.unwrap();
        Instant::now()
    }
}

fn base_of<S: Subject>(server: &HttpsServer) -> String {
    format!("{}{}", server.origin(), S::BASE_PATH)
}

fn pinged() -> ProviderConnections {
    ProviderConnections { ping_interval: PING, ping_timeout: PING, ..testing::connections() }
}

fn endless<S: Subject>() -> Script<S> {
    Script::endless("word ", Duration::from_millis(5))
}

/// Makes one test of each check, for each client.
macro_rules! for_every_client {
    ($($check:ident)*) => {
        mod openai_compatible {
            $(#[tokio::test] async fn $check() { super::$check::<super::OpenAi>().await; })*
        }
        mod gemini_api {
            $(#[tokio::test] async fn $check() { super::$check::<super::Gemini>().await; })*
        }
    };
}

for_every_client! {
    a_reply_is_whole_over_both_versions
    nothing_compressed_is_asked_for
    parallel_requests_share_one_http_2_connection
    a_dropped_reply_leaves_the_others_of_its_connection_alone
    a_dropped_request_leaves_the_others_of_its_connection_alone
    a_reader_who_pauses_holds_up_nobody_else
    a_connection_that_says_goodbye_ends_its_replies_and_takes_no_more
    a_connection_that_dies_is_an_error_and_the_next_question_gets_another
    a_server_that_nobody_trusts_is_unavailable
    a_connection_that_falls_silent_is_given_up_by_a_question
    a_connection_that_falls_silent_is_given_up_before_a_question
    an_answer_with_an_endless_head_is_unavailable
}

async fn a_reply_is_whole_over_both_versions<S: Subject>() {
    for version in [Version::Http1, Version::Http2] {
        let bench = Bench::new(version, Script::<S>::text(["Ада ", "👋 ok"])).await;
        for _ in 0..3 {
            assert_eq!(bench.ask("hello").await, stopped("Ада 👋 ok"), "{version:?}");
        }
        assert_eq!(bench.server.accepted_connections(), 1, "{version:?}");
    }
}

async fn nothing_compressed_is_asked_for<S: Subject>() {
    let bench = Bench::new(Version::Http2, Script::<S>::text(["Yes."])).await;
    assert!(bench.ask("hello").await.is_ok());
    assert_eq!(bench.state.requests()[0].header("accept-encoding"), "");
}

async fn parallel_requests_share_one_http_2_connection<S: Subject>() {
    for (version, connections) in [(Version::Http1, 2..=24), (Version::Http2, 1..=1)] {
        let bench = Bench::connected(version, Script::<S>::text(["none"])).await;
        for number in 0..24 {
            let words = [format!("answer <{number}> "), "Ада".to_owned(), format!(" of {number}")];
            let script = Script::text(words).chunk_bytes(7).token_delay(Duration::from_millis(3));
            let script = if number % 3 == 2 { script.cut() } else { script };
            bench.state.on_prompt(format!("<{number}>"), script);
        }
        let asked = (0..24).map(|number| {
            let bench = &bench;
            async move { bench.ask(&format!("question <{number}>")).await.unwrap() }
        });
        for (number, reply) in join_all(asked).await.into_iter().enumerate() {
            assert_eq!(reply.text, format!("answer <{number}> Ада of {number}"));
            assert_eq!(reply.end.is_ok(), number % 3 != 2, "{:?}", reply.end);
        }
        let accepted = bench.server.accepted_connections();
        println!("{version:?}: {accepted} connections for 24 questions at once");
        assert!(connections.contains(&accepted), "{version:?}: {accepted}");
    }
}

async fn a_dropped_reply_leaves_the_others_of_its_connection_alone<S: Subject>() {
    let took = soonest(LEFT_WITHIN, async || {
        let bench = Bench::<S>::connected(Version::Http2, endless()).await;
        let mut other = bench.begin("other").await;
        let reply = bench.begin("hello").await;
        let dropped = Instant::now();
        drop(reply);
        let reset = bench.sends(1).await;
        for _ in 0..20 {
            assert!(matches!(other.next().await, Some(Ok(Delta::Text(_)))));
        }
        assert_eq!(bench.server.accepted_connections(), 1);
        reset - dropped
    });
    let took = took.await;
    println!("reset after {took:?}");
    assert!(took < LEFT_WITHIN, "{took:?}");
}

async fn a_dropped_request_leaves_the_others_of_its_connection_alone<S: Subject>() {
    let took = soonest(LEFT_WITHIN, async || {
        let bench = Bench::<S>::connected(Version::Http2, Script::silent()).await;
        bench.state.on_prompt("other", endless());
        let mut other = bench.begin("other").await;
        let mut asked = bench.model.reply(Arc::new(request("hello")));
        assert!(tokio::time::timeout(STALL, &mut asked).await.is_err());
        assert_eq!(bench.state.open_connections(), 2);
        let dropped = Instant::now();
        drop(asked);
        let reset = bench.sends(1).await;
        assert!(matches!(other.next().await, Some(Ok(Delta::Text(_)))));
        assert_eq!(bench.server.accepted_connections(), 1);
        reset - dropped
    });
    let took = took.await;
    println!("reset after {took:?}");
    assert!(took < LEFT_WITHIN, "{took:?}");
}

async fn a_reader_who_pauses_holds_up_nobody_else<S: Subject>() {
    let long = "word ".repeat(2000);
    let bench = Bench::connected(Version::Http2, Script::<S>::text(["Yes."])).await;
    // Each fills the window of its stream, and together more than a connection
    // gets by default.
    bench.state.on_prompt("long", Script::text(vec![long; 100]));
    let mut paused = Vec::new();
    for _ in 0..24 {
        paused.push(bench.begin("long").await);
    }
    assert_eq!(bench.ask("hello").await, stopped("Yes."));
    assert_eq!(bench.server.accepted_connections(), 1);
}

async fn a_connection_that_says_goodbye_ends_its_replies_and_takes_no_more<S: Subject>() {
    for version in [Version::Http1, Version::Http2] {
        let bench = Bench::connected(version, Script::<S>::text(["Yes."])).await;
        let slow = Script::text(["slow "; 40]).token_delay(Duration::from_millis(20));
        bench.state.on_prompt("slow", slow);
        // Between two requests: over HTTP/1.1 one that overtakes it is lost.
        bench.server.go_away();
        tokio::time::sleep(STALL).await;
        assert_eq!(bench.ask("hello").await, stopped("Yes."), "{version:?}");
        assert_eq!(bench.server.accepted_connections(), 2, "{version:?}");
        // While one is answered.
        let running = bench.begin("slow").await;
        bench.server.go_away();
        tokio::time::sleep(STALL).await;
        assert_eq!(bench.ask("hello").await, stopped("Yes."), "{version:?}");
        let rest: Vec<_> = running.collect().await;
        assert!(matches!(rest.last(), Some(Ok(Delta::Finished(_)))), "{version:?}");
        assert_eq!(bench.server.accepted_connections(), 3, "{version:?}");
    }
}

async fn a_connection_that_dies_is_an_error_and_the_next_question_gets_another<S: Subject>() {
    for version in [Version::Http1, Version::Http2] {
        let bench = Bench::connected(version, Script::<S>::text(["Yes."])).await;
        bench.state.on_prompt("long", Script::text(["Hello"]).hang());
        bench.state.on_prompt("never", Script::silent());
        let mut running = bench.begin("long").await;
        let unanswered = bench.model.reply(Arc::new(request("never")));
        let cut = async {
            bench.sends(2).await;
            bench.server.cut();
        };
        let (unanswered, ()) = tokio::join!(unanswered, cut);
        assert_eq!(unanswered.err().unwrap().as_str(), "unavailable", "{version:?}");
        assert_eq!(running.next().await, Some(Err(Error::Truncated)), "{version:?}");
        assert_eq!(bench.ask("hello").await, stopped("Yes."), "{version:?}");
    }
}

async fn a_server_that_nobody_trusts_is_unavailable<S: Subject>() {
    let stranger = Authority::new().unwrap();
    for version in [Version::Http1, Version::Http2] {
        for (authority, host) in [(&stranger, "localhost"), (trusted().unwrap(), "elsewhere.test")]
        {
            let state = State::new(Script::<S>::text(["Yes."]));
            let routes = S::routes(state.clone());
            let server = HttpsServer::of(authority, host, routes, version).await.unwrap();
            let model = S::model(base_of::<S>(&server), Waits::AMPLE);
            let error = ask(model.as_ref(), request("hello")).await.unwrap_err();
            let shown = error.to_string();
            assert_eq!(shown, "call language model: unavailable (tls_not_accepted)", "{host}");
            assert_eq!(model.warm_up().await, Err(error), "{host}");
            assert!(state.requests().is_empty());
        }
    }
}

async fn a_connection_that_falls_silent_is_given_up_by_a_question<S: Subject>() {
    let bench = Bench::with(Version::Http2, Script::<S>::text(["Yes."]), pinged()).await;
    assert_eq!(bench.ask("hello").await, stopped("Yes."));
    bench.server.fall_silent();
    let asked = Instant::now();
    let lost = bench.ask("hello").await.unwrap_err();
    let took = asked.elapsed();
    println!("given up after {took:?}");
    assert_eq!(lost.as_str(), "unavailable");
    assert!(took < AMPLE / 4, "{took:?}");
    assert_eq!(bench.ask("hello").await, stopped("Yes."));
    assert_eq!(bench.server.accepted_connections(), 2);
}

async fn a_connection_that_falls_silent_is_given_up_before_a_question<S: Subject>() {
    let bench = Bench::with(Version::Http2, Script::<S>::text(["Yes."]), pinged()).await;
    assert_eq!(bench.ask("hello").await, stopped("Yes."));
    bench.server.fall_silent();
    tokio::time::sleep(PING * 8).await;
    assert_eq!(bench.ask("hello").await, stopped("Yes."));
    assert_eq!(bench.server.accepted_connections(), 2);
}

async fn an_answer_with_an_endless_head_is_unavailable<S: Subject>() {
    for (version, bytes) in [(Version::Http1, 1 << 20), (Version::Http2, 1 << 15)] {
        let long = Script::<S>::text(["Yes."]).header("x-long", &"x".repeat(bytes));
        let bench = Bench::new(version, long).await;
        assert_eq!(bench.ask("hello").await.unwrap_err().as_str(), "unavailable", "{version:?}");
        bench.state.set_default(Script::text(["Yes."]));
        assert_eq!(bench.ask("hello").await, stopped("Yes."), "{version:?}");
    }
}
