//! Whom a worker trusts among providers over TLS.

use nexy_testkit::{
    chat_server::{OpenAi, Script},
    https_server::{Authority, HttpsServer, Version},
    model_server::{Format as _, State},
    speech_server::{self, SpeechState},
    stack::{Stack, question},
};

use crate::support::{ask, assert_whole};

/// As OPERATIONS.md tells the operator of a model with a CA of its own.
#[tokio::test]
async fn a_provider_of_a_private_authority_is_trusted_by_ssl_cert_file() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let folder = tempfile::tempdir()?;
    let trusted = folder.path().join("trusted.pem");
    std::fs::write(&trusted, authority.pem())?;
    let chat = State::new(Script::text(["It works."]));
    let speech = SpeechState::new(speech_server::Script::tone());
    let routes = OpenAi::routes(chat.clone()).merge(speech_server::router(speech));
    let server = HttpsServer::of(&authority, "localhost", routes, Version::Http2).await?;
    let base_url = format!("{}/v1", server.origin());
    let stack = || {
        Stack::builder()
            .env("OPENAI_BASE_URL", &base_url)
            .env("OPENAI_API_KEY", "key-of-the-model")
            .env("TTS_OPENAI_BASE_URL", &base_url)
    };

    let trusting = stack().env("SSL_CERT_FILE", trusted.to_string_lossy()).start().await?;
    let reply = ask(&trusting, question("device-1", "Hello")).await?;
    assert_whole(&reply);
    assert_eq!(reply.text(), "It works.");
    assert_eq!(reply.trailer("nexy-providers"), Some("llm=openai;tts=openai"));
    trusting.stop(&[]).await?;

    let doubtful = stack().env("TTS_PROVIDERS", "openai").start().await?;
    ask(&doubtful, question("device-1", "Hello")).await?;
    let lines = doubtful.worker.as_ref().expect("a worker").lines();
    for reason in ["unavailable (tls_not_accepted)", "its TLS or certificate is not accepted"] {
        assert!(lines.iter().any(|line| line.contains(reason)), "{reason}: {lines:#?}");
    }
    assert_eq!(chat.requests().len(), 1);
    doubtful.stop(&["retry", "degrade", "worker_state"]).await
}
