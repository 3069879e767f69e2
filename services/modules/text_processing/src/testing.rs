//! What the tests of the models share.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use nexy_outbound::ProviderConnections;
use nexy_testkit::https_server;
use nexy_types::{Argument, ArgumentKind, Command, Language, Risk};
use reqwest::{Certificate, ClientBuilder};

use crate::{ChatRequest, Delta, Error, FinishReason, LanguageModel, Screen, Usage};

/// For steps that must not be taken for slow on a busy machine.
pub(crate) const AMPLE: Duration = Duration::from_secs(20);

/// Everything a reply gave: words, calls as `name(arguments)`, and its end.
#[derive(Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) calls: Vec<String>,
    pub(crate) usage: Option<Usage>,
    pub(crate) end: Result<FinishReason, Error>,
}

/// A reply with the usage that the fakes count.
pub(crate) fn told(text: &str, end: Result<FinishReason, Error>) -> Told {
    let usage = end.is_ok().then_some(Usage { input_tokens: 11, output_tokens: 7 });
    Told { text: text.to_owned(), calls: Vec::new(), usage, end }
}

/// Reads a whole reply. A model that goes on after its end, counts twice or
/// counts after its end breaks the contract.
pub(crate) async fn ask(model: &dyn LanguageModel, request: ChatRequest) -> Result<Told, Error> {
    let mut reply = model.reply(Arc::new(request)).await?;
    let mut told =
        Told { text: String::new(), calls: Vec::new(), usage: None, end: Ok(FinishReason::Stop) };
    loop {
        match reply.next().await.expect("a reply ends with an end or an error") {
            Ok(Delta::Text(text)) => {
                assert!(!text.is_empty() && told.usage.is_none());
                told.text.push_str(&text);
            }
            Ok(Delta::ToolCall(call)) => {
                assert!(told.usage.is_none());
                told.calls.push(format!("{}({})", call.name, call.arguments_json));
            }
            Ok(Delta::Usage(usage)) => assert!(told.usage.replace(usage).is_none()),
            Ok(Delta::Finished(reason)) => {
                told.end = Ok(reason);
                break;
            }
            Err(error) => {
                told.end = Err(error);
                break;
            }
        }
    }
    assert!(reply.next().await.is_none());
    Ok(told)
}

pub(crate) fn request(prompt: &str) -> ChatRequest {
    ChatRequest {
        system: "Be brief.".to_owned(),
        history: Vec::new(),
        prompt: prompt.to_owned(),
        screen: Screen::NotSent,
        commands: Vec::new(),
        language: Language::english(),
        now: jiff::Zoned::default(),
        outages: false,
    }
}

pub(crate) fn command() -> Command {
    Command {
        name: "open_app".to_owned(),
        description: "Opens an app.".to_owned(),
        arguments: vec![
            Argument {
                name: "app_name".to_owned(),
                kind: ArgumentKind::String,
                required: true,
                description: "Its name.".to_owned(),
            },
            Argument {
                name: "delay".to_owned(),
                kind: ArgumentKind::Integer,
                required: false,
                description: "Seconds.".to_owned(),
            },
        ],
        risk: Risk::Acts,
    }
}

/// The clients need one; a second installation is refused and changes nothing.
pub(crate) fn install_tls_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Connections that no test waits for.
pub(crate) const fn connections() -> ProviderConnections {
    ProviderConnections {
        connect_timeout: AMPLE,
        ping_interval: AMPLE,
        ping_timeout: AMPLE,
        idle_timeout: AMPLE,
        stream_window_bytes: 262_144,
    }
}

/// What every client trusts under test, beside what the system trusts.
pub(crate) fn trusting(builder: ClientBuilder) -> ClientBuilder {
    let authority = https_server::trusted().unwrap().pem();
    builder.tls_certs_merge([Certificate::from_pem(authority.as_bytes()).unwrap()])
}
