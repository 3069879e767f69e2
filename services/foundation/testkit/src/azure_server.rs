//! A local server that speaks Azure Speech's text-to-speech REST format.
//!
//! `POST /cognitiveservices/v1` answers with chunked, headerless 16-bit
//! little-endian mono PCM at 48 kHz, or with whatever its [`Script`] says.
//! Requests that the real service would refuse (no key or a wrong one, another
//! content type than SSML, no user agent, malformed SSML, an unknown voice) are
//! refused with its status. Of the output formats it knows one.
//!
//! It is a [`SpeechServer`]: scripts, records and counts are the same. The body
//! of a recorded request is what its SSML says:
//! `{"ssml", "language", "voice", "rate", "input"}`.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
    routing::post,
};
use roxmltree::{Document, NS_XML_URI, Node};
use serde_json::{Value, json};

use crate::speech_server::{Refusal, Request, Script, SpeechServer, SpeechState};

/// The namespace of SSML (W3C, "Speech Synthesis Markup Language 1.0").
const SSML: &str = "http://www.w3.org/2001/10/synthesis";

/// `User-Agent` must be shorter than this.
const USER_AGENT_LIMIT: usize = 255;

/// Starts a server on a free port of the loopback interface; its base is
/// [`SpeechServer::origin`].
///
/// # Errors
/// When no port can be bound.
pub async fn start(script: Script) -> anyhow::Result<SpeechServer> {
    SpeechServer::serve(script, router).await
}

/// The speech route, to be merged into a server that speaks more.
pub fn router(state: SpeechState) -> Router {
    Router::new().route("/cognitiveservices/v1", post(speak)).with_state(state)
}

/// Speaks half a second of a 440 Hz tone at 48 kHz, at once.
#[must_use]
pub fn tone() -> Script {
    Script { sample_rate: 48_000, ..Script::tone() }
}

async fn speak(State(state): State<SpeechState>, headers: HeaderMap, ssml: String) -> Response {
    let body = read(&ssml).unwrap_or(Value::Null);
    state.answer(Request::new(headers, body), refused).await
}

/// What the real service would refuse.
fn refused(script: &Script, Request { headers, body, .. }: &Request) -> Option<Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let key = header("ocp-apim-subscription-key");
    if key.is_none() || script.key.as_deref().is_some_and(|expected| key != Some(expected)) {
        return Some(refusal(StatusCode::UNAUTHORIZED));
    }
    let content_type = header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    if !content_type.starts_with("application/ssml+xml") {
        return Some(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let user_agent = header(header::USER_AGENT.as_str()).unwrap_or_default();
    let voice = body["voice"].as_str().unwrap_or_default();
    let voice_is_known = script.voices.is_empty() || script.voices.iter().any(|v| v == voice);
    let accepted = header("x-microsoft-outputformat") == Some("raw-48khz-16bit-mono-pcm")
        && (1..USER_AGENT_LIMIT).contains(&user_agent.len())
        && !body.is_null()
        && voice_is_known;
    (!accepted).then(|| refusal(StatusCode::BAD_REQUEST))
}

fn refusal(status: StatusCode) -> Refusal {
    let code = status.as_str();
    let body = json!({"error": {"code": code, "message": "the request was refused"}});
    Refusal { status: status.as_u16(), body, headers: Vec::new() }
}

/// What an SSML document says; `None` when it is none.
fn read(ssml: &str) -> Option<Value> {
    let document = Document::parse(ssml).ok()?;
    let speak = document.root_element();
    let voice = speak.children().find(|node| node.has_tag_name((SSML, "voice")))?;
    let is_speak = speak.has_tag_name((SSML, "speak")) && speak.attribute("version") == Some("1.0");
    let prosody = voice.children().find(|node| node.has_tag_name((SSML, "prosody")));
    let text: String = voice.descendants().filter(Node::is_text).filter_map(|t| t.text()).collect();
    is_speak.then_some(json!({
        "ssml": ssml,
        "language": speak.attribute((NS_XML_URI, "lang"))?,
        "voice": voice.attribute("name")?,
        "rate": prosody.and_then(|prosody| prosody.attribute("rate")),
        "input": text,
    }))
}

#[cfg(test)]
mod tests;
