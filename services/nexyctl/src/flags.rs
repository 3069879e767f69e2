//! `nexyctl flags`: flags of running services, over their admin routes.
//!
//! The gateway and each worker have flags of their own, so that every one of
//! them is asked; one that does not do as it is told is named, and the others
//! are not undone.

mod report;

use std::{io::Write as _, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use http::{HeaderMap, HeaderValue, Method, header};
use nexy_config::{FlagValue, Settings, Sources};
use nexy_runtime::admin;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use self::report::{Report, Said};
use crate::{
    connection::seconds,
    failure::{Usage, WRONG_CONFIG},
    observe::scrape::Target,
    screen::{Screen, ScreenArgs},
};

/// Show, set and reset flags of running services
///
/// Asks the gateway and every worker. The admin token comes from
/// `NEXY_ADMIN_TOKEN` or the file that `NEXY_ADMIN_TOKEN_FILE` names. Exit code:
/// 0 done everywhere, 1 not everywhere, 2 wrong options, 64 when the
/// configuration is wrong.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Show every flag and where the services disagree
    List(Common),
    /// Set a flag, until it is reset or the service ends
    Set(Set),
    /// Give a flag the value of the configuration back
    Reset(Reset),
}

#[derive(clap::Args)]
struct Set {
    /// Its key, or the last part of it.
    #[arg(value_parser = name)]
    name: String,
    /// `on`, `off`, or for a feature a share of the devices such as `25%`.
    #[arg(value_parser = value)]
    value: FlagValue,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Reset {
    /// Its key, or the last part of it.
    #[arg(value_parser = name)]
    name: String,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    common: Common,
}

/// For the audit log of the services.
#[derive(clap::Args)]
struct Why {
    /// Who you are, for the decision log.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why, for the decision log.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(clap::Args)]
struct Common {
    /// A gateway's HTTP port; may be repeated.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    gateway: Vec<Target>,
    /// A worker's HTTP port; may be repeated.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8082")]
    worker: Vec<Target>,
    /// The longest wait for a service, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = seconds)]
    timeout: f64,
    /// The overlay file. Default: the one that `NEXY_CONFIG` names.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One JSON object, for scripts.
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// What every service is asked.
struct Request {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: String,
}

const FLAGS: &str = "/admin/flags";

/// # Errors
/// When there is no token, or the output is closed.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let no_one = Why { by: None, reason: None };
    let (common, why, method, name, body) = match args.action {
        Action::List(common) => (common, no_one, Method::GET, None, String::new()),
        Action::Set(Set { name, value, why, common }) => {
            (common, why, Method::PUT, Some(name), json!(value).to_string())
        }
        Action::Reset(Reset { name, why, common }) => {
            (common, why, Method::DELETE, Some(name), String::new())
        }
    };
    let sources = Sources::from_process(common.config.clone(), Vec::new());
    let token = match Settings::load(&sources) {
        Ok((settings, _)) => settings.admin.token,
        Err(problems) => {
            writeln!(std::io::stderr(), "{problems}").context("report the configuration")?;
            return Ok(ExitCode::from(WRONG_CONFIG));
        }
    };
    let token = token.ok_or_else(|| {
        Usage("the admin token is needed, in NEXY_ADMIN_TOKEN or NEXY_ADMIN_TOKEN_FILE".to_owned())
    })?;
    let path = name.map_or_else(|| FLAGS.to_owned(), |name| format!("{FLAGS}/{name}"));
    let headers = headers(&token, &why)?;
    let report = ask_all(&common, &Request { method, path, headers, body }).await;
    let mut screen = Screen::stdout(&common.screen);
    if common.json {
        screen.line(&report.json().to_string())?;
    } else {
        report.text(screen.look()).iter().try_for_each(|line| screen.line(line))?;
    }
    Ok(if report.is_done() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One after the other: there are few, and what is set is set in this order.
async fn ask_all(common: &Common, request: &Request) -> Report {
    let patience = Duration::from_secs_f64(common.timeout);
    let mut said = Vec::new();
    for target in common.gateway.iter().chain(&common.worker) {
        let answer = request.send(target, patience).await;
        said.push((target.origin().to_owned(), Said::of(answer)));
    }
    Report { said, is_list: request.method == Method::GET }
}

fn headers(token: &SecretString, why: &Why) -> anyhow::Result<HeaderMap> {
    let bearer = format!("Bearer {}", token.expose_secret());
    let mut bearer = HeaderValue::from_str(&bearer).context("send the admin token")?;
    bearer.set_sensitive(true);
    let mut headers = HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]);
    for (name, text) in [(admin::BY, &why.by), (admin::REASON, &why.reason)] {
        let Some(text) = text else { continue };
        let value = HeaderValue::from_bytes(text.as_bytes())
            .map_err(|_| Usage("--by and --reason are one line of text each".to_owned()))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// A name that can stand in a path.
fn name(text: &str) -> Result<String, String> {
    let is_name = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '.');
    if text.is_empty() || !text.chars().all(is_name) {
        return Err("a flag such as forward_assistant_actions".to_owned());
    }
    Ok(text.to_owned())
}

fn value(text: &str) -> Result<FlagValue, String> {
    let percent = |text: &str| text.parse().ok().filter(|percent| *percent <= 100);
    match text {
        "on" | "true" => Ok(FlagValue::Switch(true)),
        "off" | "false" => Ok(FlagValue::Switch(false)),
        text => text
            .strip_suffix('%')
            .and_then(percent)
            .map(FlagValue::Percent)
            .ok_or_else(|| "on, off, or a share such as 25%".to_owned()),
    }
}

// === impl Request ===

impl Request {
    async fn send(
        &self,
        target: &Target,
        patience: Duration,
    ) -> anyhow::Result<crate::connection::Answer> {
        let Self { method, path, headers, body } = self;
        target.http(patience)?.ask(method.clone(), path, headers.clone(), body.clone()).await
    }
}

#[cfg(test)]
mod tests;
