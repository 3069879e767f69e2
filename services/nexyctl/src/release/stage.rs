//! Changes of who is offered a release that is there already.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use nexy_releases::{Channel, Percent, Plan};

use super::{
    change::{self, Change, ChangeArgs},
    gate,
    keys::FeedKeyArgs,
    place::{Place, PlaceArgs},
    publish::percent,
};

/// Offer a channel's release to more installations
///
/// The share only ever rises: to stop, halt.
#[derive(clap::Args)]
pub(super) struct RolloutArgs {
    /// The share of the installations, in percent.
    #[arg(value_parser = percent)]
    percent: Percent,
    #[command(flatten)]
    target: TargetArgs,
}

/// Offer a channel's release to nobody any more
///
/// Whoever has it keeps it. Everybody else is offered the one before. Needs no
/// key: the feed without the release is prepared already.
#[derive(clap::Args)]
pub(super) struct HaltArgs {
    #[command(flatten)]
    target: TargetArgs,
}

/// Offer a halted release again, to those to whom it was offered
#[derive(clap::Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    target: TargetArgs,
}

/// Take a channel's release back for good
///
/// The release before becomes the channel's. Whoever has the one that is taken
/// back keeps it until a build comes that is higher than both.
#[derive(clap::Args)]
pub(super) struct RollbackArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    key: FeedKeyArgs,
}

#[derive(clap::Args)]
struct TargetArgs {
    /// stable, beta or alpha.
    #[arg(long, value_parser = channel)]
    channel: Channel,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn channel(name: &str) -> Result<Channel, String> {
    Channel::from_wire(name).ok_or_else(|| "stable, beta or alpha is meant".to_owned())
}

/// # Errors
/// When the share would fall, or the change cannot be made.
pub(super) fn rollout(args: &RolloutArgs) -> anyhow::Result<ExitCode> {
    args.target.make("rollout", |_, plan| {
        let (old, new) = (plan.rollout_percent, args.percent);
        ensure!(
            new >= old,
            "{new} is less than {old}: that would take it away from some; halt it instead"
        );
        Ok(Plan { rollout_percent: new, ..plan })
    })
}

/// # Errors
/// When it is halted already, or the change cannot be made.
pub(super) fn halt(args: &HaltArgs) -> anyhow::Result<ExitCode> {
    let reason = args.target.change.who.reason.clone();
    args.target.make("halt", |_, plan| {
        ensure!(plan.halted.is_none(), "it is halted already");
        Ok(Plan { halted: Some(reason), ..plan })
    })
}

/// # Errors
/// When it is not halted, or the change cannot be made.
pub(super) fn resume(args: &ResumeArgs) -> anyhow::Result<ExitCode> {
    args.target.make("resume", |_, plan| {
        ensure!(plan.halted.is_some(), "it is not halted");
        Ok(Plan { halted: None, ..plan })
    })
}

/// # Errors
/// When there is no release before, or the change cannot be made.
pub(super) fn rollback(args: &RollbackArgs) -> anyhow::Result<ExitCode> {
    let key = args.key.read()?;
    let channel = args.target.channel;
    args.target.make("rollback to", |place, plan| {
        let withdrawn_build = Some(plan.newest_build().clone());
        let were_signed = plan.signed_feeds.is_some();
        let previous = plan.previous.context("there is no release before it: halt it instead")?;
        ensure!(
            key.is_some() || !were_signed,
            "the feeds are signed: give --key, or halt it, which offers the same without a key"
        );
        let mut plan = Plan { withdrawn_build, ..Plan::new(*previous) };
        change::sign_feeds(&mut plan, channel, place, key.as_ref())?;
        Ok(plan)
    })
}

// === impl TargetArgs ===

impl TargetArgs {
    fn make(
        &self,
        action: &'static str,
        next: impl FnOnce(&Place, Plan) -> anyhow::Result<Plan>,
    ) -> anyhow::Result<ExitCode> {
        let (place, channel) = (self.place.resolve()?, self.channel);
        let lock = place.lock()?;
        let old = place.plan(channel)?;
        let old = old.with_context(|| format!("there is no release on {channel}"))?;
        let plan = next(&place, old.clone())?;
        plan.may_follow(&old).with_context(|| format!("{action} on {channel}"))?;
        let rows = gate::feeds(&plan, channel, &place);
        Change { action, channel, plan, rows, copies: Vec::new() }.make(&place, &self.change, &lock)
    }
}
