use std::time::Duration;

use super::{start, tone};
use crate::speech_server::{self, Audio, Script, SpeechServer, echo};

const SSML: &str = "<speak version='1.0' xmlns='http://www.w3.org/2001/10/synthesis' \
    xml:lang='en-US'><voice name='en-US-AriaNeural'><prosody rate='+50%'>a &amp; b</prosody>\
    </voice></speak>";

const HEADERS: [(&str, &str); 4] = [
    ("ocp-apim-subscription-key", "k"),
    ("content-type", "application/ssml+xml"),
    ("x-microsoft-outputformat", "raw-48khz-16bit-mono-pcm"),
    ("user-agent", "test"),
];

async fn ask(server: &SpeechServer, ssml: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    crate::install_tls_provider();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.post(format!("{}/cognitiveservices/v1", server.origin()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(ssml.to_owned()).send().await.unwrap()
}

#[tokio::test]
async fn speaks_and_records_what_it_was_asked() {
    let server = start(tone()).await.unwrap();
    let response = ask(&server, SSML, &HEADERS).await;
    assert!(response.headers().get("content-length").is_none());
    let pcm = speech_server::tone(440, Duration::from_millis(500), 48_000);
    assert_eq!(response.bytes().await.unwrap(), pcm);
    let body = &server.requests()[0].body;
    assert_eq!((&body["language"], &body["voice"]), (&"en-US".into(), &"en-US-AriaNeural".into()));
    assert_eq!((&body["rate"], &body["input"]), (&"+50%".into(), &"a & b".into()));
    server.state().always(Script { audio: Audio::Echo, ..tone() });
    assert_eq!(ask(&server, SSML, &HEADERS).await.bytes().await.unwrap(), echo("a & b"));
}

#[tokio::test]
async fn refuses_what_the_real_service_refuses() {
    let voices = vec!["en-US-AriaNeural".to_owned()];
    let script = Script { key: Some("k".to_owned()), voices, ..tone() };
    let server = start(script).await.unwrap();
    for (name, value, status) in [
        ("ocp-apim-subscription-key", "wrong", 401),
        ("content-type", "text/plain", 415),
        ("x-microsoft-outputformat", "mp3", 400),
        ("user-agent", &"x".repeat(255), 400),
    ] {
        let headers =
            HEADERS.map(|(known, good)| (known, if known == name { value } else { good }));
        assert_eq!(ask(&server, SSML, &headers).await.status(), status, "{name}");
        let without: Vec<_> = HEADERS.into_iter().filter(|(known, _)| *known != name).collect();
        assert_eq!(ask(&server, SSML, &without).await.status(), status, "no {name}");
    }
    for ssml in [
        "",
        "plain",
        "<speak/>",
        &SSML.replace("&amp;", "&"),
        &SSML.replace("&amp;", "\u{1}"),
        &SSML.replace(" xml:lang='en-US'", ""),
        &SSML.replace("Aria", "Nobody"),
    ] {
        assert_eq!(ask(&server, ssml, &HEADERS).await.status(), 400, "{ssml}");
    }
    assert_eq!(ask(&server, SSML, &HEADERS).await.status(), 200);
}
