//! What all changes of a channel have in common.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, ensure};
use nexy_releases::{Channel, Plan, SecretKey, SignedFeeds, Variant, feed};
use serde_json::json;

use super::{
    OutputArgs,
    audit::{Entry, WhoArgs},
    place::{Lock, Place},
    report::{self, Row},
    transaction::{Pause, Transaction},
};
use crate::failure::Usage;

/// Options of everything that changes a channel.
#[derive(clap::Args)]
pub(super) struct ChangeArgs {
    #[command(flatten)]
    pub(super) who: WhoArgs,
    /// Do everything but the change.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// For tests: stop for ever after so many points of the change, so that the
    /// process can be ended there.
    #[arg(long, hide = true, value_name = "POINTS")]
    pause_after: Option<usize>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// A change that is to be made.
pub(super) struct Change {
    /// A verb: publish, promote, halt …
    pub(super) action: &'static str,
    pub(super) channel: Channel,
    pub(super) plan: Plan,
    /// What was looked at.
    pub(super) rows: Vec<Row>,
    /// Files for the downloads folder.
    pub(super) copies: Vec<PathBuf>,
}

/// Signs both feeds of a plan, where there is a key.
///
/// # Errors
/// When it is another key than the one that clients trust.
pub(super) fn sign_feeds(
    plan: &mut Plan,
    channel: Channel,
    place: &Place,
    key: Option<&SecretKey>,
) -> anyhow::Result<()> {
    plan.signed_feeds = None;
    let Some(key) = key else { return Ok(()) };
    ensure!(
        Some(key.public()?) == place.key.map(|trusted| trusted.key),
        Usage("--key is not the private key of update.public_key".to_owned())
    );
    let feed = |variant| {
        let feed = plan.feed(variant, place.info(), channel, None);
        feed.map(|feed| feed::sign(&feed, key))
            .with_context(|| format!("write the feed of {channel}"))
    };
    plan.signed_feeds = Some(SignedFeeds {
        with_release: feed(Variant::With)?,
        without_release: feed(Variant::Without)?,
    });
    Ok(())
}

// === impl Change ===

impl Change {
    /// Makes the change if nothing is amiss, and reports. The lock shows that
    /// nobody else changed anything since it was worked out.
    ///
    /// # Errors
    /// When a step fails or the output is closed.
    pub(super) fn make(
        self,
        place: &Place,
        args: &ChangeArgs,
        _lock: &Lock,
    ) -> anyhow::Result<ExitCode> {
        let Self { action, channel, plan, rows, copies } = self;
        let mut screen = args.output.screen();
        let is_good = report::is_good(&rows);
        let is_made = is_good && !args.dry_run;
        if !args.output.json {
            report::show(&rows, &mut screen)?;
        }
        if is_made {
            let entry = Entry::new(&args.who, action, channel, &plan.release);
            let text = plan.to_json().context("write the manifest")?;
            let manifest = place.manifest_path(channel);
            let mut pause = Pause { after: args.pause_after };
            Transaction { copies, manifest, text, entry }
                .run(place, &mut pause, &mut screen)
                .with_context(|| format!("{action} on {channel}"))?;
        }
        let build = plan.release.build.as_str();
        if args.output.json {
            let more = [
                ("action", json!(action)),
                ("channel", json!(channel)),
                ("build", json!(build)),
                ("done", json!(is_made)),
                ("offered_to", json!(audience(&plan))),
            ];
            screen.line(&report::as_json(&rows, &more))?;
        } else if is_made {
            screen.line(&format!("Done: {action} {build} on {channel}. {}", audience(&plan)))?;
        } else if is_good {
            screen
                .line(&format!("Nothing was changed: {action} {build} on {channel}, dry run."))?;
        } else {
            screen.line(&format!("Refused: {action} {build} on {channel}."))?;
        }
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Who is offered what, as a sentence.
pub(super) fn audience(plan: &Plan) -> String {
    let build = &plan.release.build;
    let others = match &plan.previous {
        Some(previous) => format!("everybody else is offered {}", previous.build),
        None => "everybody else is offered nothing".to_owned(),
    };
    match (&plan.halted, plan.rollout_percent) {
        (Some(_), _) => format!("Nobody is offered {build}; {others}."),
        (None, percent) if percent.is_all() => format!("Everybody is offered {build}."),
        (None, percent) => format!("{percent} are offered {build}; {others}."),
    }
}
