//! `nexyctl guardrails`: whether what was measured lets a roll-out go on.
//!
//! What is read becomes [`figures::Figures`], whether from logs or from metrics;
//! `rules` holds them against the limits of the configuration. Whatever keeps it
//! from judging is exit code 2: nothing is passed because it was not looked at.

mod baseline;
mod figures;
mod from_log;
mod from_metrics;
mod limits;
mod report;
mod rules;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;

use self::{figures::Figures, limits::Limits, report::Report};
use crate::{
    connection::seconds,
    observe::{
        decision_log::Input,
        scrape::Target,
        span::{span, written},
    },
    screen::{Screen, ScreenArgs},
};

/// Judge what was measured: may a roll-out go on?
///
/// Holds a decision log, or the metrics of running services, against the limits
/// of the section guardrails of the configuration. A warning lets it go on. Exit
/// code: 0 go, 1 no go, 2 it cannot be told, for whatever reason.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Decision logs, those of the gateway and of the workers; - is the standard
    /// input.
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "metrics")]
    log: Vec<PathBuf>,
    /// The HTTP ports of the gateways and of the workers, with or without
    /// /metrics.
    #[arg(long, value_name = "URL", num_args = 1.., conflicts_with = "log")]
    metrics: Vec<Target>,
    /// Only so much time, e.g. 90s, 10m, 24h: of a log what is before its last
    /// line (else all of it); of metrics, how long to watch them (else all since
    /// the services started).
    #[arg(long, value_name = "SPAN", value_parser = span)]
    window: Option<Duration>,
    /// What to compare with: a log of an earlier time, or what --json printed
    /// then.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// The share of users, in percent, that the roll-out has reached: says what
    /// the next step is.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    ramp: Option<u8>,
    /// An overlay file over the compiled-in configuration (else `NEXY_CONFIG`).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The longest wait for a page of metrics, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    timeout: f64,
    /// One JSON object, for scripts and for --baseline.
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// # Errors
/// When the output cannot be written, unless nobody reads it any more.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut screen = Screen::stdout(&args.screen);
    if let Some(window) = args.window.filter(|_| !args.metrics.is_empty() && !args.json) {
        // Only people who watch see it.
        let _unseen = screen.progress(&format!("Watching for {} …", written(window)));
    }
    let report = match evaluate(&args).await {
        Ok(report) => report,
        Err(error) => Report::cannot_tell(format!("{error:#}")),
    };
    let shown = if args.json {
        screen.line(&report.json().to_string())
    } else {
        report.text(screen.look()).iter().try_for_each(|line| screen.line(line))
    };
    match shown {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Ok(report::unshown()),
        Ok(()) | Err(_) => Ok(report.exit()),
    }
}

async fn evaluate(args: &Args) -> anyhow::Result<Report> {
    let limits = limits(args.config.clone())?;
    let baseline = match &args.baseline {
        Some(file) => baseline::read(file, &limits)
            .with_context(|| format!("read the baseline {}", file.display()))?,
        None => Err("no --baseline was given".to_owned()),
    };
    let evidence = if args.metrics.is_empty() {
        from_log::read(&mut Input::open_all(&args.log)?, args.window, &limits)?
    } else {
        from_metrics::read(&args.metrics, args.window, Duration::from_secs_f64(args.timeout))
            .await?
    };
    let rules = rules::judge(&evidence, &baseline, &limits);
    Ok(Report::new(evidence, rules, &limits, args.ramp))
}

fn limits(config: Option<PathBuf>) -> anyhow::Result<Limits> {
    let sources = nexy_config::Sources::from_process(config, Vec::new());
    match nexy_config::Settings::load(&sources) {
        Ok((settings, _)) => Ok(Limits::from(&settings)),
        Err(problems) => anyhow::bail!("the configuration is wrong: {problems}"),
    }
}

/// What a share is compared with, or why there is nothing to compare with.
type Baseline = Result<Figures, String>;

#[cfg(test)]
mod tests;
