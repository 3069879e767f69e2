//! Everything that must hold before a release leaves the building.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nexy_releases::{
    AppInfo, Architecture, Artifact, Channel, Claim, Manifest, Plan, Problem, PublicKey, Variant,
    client::{Client, Occasion, Processor, Skipped, explain},
    feed,
    version::compare,
};

use super::{bytes, place::Place, remote::Remote, report::Row};
use crate::screen::Screen;

mod pages;

pub(super) use pages::rows as pages;

/// What is to be served on a channel.
pub(super) struct Proposal<'a> {
    pub(super) channel: Channel,
    pub(super) plan: &'a Plan,
    /// What the channel serves now.
    pub(super) old: Option<&'a Plan>,
    /// The folder with the files that are not among the downloads yet.
    pub(super) files: Option<&'a Path>,
    /// Keys of the manifest that mean nothing.
    pub(super) unknown: &'a [Problem],
    /// Whether every client is known to understand hardware requirements.
    pub(super) clients_know_hardware: bool,
    /// What the app says of itself, and the key that it must verify with; none
    /// where that was looked at before.
    pub(super) app: Option<(&'a AppInfo, Option<PublicKey>)>,
    pub(super) now: Timestamp,
}

/// Further ahead of the clock no release is dated: two hours, for clocks and
/// zones that are a little wrong.
const AHEAD: i64 = 2 * 3_600;
/// Sparkle's groups.
const GROUPS: i64 = 7;

/// Looks at all of it, also after something is amiss.
///
/// # Errors
/// When a file cannot be read.
pub(super) async fn inspect(
    proposal: &Proposal<'_>,
    place: &Place,
    remote: &Remote,
    screen: &mut Screen,
) -> anyhow::Result<Vec<Row>> {
    let release = &proposal.plan.release;
    let mut rows = vec![
        Row::of("manifest", known_keys(proposal)),
        Row::of("build", newer(proposal)),
        Row::of("release date", dated(proposal)),
        Row::of("phasing", phased(proposal)),
        Row::of("processors", processors(proposal)),
        Row::of("file names", named(release)),
    ];
    rows.extend(proposal.app.map(|(app, key)| Row::of("app", itself(proposal, app, key.as_ref()))));
    rows.extend(claims(proposal, place, remote, screen).await?);
    rows.extend(pages(release, place, remote).await);
    rows.extend(feeds(proposal.plan, proposal.channel, place));
    rows.push(Row::of("signed feeds", signed(proposal, place)));
    rows.push(Row::of("clients", offered(proposal, place)));
    Ok(rows)
}

/// The rows about what is rendered and served.
pub(super) fn feeds(plan: &Plan, channel: Channel, place: &Place) -> Vec<Row> {
    let row = |variant, what: &str| {
        let feed = plan.feed(variant, place.info(), channel, place.key.as_ref());
        let accepted = feed.map(|feed| format!("accepted, {} bytes", feed.len()));
        Row::of(what, accepted.map_err(|problem| problem.to_string()))
    };
    vec![row(Variant::With, "feed with the release"), row(Variant::Without, "feed without it")]
}

/// The row about one file of a plan.
///
/// # Errors
/// When a file is there and cannot be read.
pub(super) async fn claim(
    claim: &Claim,
    found: Option<PathBuf>,
    (place, remote): (&Place, Option<&Remote>),
    screen: &mut Screen,
) -> anyhow::Result<Row> {
    let what = claim.key.as_str();
    let Some(key) = place.key.as_ref() else {
        return Ok(Row::miss(what, "update.public_key is not set: nothing can be verified"));
    };
    let good = |found: &str| format!("length, digest and signature {found}");
    let result = match (found, remote) {
        (Some(path), _) => bytes::compare(&path, claim, Some(key), screen)
            .map_err(|error| anyhow::anyhow!("read {}: {error}", path.display()))?
            .map(|()| good("of the file here")),
        (None, _) if place.serves(&claim.url) => {
            let reason = format!("{} is neither given nor among the downloads", claim.file_name);
            Err(vec![Problem::new(format!("{}.url", claim.key), reason)])
        }
        (None, Some(remote)) => {
            remote.compare(claim, Some(key), screen).await.map(|found| good(&found))
        }
        (None, None) => {
            return Ok(Row::skipped(what, format!("{} lies elsewhere", claim.file_name)));
        }
    };
    Ok(Row::of(what, result.map_err(|problems| joined(&problems))))
}

