use std::time::Duration;

use serde_json::Value;

use crate::connection::Connection;

/// Nobody waits long for an aside.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a person who waits for actions has to know, if anything; from
/// `/status`. A server that does not say is no reason to fail.
pub(crate) async fn ask(connection: &Connection) -> Option<String> {
    let http = connection.http().ok()?;
    let answer = tokio::time::timeout(PATIENCE, http.get("/status")).await.ok()?.ok()?;
    sentence(&answer.json().ok()?)
}

fn sentence(status: &Value) -> Option<String> {
    if status["kill_switches"]["disable_forward_assistant_actions"] == Value::Bool(true) {
        return Some("Actions are not forwarded: their kill switch is on.".to_owned());
    }
    let flag = &status["flags"]["forward_assistant_actions"];
    match (flag, flag["percent"].as_u64()) {
        (Value::Bool(false), _) | (_, Some(0)) => Some(
            "Actions are not forwarded by this server \
             (FORWARD_ASSISTANT_ACTIONS=true turns it on)."
                .to_owned(),
        ),
        (_, Some(percent)) if percent < 100 => {
            Some(format!("Actions are forwarded to {percent} % of the devices only."))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
