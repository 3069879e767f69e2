//! Refusals of OpenAI and the compatible servers.

use serde_json::Value;

use crate::{
    Error, ProviderCode, Refusal,
    http::fault::{Refused, classify, error_object},
};

/// The code of an account that is used up. It comes with status 429, and waiting
/// does not help.
const QUOTA_IS_SPENT: &str = "insufficient_quota";

/// Codes of error objects that come without a status, as OpenAI and the
/// compatible servers write them, and the status each one stands for.
const CODES: &[(&str, u16)] = &[
    ("invalid_request_error", 400),
    ("context_length_exceeded", 400),
    ("authentication_error", 401),
    ("invalid_api_key", 401),
    ("permission_error", 403),
    ("model_not_found", 404),
    ("not_found_error", 404),
    ("rate_limit_error", 429),
    ("rate_limit_exceeded", 429),
    (QUOTA_IS_SPENT, 429),
    ("tokens", 429),
    ("requests", 429),
];

pub(super) fn of_answer(refused: &Refused) -> Error {
    let refusal = refusal(Some(refused.status), error_object(&refused.body));
    classify(refused.status, Refusal { retry_after: refused.retry_after, ..refusal })
}

/// An error object inside a reply that had been accepted.
pub(super) fn in_stream(error: &Value) -> Error {
    let status = ["code", "status"]
        .iter()
        .filter_map(|key| error.get(key)?.as_u64())
        .find_map(|number| u16::try_from(number).ok());
    let refusal = refusal(status, error);
    let meant = status.or_else(|| {
        let code = refusal.code.as_ref()?;
        CODES.iter().find(|(name, _)| *name == code.as_str()).map(|(_, status)| *status)
    });
    // What has no known name is the provider's trouble.
    classify(meant.unwrap_or(500), refusal)
}

/// An error object in a stream that has nothing around it (vLLM, llama.cpp), or
/// an array (Gemini). `None` when it is something else.
pub(super) fn bare(data: &str) -> Option<Error> {
    let body: Value = serde_json::from_str(data).ok()?;
    let error = error_object(&body);
    let is_error = error.get("message").is_some()
        && ["code", "type", "status"].iter().any(|key| error.get(key).is_some());
    is_error.then(|| in_stream(error))
}

fn refusal(status: Option<u16>, error: &Value) -> Refusal {
    let code = object_code(error);
    let is_quota_spent = code.as_ref().is_some_and(|code| code.as_str() == QUOTA_IS_SPENT);
    Refusal { status, code, retry_after: None, is_quota_spent }
}

/// The code where there is one in words, else the type.
fn object_code(error: &Value) -> Option<ProviderCode> {
    ["code", "type", "status"]
        .iter()
        .filter_map(|key| error.get(key)?.as_str())
        .find_map(ProviderCode::parse)
}

#[cfg(test)]
mod tests;