async fn claims(
    proposal: &Proposal<'_>,
    place: &Place,
    remote: &Remote,
    screen: &mut Screen,
) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for one in proposal.plan.claims() {
        let found = locate(&one, place, proposal.files);
        let mut row = claim(&one, found, (place, Some(remote)), screen).await?;
        if let Some(problem) = differs_from_download(&one, place, proposal.files, screen)? {
            row = Row::miss(row.what, problem);
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Where the bytes of a claim are: given, or among the downloads.
pub(super) fn locate(claim: &Claim, place: &Place, files: Option<&Path>) -> Option<PathBuf> {
    let name = claim.file_name.as_str();
    let given = files.map(|files| files.join(name)).filter(|path| path.is_file());
    let stored = Some(place.downloads.join(name)).filter(|path| path.is_file());
    given.or(stored)
}

/// Downloads are cached for ever under their names.
fn differs_from_download(
    claim: &Claim,
    place: &Place,
    files: Option<&Path>,
    screen: &mut Screen,
) -> anyhow::Result<Option<String>> {
    let name = claim.file_name.as_str();
    let stored = place.downloads.join(name);
    if files.is_none_or(|files| !files.join(name).is_file()) || !stored.is_file() {
        return Ok(None);
    }
    let same = bytes::compare(&stored, claim, None, screen)?;
    Ok(same.err().map(|_| format!("another {name} is among the downloads: give it a new name")))
}

/// What is built into the app is what counts for clients that have it.
fn itself(
    proposal: &Proposal<'_>,
    app: &AppInfo,
    key: Option<&PublicKey>,
) -> Result<String, String> {
    let found = app.contradictions(&proposal.plan.release, key);
    if !found.is_empty() {
        return Err(joined(&found));
    }
    if app.requires_signed_feed && proposal.plan.signed_feeds.is_none() {
        return Err("it requires signed feeds (SURequireSignedFeed): give --key".to_owned());
    }
    Ok(format!("is {}, build {}", app.version, app.build))
}

fn known_keys(proposal: &Proposal<'_>) -> Result<String, String> {
    match proposal.unknown {
        [] => Ok("every key has a meaning".to_owned()),
        unknown => Err(joined(unknown)),
    }
}

fn newer(proposal: &Proposal<'_>) -> Result<String, String> {
    let build = &proposal.plan.release.build;
    let Some(old) = proposal.old else { return Ok(format!("{build} is the first")) };
    let newest = old.newest_build();
    match build > newest {
        true => Ok(format!("{build} is newer than {newest}")),
        false => Err(format!("{build} must be newer than {newest}, which was offered already")),
    }
}

fn dated(proposal: &Proposal<'_>) -> Result<String, String> {
    let date = proposal.plan.release.release_date;
    if date.as_second() > proposal.now.as_second() + AHEAD {
        return Err(format!("{date} is in the future"));
    }
    match proposal.old.map(|old| old.release.release_date) {
        // Some readers of feeds go by dates.
        Some(before) if before > date => Err(format!("{date} is before {before} of the last one")),
        _ => Ok(date.to_string()),
    }
}

fn phased(proposal: &Proposal<'_>) -> Result<String, String> {
    let release = &proposal.plan.release;
    let Some(interval) = release.phased_rollout_interval else {
        return Ok("none: everybody who is offered it gets it at once".to_owned());
    };
    let interval = i64::try_from(interval).unwrap_or(i64::MAX);
    let end = release.release_date.as_second().saturating_add(interval.saturating_mul(GROUPS - 1));
    if end <= proposal.now.as_second() {
        let reason = "would be over at once, because it counts from the release date: give \
                      --release-date now";
        return Err(reason.to_owned());
    }
    Ok(format!("{GROUPS} groups, {interval} s apart"))
}

/// Before 2.9 Sparkle knows nothing of processors, and gives an Intel Mac what
/// it cannot run.
fn processors(proposal: &Proposal<'_>) -> Result<String, String> {
    let release = &proposal.plan.release;
    let is_risky = |artifact: &Artifact| {
        artifact.arch == Architecture::Arm64 && compare(artifact.min_os.as_str(), "27.0").is_lt()
    };
    if release.artifacts().any(is_risky) && !proposal.clients_know_hardware {
        let reason = "an artifact is for Apple's processors only, and clients before Sparkle 2.9 \
                      give it to Intel Macs, too: say --clients-know-hardware if there are none";
        return Err(reason.to_owned());
    }
    let all: Vec<_> = release.artifacts().map(|artifact| artifact.arch.as_str()).collect();
    Ok(all.join(", "))
}

/// A name with another version in it is most likely another file.
fn named(release: &Manifest) -> Result<String, String> {
    let known = [release.version.as_str(), release.build.as_str()];
    for claim in release.claims().iter().filter(|claim| !claim.key.contains("deltas")) {
        let name = claim.file_name.as_str();
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let mut parts = name.split(|c| !is_number(c)).map(|part| part.trim_matches('.'));
        let has_version = parts.any(|part| part.contains('.'));
        if has_version && !known.iter().any(|version| name.contains(version)) {
            return Err(format!("{name} names another version than {}", release.version));
        }
    }
    Ok("fit the version".to_owned())
}

fn signed(proposal: &Proposal<'_>, place: &Place) -> Result<String, String> {
    let were_signed = proposal.old.is_some_and(|old| old.signed_feeds.is_some());
    match &proposal.plan.signed_feeds {
        Some(_) => Ok("both verify".to_owned()),
        None if place.signed_feeds_required => {
            Err("are required by update.signed_feeds_required: give --key".to_owned())
        }
        None if were_signed => {
            Err("the feeds were signed, and would not be any more: give --key".to_owned())
        }
        None => Ok("none, and none are required".to_owned()),
    }
}

/// Whether a client of each kind that the release is for would be offered it.
fn offered(proposal: &Proposal<'_>, place: &Place) -> Result<String, String> {
    let release = &proposal.plan.release;
    let (channel, key) = (proposal.channel, place.key.as_ref());
    let feed = proposal.plan.feed(Variant::With, place.info(), channel, key);
    let items = feed.and_then(|feed| feed::check(&feed)).map_err(|problem| problem.to_string())?;
    let before = proposal.old.and_then(Plan::current);
    let version = before.map_or("0.0", |before| before.build.as_str());
    for artifact in release.artifacts() {
        let client = Client {
            version: version.to_owned(),
            os: artifact.min_os.to_string(),
            processor: match artifact.arch {
                Architecture::X86_64 | Architecture::Universal2 => Processor::X86_64,
                Architecture::Arm64 => Processor::Arm64,
            },
            channels: vec![channel.to_string()],
            occasion: Occasion::Asked,
            skipped: Skipped::default(),
            knows_2_9: true,
        };
        let explanation = explain(&items, &client, proposal.now);
        if explanation.offered.is_none() {
            let reasons: Vec<_> =
                explanation.fates.into_iter().flat_map(|fate| fate.reasons).collect();
            let (os, arch) = (&client.os, artifact.arch.as_str());
            let why = reasons.join(", ");
            return Err(format!("{version} on macOS {os}, {arch} is not offered it: {why}"));
        }
    }
    Ok(format!("{version} would be offered {}", release.build))
}

fn joined(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
