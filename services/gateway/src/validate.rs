//! Input checks, before any work is done.

use nexy_config::Settings;
use nexy_proto::streaming::{RequestPhase, StreamRequest, UsageRequest};
use nexy_types::{HardwareId, SessionId};

use crate::{options::NAME_MAX_LEN, refusal::Refusal};

/// A request that passed every check that needs no decoding. Holds user words:
/// its `Debug` is not derived.
pub(crate) struct Incoming {
    pub(crate) device: HardwareId,
    pub(crate) session: SessionId,
    pub(crate) phase: Phase,
    /// Base64, not decoded yet.
    pub(crate) screenshot: Option<String>,
    /// Width and height in pixels, 0 when unknown.
    pub(crate) screen: (u32, u32),
}

/// What a request wants.
pub(crate) enum Phase {
    /// Keep this part of a question.
    Collect { seq: i32, text: String },
    /// Answer this, together with what was collected.
    Ask { prompt: String },
}

/// Who sent a message, as far as it says so, for the decision log.
pub(crate) fn identity(request: &StreamRequest) -> (Option<HardwareId>, Option<SessionId>) {
    (HardwareId::parse(&request.hardware_id).ok(), SessionId::parse(&request.session_id).ok())
}

/// Checks a message in the order of the table in Docs/PROTOCOL.md.
///
/// # Errors
/// `validation_failed` with the first rule that is broken.
pub(crate) fn stream_request(
    request: StreamRequest,
    settings: &Settings,
) -> Result<Incoming, Refusal> {
    let device = hardware_id(&request.hardware_id)?;
    let session = SessionId::parse(&request.session_id).map_err(Refusal::invalid)?;
    let phase = RequestPhase::try_from(request.phase)
        .map_err(|_| Refusal::invalid("phase must be UNSPECIFIED, COLLECT or COMMIT"))?;
    let phase = match phase {
        RequestPhase::Collect => Phase::Collect {
            seq: request.chunk_seq,
            text: bounded(request.chunk_text.unwrap_or(request.prompt), settings)?,
        },
        RequestPhase::Commit | RequestPhase::Unspecified => {
            Phase::Ask { prompt: bounded(request.prompt, settings)? }
        }
    };
    Ok(Incoming {
        device,
        session,
        phase,
        screenshot: request.screenshot.filter(|shot| !shot.is_empty()),
        screen: (pixels(request.screen_width), pixels(request.screen_height)),
    })
}

/// Checks a hardware id.
///
/// # Errors
/// `validation_failed`, naming the field.
pub(crate) fn hardware_id(text: &str) -> Result<HardwareId, Refusal> {
    HardwareId::parse(text).map_err(Refusal::invalid)
}

/// Checks that a question has words once it is merged with what was collected.
///
/// # Errors
/// `validation_failed` for a blank or overlong one.
pub(crate) fn prompt(text: String, settings: &Settings) -> Result<String, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::invalid("Empty prompt: text field is required"));
    }
    bounded(text, settings)
}

/// Checks a usage report.
///
/// # Errors
/// `validation_failed` with the first rule that is broken.
pub(crate) fn usage(
    request: &UsageRequest,
) -> Result<(HardwareId, Option<SessionId>, u32, u32), Refusal> {
    let device = hardware_id(&request.hardware_id)?;
    let session = match request.session_id.as_str() {
        "" => None,
        text => Some(
            SessionId::parse(text).map_err(|_| Refusal::invalid("session_id must be a UUID"))?,
        ),
    };
    let tokens = |count: i32, field: &str| {
        u32::try_from(count).map_err(|_| Refusal::invalid(format!("{field} must not be negative")))
    };
    let input = tokens(request.input_tokens, "input_tokens")?;
    let output = tokens(request.output_tokens, "output_tokens")?;
    for (name, field) in [(&request.source, "source"), (&request.model, "model")] {
        if name.chars().count() > NAME_MAX_LEN {
            return Err(Refusal::invalid(format!(
                "{field} must be at most {NAME_MAX_LEN} characters"
            )));
        }
    }
    Ok((device, session, input, output))
}

fn bounded(text: String, settings: &Settings) -> Result<String, Refusal> {
    let limit = settings.limits.max_prompt_chars;
    // Bytes bound characters from above, and counting them is free.
    if text.len() > limit && text.chars().count() > limit {
        return Err(Refusal::invalid(format!("prompt must be at most {limit} characters")));
    }
    Ok(text)
}

/// A size that makes no sense is no size: it is only a hint to the model.
fn pixels(size: Option<i32>) -> u32 {
    size.and_then(|size| u32::try_from(size).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
