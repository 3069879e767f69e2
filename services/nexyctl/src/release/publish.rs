use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
use nexy_releases::{AppInfo, Channel, Manifest, Percent, Plan, Problem, PublicKey};

use super::{
    OutputArgs, approve,
    audit::{self, Entry, Log, State},
    change::{self, Change, ChangeArgs},
    gate::{self, Proposal},
    keys::FeedKeyArgs,
    place::{Place, PlaceArgs, refusal},
    remote::RemoteArgs,
    report,
};
use crate::failure::Usage;

/// Publish a release on the beta or alpha channel
///
/// The gate runs first and refuses whatever is amiss. The stable channel is
/// reached by `promote` only.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    release: ReleaseArgs,
    #[command(flatten)]
    terms: TermsArgs,
    #[command(flatten)]
    key: FeedKeyArgs,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Look at everything that publishing looks at, and change nothing
#[derive(clap::Args)]
pub(super) struct GateArgs {
    #[command(flatten)]
    release: ReleaseArgs,
    #[command(flatten)]
    terms: TermsArgs,
    #[command(flatten)]
    key: FeedKeyArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Offer a channel's release on the next calmer channel
///
/// From alpha to beta, or from beta to stable. The gate runs again.
#[derive(clap::Args)]
pub(super) struct PromoteArgs {
    /// The channel that has the release.
    #[arg(long, default_value = "beta", value_parser = source)]
    from: Channel,
    #[command(flatten)]
    terms: TermsArgs,
    #[command(flatten)]
    key: FeedKeyArgs,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// A release that is published for the first time.
#[derive(clap::Args)]
struct ReleaseArgs {
    /// The manifest of the release.
    #[arg(value_name = "MANIFEST")]
    manifest: PathBuf,
    /// The folder with its files. Default: the manifest's own.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// beta or alpha.
    #[arg(long, value_parser = target)]
    channel: Channel,
    /// The app itself, or its Info.plist: compare what it says with the manifest.
    #[arg(long, value_name = "PATH")]
    app: Option<PathBuf>,
    /// The public key that the app carries, where that is not the one that this
    /// release is signed with: keys are being changed.
    #[arg(long, value_name = "BASE64", requires = "app", value_parser = public_key)]
    app_key: Option<PublicKey>,
}

/// On which terms a release is offered.
#[derive(clap::Args)]
struct TermsArgs {
    /// The share of the installations that are offered it, in percent.
    #[arg(long, value_name = "PERCENT", default_value = "100", value_parser = percent)]
    rollout: Percent,
    /// Another release date: `now`, or as in a manifest.
    #[arg(long, value_name = "DATE", value_parser = date)]
    release_date: Option<Timestamp>,
    /// Every client has Sparkle 2.9 or later, which knows about processors.
    #[arg(long)]
    clients_know_hardware: bool,
}

fn target(name: &str) -> Result<Channel, String> {
    match Channel::from_wire(name) {
        Some(Channel::Stable) => {
            Err("a release becomes stable by promotion: publish it on beta, then promote"
                .to_owned())
        }
        Some(channel) => Ok(channel),
        None => Err("beta or alpha is meant".to_owned()),
    }
}

fn source(name: &str) -> Result<Channel, String> {
    match Channel::from_wire(name) {
        Some(channel @ (Channel::Beta | Channel::Alpha)) => Ok(channel),
        Some(Channel::Stable) | None => Err("beta or alpha is meant".to_owned()),
    }
}

pub(super) fn percent(text: &str) -> Result<Percent, String> {
    let number = text.trim_end_matches('%').trim().parse().ok();
    let percent = number.and_then(|number| Percent::new(number).ok());
    percent.ok_or_else(|| "a whole number from 0 to 100 is meant".to_owned())
}

fn date(text: &str) -> Result<Timestamp, String> {
    match text {
        // In whole seconds, as a manifest and a feed have it.
        "now" => {
            Timestamp::from_second(Timestamp::now().as_second()).map_err(|error| error.to_string())
        }
        text => text.parse().map_err(|_| "now is meant, or e.g. 2026-02-26T19:57:35Z".to_owned()),
    }
}

fn public_key(text: &str) -> Result<PublicKey, String> {
    PublicKey::parse(text).map_err(|problem| problem.reason)
}

/// # Errors
/// When something could not be found out or done.
pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let place = args.place.resolve()?;
    let lock = place.lock()?;
    let channel = args.release.channel;
    let Read { manifest, unknown } = read(&args.release.manifest)?;
    let manifest = args.terms.apply(manifest);
    let old = place.plan(channel)?;
    if let Some(old) = old.as_ref().filter(|old| old.release == manifest) {
        return already_there(&args.change, &place, channel, old);
    }
    let mut plan = successor(old.as_ref(), manifest, args.terms.rollout);
    change::sign_feeds(&mut plan, channel, &place, args.key.read()?.as_ref())?;
    let (files, app) = (args.release.files(), args.release.app()?);
    let proposal = Proposal {
        channel,
        plan: &plan,
        old: old.as_ref(),
        files: Some(&files),
        unknown: &unknown,
        clients_know_hardware: args.terms.clients_know_hardware,
        app: app.as_ref().map(|app| (app, args.release.app_key(&place))),
        now: Timestamp::now(),
    };
    let mut screen = args.change.output.screen();
    let rows = gate::inspect(&proposal, &place, &args.remote.resolve()?, &mut screen).await?;
    let copies = copies(&plan.release, &place, &files);
    Change { action: "publish", channel, plan, rows, copies }.make(&place, &args.change, &lock)
}

/// # Errors
/// When something could not be found out.
pub(super) async fn gate(args: GateArgs) -> anyhow::Result<ExitCode> {
    let place = args.place.resolve()?;
    let channel = args.release.channel;
    let Read { manifest, unknown } = read(&args.release.manifest)?;
    let old = place.plan(channel)?;
    let manifest = args.terms.apply(manifest);
    let mut plan = successor(old.as_ref(), manifest, args.terms.rollout);
    change::sign_feeds(&mut plan, channel, &place, args.key.read()?.as_ref())?;
    let (files, app) = (args.release.files(), args.release.app()?);
    let proposal = Proposal {
        channel,
        plan: &plan,
        old: old.as_ref(),
        files: Some(&files),
        unknown: &unknown,
        clients_know_hardware: args.terms.clients_know_hardware,
        app: app.as_ref().map(|app| (app, args.release.app_key(&place))),
        now: Timestamp::now(),
    };
    let mut screen = args.output.screen();
    let rows = gate::inspect(&proposal, &place, &args.remote.resolve()?, &mut screen).await?;
    match args.output.json {
        true => screen.line(&report::as_json(&rows, &[]))?,
        false => report::show(&rows, &mut screen)?,
    }
    Ok(if report::is_good(&rows) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// # Errors
/// When something could not be found out or done.
pub(super) async fn promote(args: PromoteArgs) -> anyhow::Result<ExitCode> {
    let place = args.place.resolve()?;
    let lock = place.lock()?;
    let from = args.from;
    let channel = if from == Channel::Alpha { Channel::Beta } else { Channel::Stable };
    let Some(source) = place.plan(from)? else {
        bail!("there is no release on {from} to promote");
    };
    ensure!(source.halted.is_none(), "the release on {from} is halted: it cannot be promoted");
    let approved = approve::count(&place, &source.release, from, &args.change.who.by)?;
    let unknown = Plan::unknown_keys(&place.manifest_text(from)?.unwrap_or_default());
    let manifest = args.terms.apply(source.release);
    let old = place.plan(channel)?;
    if let Some(old) = old.as_ref().filter(|old| old.release == manifest) {
        return already_there(&args.change, &place, channel, old);
    }
    let mut plan = successor(old.as_ref(), manifest, args.terms.rollout);
    change::sign_feeds(&mut plan, channel, &place, args.key.read()?.as_ref())?;
    let proposal = Proposal {
        channel,
        plan: &plan,
        old: old.as_ref(),
        files: None,
        unknown: &unknown,
        clients_know_hardware: args.terms.clients_know_hardware,
        app: None,
        now: Timestamp::now(),
    };
    let mut screen = args.change.output.screen();
    let mut rows = gate::inspect(&proposal, &place, &args.remote.resolve()?, &mut screen).await?;
    if channel == Channel::Stable {
        rows.push(approve::row(&approved, place.approvals_required));
    }
    let change = Change { action: "promote", channel, plan, rows, copies: Vec::new() };
    change.make(&place, &args.change, &lock)
}

// === impl ReleaseArgs ===

impl ReleaseArgs {
    fn files(&self) -> PathBuf {
        let own = || self.manifest.parent().map(Path::to_owned).unwrap_or_default();
        self.files.clone().unwrap_or_else(own)
    }

    fn app(&self) -> anyhow::Result<Option<AppInfo>> {
        let Some(path) = &self.app else { return Ok(None) };
        let inside = path.join("Contents/Info.plist");
        let path = if path.is_dir() { &inside } else { path };
        let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let app = AppInfo::parse(&bytes).map_err(|problem| refusal(path, &[problem]))?;
        Ok(Some(app))
    }

    fn app_key(&self, place: &Place) -> Option<PublicKey> {
        self.app_key.or_else(|| place.key.map(|trusted| trusted.key))
    }
}

// === impl TermsArgs ===

impl TermsArgs {
    fn apply(&self, manifest: Manifest) -> Manifest {
        Manifest { release_date: self.release_date.unwrap_or(manifest.release_date), ..manifest }
    }
}

/// A manifest from a file.
struct Read {
    manifest: Manifest,
    unknown: Vec<Problem>,
}

fn read(path: &Path) -> anyhow::Result<Read> {
    let text = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let plan = Plan::parse(&text).map_err(|problems| refusal(path, &problems))?;
    let unknown = Plan::unknown_keys(&text);
    if plan != Plan::new(plan.release.clone()) {
        let reason = "a manifest to publish says nothing about its roll-out: use the options";
        return Err(Usage(format!("{}: {reason}", path.display())).into());
    }
    Ok(Read { manifest: plan.release, unknown })
}

/// The plan that offers a release, with what everybody had before behind it.
fn successor(old: Option<&Plan>, release: Manifest, rollout_percent: Percent) -> Plan {
    // A release that some did not get, or that was halted, is not what the
    // others are offered meanwhile.
    let previous = old.and_then(|old| match old.halted.is_none() && old.rollout_percent.is_all() {
        true => Some(Box::new(old.release.clone())),
        false => old.previous.clone(),
    });
    Plan { rollout_percent, previous, ..Plan::new(release) }
}

/// The files of a release that have to be brought to the downloads.
fn copies(release: &Manifest, place: &Place, files: &Path) -> Vec<PathBuf> {
    let claims = release.claims().into_iter();
    claims
        .filter(|claim| place.serves(&claim.url))
        .map(|claim| claim.file_name)
        .filter(|name| !place.downloads.join(name.as_str()).is_file())
        .map(|name| files.join(name.as_str()))
        .collect()
}

/// Ends what was interrupted after its last step that matters.
fn already_there(
    args: &ChangeArgs,
    place: &Place,
    channel: Channel,
    plan: &Plan,
) -> anyhow::Result<ExitCode> {
    let path = place.audit_path();
    let log = Log::read(&path).with_context(|| format!("read {}", path.display()))?;
    let build = plan.release.build.to_string();
    let is_open = |entry: &&Entry| entry.build == build && entry.channel == channel.as_str();
    if let Some(begun) = log.interrupted().find(is_open).filter(|_| !args.dry_run) {
        let done = Entry { state: State::Done, ..begun.clone() };
        audit::append(&path, done).with_context(|| format!("write {}", path.display()))?;
    }
    let rows = [report::Row::ok("build", format!("{build} is on {channel} already"))];
    let mut screen = args.output.screen();
    match args.output.json {
        true => screen.line(&report::as_json(&rows, &[("done", false.into())]))?,
        false => screen.line(&format!("{build} is on {channel} already. Nothing was changed."))?,
    }
    Ok(ExitCode::SUCCESS)
}
