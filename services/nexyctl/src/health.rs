//! `nexyctl health`: how a server and its parts are doing.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::{
    connection::{Answer, ConnectionArgs},
    screen::{Look, Screen, ScreenArgs, Tone, clean, table},
};

/// Show how a server and its modules are doing
///
/// Exit code: 0 healthy, 1 not, 2 wrong options.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Both answers as one JSON object, for scripts.
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// # Errors
/// When the server cannot be reached, an option makes no sense, or the output
/// is closed.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let http = args.connection.resolve()?.http()?;
    let health = http.get("/health").await?;
    let status = http.get("/status").await?;
    let healthy = is_healthy(&health);
    let mut screen = Screen::stdout(&args.screen);
    if args.json {
        let both = json!({
            "healthy": healthy,
            "health": health.json().ok(),
            "status": status.json().ok(),
        });
        screen.line(&both.to_string())?;
    } else {
        for line in report(&health, &status, screen.look()) {
            screen.line(&line)?;
        }
    }
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_healthy(health: &Answer) -> bool {
    health.status == 200 && health.json().is_ok_and(|json| json["status"] == "OK")
}

fn report(health: &Answer, status: &Answer, look: Look) -> Vec<String> {
    let mut lines = vec![headline(health, look)];
    let Ok(status) = status.json() else {
        lines.push(format!("/status answered HTTP {} and no JSON.", status.status));
        return lines;
    };
    let streams = (status["active_streams"].as_u64(), status["max_streams"].as_u64());
    if let (Some(active), Some(most)) = streams {
        lines.push(format!("{active} of {most} streams in use."));
    }
    let mut rows = modules_of("gateway", &status["modules"]);
    for worker in status["workers"].as_array().into_iter().flatten() {
        let name = format!("worker {}", text(&worker["addr"]));
        rows.push(row(&name, worker));
        rows.extend(modules_of(&name, &worker["modules"]));
    }
    lines.extend(match look {
        Look::Plain => rows.iter().map(|row| format!("{}.", row.join(" ").trim_end())).collect(),
        Look::Piped | Look::Terminal(_) => table(&rows),
    });
    lines
}

fn headline(health: &Answer, look: Look) -> String {
    let json = health.json().unwrap_or(Value::Null);
    let version = match json["version"].as_str() {
        Some(version) => format!(" Version {}.", clean(version)),
        None => String::new(),
    };
    if is_healthy(health) {
        return format!("{}{version}", look.paint(Tone::Good, "Healthy."));
    }
    let reason = match json["reason"].as_str() {
        Some(reason) => clean(reason),
        None => format!("HTTP {}", health.status),
    };
    format!("{}{version}", look.paint(Tone::Bad, &format!("Not healthy: {reason}.")))
}

fn modules_of(owner: &str, modules: &Value) -> Vec<Vec<String>> {
    let modules = modules.as_array().into_iter().flatten();
    modules.map(|module| row(&format!("{owner} / {}", text(&module["name"])), module)).collect()
}

fn row(name: &str, part: &Value) -> Vec<String> {
    let mut row = vec![clean(name), text(&part["state"])];
    row.extend(part["reason"].as_str().map(clean));
    row
}

fn text(value: &Value) -> String {
    clean(value.as_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests;
