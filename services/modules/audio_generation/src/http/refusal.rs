//! What an answer other than 200 means.

use std::time::SystemTime;

use bytes::BytesMut;
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::retry_after::retry_after;
use crate::Error;

/// Of an error body, so much is looked at.
const LONGEST_BODY: usize = 16 * 1024;

/// Longer values are not codes.
const LONGEST_CODE: usize = 64;

/// Makes an error of an answer. Of the body only its code is kept: messages can
/// repeat the text.
pub(super) async fn read(response: Response) -> Error {
    let status = response.status();
    let retry_after = retry_after(response.headers(), SystemTime::now());
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS => Error::RateLimited { retry_after },
        _ => Error::Rejected { status: status.as_u16(), code: code(response).await, retry_after },
    }
}

/// The machine-readable part of an error body. The caller bounds the wait.
async fn code(mut response: Response) -> Option<String> {
    let mut body = BytesMut::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_BODY {
            return None;
        }
    }
    code_of(&serde_json::from_slice(&body).ok()?)
}

/// `code` or else `type` of `{"error": …}` (OpenAI, Azure) or `{"detail": …}`
/// (Kokoro-FastAPI), if it is a plain word.
fn code_of(body: &Value) -> Option<String> {
    let details = body.get("error").or_else(|| body.get("detail"))?;
    ["code", "type"]
        .into_iter()
        .filter_map(|key| details.get(key)?.as_str())
        .find(|code| is_code(code))
        .map(str::to_owned)
}

fn is_code(code: &str) -> bool {
    (1..=LONGEST_CODE).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests;
