use std::{collections::BTreeSet, process::ExitCode};

use anyhow::Context as _;
use nexy_releases::{Channel, Manifest};
use serde_json::json;

use super::{
    OutputArgs,
    audit::{self, Entry, Log, State, WhoArgs, digest_of},
    place::{Place, PlaceArgs},
    report::Row,
    stage::channel,
};

/// Approve of a release, before it is promoted
///
/// The approval is about exactly this release: another file or another
/// condition needs another one.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The channel that has the release.
    #[arg(long, value_parser = channel)]
    channel: Channel,
    #[command(flatten)]
    who: WhoArgs,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

const ACTION: &str = "approve";

/// # Errors
/// When there is no release, or the log cannot be written.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let place = args.place.resolve()?;
    let _lock = place.lock()?;
    let plan = place.plan(args.channel)?;
    let plan = plan.with_context(|| format!("there is no release on {}", args.channel))?;
    let entry = Entry::new(&args.who, ACTION, args.channel, &plan.release);
    let entry = Entry { state: State::Done, ..entry };
    let path = place.audit_path();
    audit::append(&path, entry).with_context(|| format!("write {}", path.display()))?;
    let (by, build) = (&args.who.by, &plan.release.build);
    let text = match args.output.json {
        true => json!({ "approved": build, "channel": args.channel, "by": by }).to_string(),
        false => format!("{by} approves of {build} on {}.", args.channel),
    };
    args.output.screen().line(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Who approved of a release, besides the one who acts.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn count(
    place: &Place,
    release: &Manifest,
    channel: Channel,
    by: &str,
) -> anyhow::Result<BTreeSet<String>> {
    let path = place.audit_path();
    let log = Log::read(&path).with_context(|| format!("read {}", path.display()))?;
    let digest = digest_of(release);
    let approvals = log.entries.into_iter().filter(|entry| {
        entry.action == ACTION
            && entry.channel == channel.as_str()
            && entry.release == digest
            && entry.by != by
    });
    Ok(approvals.map(|entry| entry.by).collect())
}

/// Whether enough have approved.
pub(super) fn row(approved: &BTreeSet<String>, required: usize) -> Row {
    let names = approved.iter().cloned().collect::<Vec<_>>().join(", ");
    let detail = format!("{} of {required} others: {names}", approved.len());
    match approved.len() >= required {
        true => Row::ok("approvals", detail.trim_end_matches([':', ' '])),
        false => Row::miss("approvals", detail.trim_end_matches([':', ' '])),
    }
}
