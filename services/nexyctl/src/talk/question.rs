use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use nexy_proto::streaming::StreamRequest;
use nexy_types::{HardwareId, Language, SessionId, SpeechRate};
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
};

use crate::failure::Usage;

/// Who asks, and how the answer should sound; the same for all questions of a
/// session. Holds a device id: no `Debug`.
pub(crate) struct Asker {
    pub(crate) hardware_id: HardwareId,
    pub(crate) session_id: SessionId,
    metadata: Vec<(&'static str, MetadataValue<Ascii>)>,
}

/// Wishes about replies. Default: the server's own choices.
#[derive(Default, clap::Args)]
pub(crate) struct Wishes {
    /// Language of the reply, e.g. en or ru-RU.
    #[arg(long, value_name = "TAG", value_parser = language, help_heading = "Reply")]
    language: Option<Language>,
    /// Voice, by the name its provider gives it.
    #[arg(long, value_name = "NAME", help_heading = "Reply")]
    voice: Option<String>,
    /// Speed of speech, 0.5 to 3.0 times the normal.
    #[arg(long, value_name = "FACTOR", value_parser = rate, help_heading = "Reply")]
    rate: Option<SpeechRate>,
    /// Your time zone, e.g. Europe/Berlin.
    #[arg(long, value_name = "IANA", help_heading = "Reply")]
    timezone: Option<String>,
    /// How actions are sent; both ways are understood.
    #[arg(long, value_name = "TRANSPORT", help_heading = "Reply")]
    actions: Option<Actions>,
}

/// Transports of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Actions {
    /// As text chunks that begin with `__MCP__`.
    McpPrefix,
    /// As messages of their own.
    ActionMessage,
    /// Not at all.
    None,
}

fn language(text: &str) -> Result<Language, String> {
    Language::parse(text).ok_or_else(|| "not a language tag such as en or ru-RU".to_owned())
}

fn rate(text: &str) -> Result<SpeechRate, String> {
    let factor = text.parse().map_err(|_| "not a number".to_owned())?;
    SpeechRate::new(factor).map_err(|error| error.to_string())
}

// === impl Wishes ===

impl Wishes {
    /// Whether actions were declined.
    pub(crate) fn decline_actions(&self) -> bool {
        self.actions == Some(Actions::None)
    }

    /// As request metadata (Docs/PROTOCOL.md, "A turn").
    fn metadata(&self) -> Result<Vec<(&'static str, MetadataValue<Ascii>)>, Usage> {
        let actions = self.actions.map(|actions| match actions {
            Actions::McpPrefix => "mcp_prefix".to_owned(),
            Actions::ActionMessage => "action_message".to_owned(),
            Actions::None => "none".to_owned(),
        });
        let wishes = [
            ("nexy-language", self.language.as_ref().map(ToString::to_string)),
            ("nexy-voice", self.voice.clone()),
            ("nexy-speech-rate", self.rate.map(|rate| rate.factor().to_string())),
            ("nexy-timezone", self.timezone.clone()),
            ("nexy-actions", actions),
        ];
        wishes
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name, value)))
            .map(|(name, value)| match value.parse() {
                Ok(value) => Ok((name, value)),
                Err(_) => Err(Usage(format!("{name}: only printable ASCII can be sent"))),
            })
            .collect()
    }
}

// === impl Asker ===

impl Asker {
    /// # Errors
    /// [`Usage`] when a wish cannot be sent.
    pub(crate) fn new(
        hardware_id: Option<HardwareId>,
        session_id: Option<SessionId>,
        wishes: &Wishes,
    ) -> Result<Self, Usage> {
        let invented = uuid::Uuid::new_v4();
        let hardware_id = match hardware_id {
            Some(id) => id,
            None => HardwareId::parse(&format!("nexyctl-{invented}"))
                .map_err(|error| Usage(error.to_string()))?,
        };
        let session_id = match session_id {
            Some(id) => id,
            None => SessionId::parse(&uuid::Uuid::new_v4().to_string())
                .map_err(|error| Usage(error.to_string()))?,
        };
        Ok(Self { hardware_id, session_id, metadata: wishes.metadata()? })
    }

    /// A question as it is sent.
    pub(crate) fn request(
        &self,
        question: &str,
        screenshot: Option<String>,
    ) -> Request<StreamRequest> {
        let mut request = Request::new(StreamRequest {
            prompt: question.to_owned(),
            screenshot,
            hardware_id: self.hardware_id.as_str().to_owned(),
            session_id: self.session_id.as_str().to_owned(),
            ..StreamRequest::default()
        });
        for (name, value) in &self.metadata {
            request.metadata_mut().insert(*name, value.clone());
        }
        request
    }
}

/// Reads an image for sending, as base64.
///
/// # Errors
/// [`Usage`] when the file cannot be read or its signature is not that of PNG,
/// JPEG or WebP.
pub(crate) fn screenshot(path: &Path) -> Result<String, Usage> {
    let name = path.display();
    let image =
        std::fs::read(path).map_err(|error| Usage(format!("--screenshot {name}: {error}")))?;
    if !is_image(&image) {
        return Err(Usage(format!("--screenshot {name}: not a PNG, JPEG or WebP image")));
    }
    Ok(STANDARD.encode(image))
}

/// By signature: PNG (RFC 2083 §3.1), JPEG (SOI and a marker), WebP (RIFF).
fn is_image(bytes: &[u8]) -> bool {
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    webp || bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(&[0xFF, 0xD8, 0xFF])
}

#[cfg(test)]
mod tests;
