//! What voices behind HTTP share: an address, a client, and the reading of
//! answers.

mod refusal;
mod retry_after;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use nexy_outbound::{ProviderConnections, breaks_tls};
use reqwest::{
    Client, RequestBuilder, Response, StatusCode, Url,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue},
};

use crate::{Error, PcmStream, Stage};

/// Beginnings of files that some servers send whatever they were asked for.
/// Played as PCM they are loud noise.
const FILE_SIGNATURES: [&[u8]; 5] = [b"RIFF", b"ID3", b"OggS", b"fLaC", &[0x1A, 0x45, 0xDF, 0xA3]];

/// Bytes that tell a file from PCM.
const LONGEST_SIGNATURE: usize = 4;

/// What an [`Endpoint`] is made from.
#[derive(Debug)]
pub(crate) struct EndpointSettings<'a> {
    /// Where the API is.
    pub(crate) base_url: &'a str,
    /// Where speech is asked for, below that.
    pub(crate) path: [&'static str; 2],
    /// Sent with every request for speech.
    pub(crate) headers: HeaderMap,
    /// How it is connected to.
    pub(crate) connections: ProviderConnections,
}

/// Where a provider is asked for speech. Connections are opened when they are
/// needed and kept for the next utterance.
#[derive(Debug)]
pub(crate) struct Endpoint {
    client: Client,
    url: Url,
    headers: HeaderMap,
}

// === impl Endpoint ===

impl Endpoint {
    /// # Errors
    /// [`Error::InvalidSetting`] for a base that is no HTTP address.
    pub(crate) fn new(settings: EndpointSettings<'_>) -> Result<Self, Error> {
        let EndpointSettings { base_url, path, headers, connections } = settings;
        let url = below(base_url, path).ok_or(Error::InvalidSetting { setting: "base_url" })?;
        let client = connections.client();
        #[cfg(test)]
        let client = crate::testing::trusting(client);
        let client = client
            .build()
            .map_err(|_| Error::Unavailable { reason: "the HTTP client cannot be made" })?;
        Ok(Self { client, url, headers })
    }

    /// Opens a connection and leaves it to the next request. Any answer will do;
    /// no key is sent and nothing is spoken.
    pub(crate) async fn warm_up(&self, patience: Duration) -> Result<(), Error> {
        // HEAD: an answer without a body leaves the connection free for reuse.
        let answer = self.client.head(self.url.clone()).send();
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(not_sent(&error)),
            Err(_) => Err(Error::Timeout { stage: Stage::FirstByte }),
        }
    }

    /// A request for speech that still lacks its body. It carries the trace of
    /// the current span.
    pub(crate) fn post(&self) -> RequestBuilder {
        let mut headers = self.headers.clone();
        nexy_telemetry::propagation::inject_current(&mut headers);
        self.client.post(self.url.clone()).headers(headers)
    }
}

/// A header that is never shown.
pub(crate) fn secret(value: String) -> Result<HeaderValue, Error> {
    let mut value =
        HeaderValue::try_from(value).map_err(|_| Error::InvalidSetting { setting: "key" })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Sends a request and reads the beginning of its answer. `is_pcm` is asked
/// about the media type, in lower case and without parameters; an answer without
/// one is believed.
pub(crate) async fn speech(
    request: RequestBuilder,
    is_pcm: fn(&str) -> bool,
) -> Result<PcmStream, Error> {
    let response = request.send().await.map_err(|error| not_sent(&error))?;
    if response.status() != StatusCode::OK {
        return Err(refusal::read(response).await);
    }
    if !is_labelled(response.headers(), is_pcm) {
        return Err(Error::NotAudio);
    }
    pcm(response).await
}

fn below(base: &str, path: [&'static str; 2]) -> Option<Url> {
    let mut url = Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(path);
    Some(url)
}

/// Nobody asked for compressed audio; played as PCM it is loud noise.
fn is_labelled(headers: &HeaderMap, is_pcm: fn(&str) -> bool) -> bool {
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return false;
    }
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    let kind = value.split(';').next().unwrap_or(value).trim();
    is_pcm(&kind.to_ascii_lowercase())
}

/// The audio of an answer, once its first bytes have shown that it is no file.
/// Dropping it closes the connection, or resets the stream of an HTTP/2 one.
async fn pcm(response: Response) -> Result<PcmStream, Error> {
    let chunks = response.bytes_stream().map(|chunk| chunk.map_err(|_| Error::BrokenStream));
    let mut chunks = Box::pin(chunks);
    let start = start(&mut chunks).await?;
    if FILE_SIGNATURES.iter().any(|signature| start.starts_with(signature)) {
        return Err(Error::NotAudio);
    }
    Ok(Box::pin(stream::iter([Ok(start)]).chain(chunks)))
}

/// Enough of the beginning to tell what it is, or all there is. A chunk that is
/// enough by itself is not copied.
async fn start(
    chunks: &mut (impl Stream<Item = Result<Bytes, Error>> + Unpin),
) -> Result<Bytes, Error> {
    let mut gathered = BytesMut::new();
    while let Some(chunk) = chunks.next().await.transpose()? {
        if gathered.is_empty() && chunk.len() >= LONGEST_SIGNATURE {
            return Ok(chunk);
        }
        gathered.extend_from_slice(&chunk);
        if gathered.len() >= LONGEST_SIGNATURE {
            break;
        }
    }
    Ok(gathered.freeze())
}

fn not_sent(error: &reqwest::Error) -> Error {
    // Not one that stood and is given up since nobody answers a ping.
    if error.is_connect() && error.is_timeout() {
        Error::Timeout { stage: Stage::Connect }
    } else if breaks_tls(error) {
        Error::Unavailable { reason: "its TLS or certificate is not accepted" }
    } else if error.is_connect() {
        Error::Unavailable { reason: "no connection" }
    } else {
        Error::Unavailable { reason: "the connection broke before the answer" }
    }
}
