use std::{collections::BTreeMap, process::ExitCode};

use anyhow::Context as _;
use jiff::Timestamp;
use nexy_releases::{Channel, CheckRecord, Plan, feed};
use serde_json::Value;

use super::{
    OutputArgs,
    audit::Log,
    gate,
    place::{Place, PlaceArgs},
    remote::{Remote, RemoteArgs},
    report::{self, Row, Verdict},
    stage::channel,
    transaction,
};
use crate::screen::Screen;

/// Check everything that is served
///
/// Every file of every channel is read, here or elsewhere, and compared with
/// its manifest, down to its signature; release notes have to answer. With
/// --server the versions of /health, the feeds and the manifests have to agree.
/// Run it regularly with --record: files elsewhere may be replaced by somebody,
/// and the server fetches nothing. Exit code: 0, or 1 on any miss.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only this channel.
    #[arg(long, value_parser = channel)]
    channel: Option<Channel>,
    /// Where the server is, `https://host:port`: compare what it says.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Leave out what lies elsewhere.
    #[arg(long)]
    offline: bool,
    /// Note in the folder what was found, so that the server shows it in its
    /// metrics and somebody is alerted.
    #[arg(long, conflicts_with_all = ["channel", "offline"])]
    record: bool,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// # Errors
/// When something could not be found out.
pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let place = args.place.resolve()?;
    let remote = args.remote.resolve()?;
    let mut screen = args.output.screen();
    let mut rows = Vec::new();
    let mut misses = BTreeMap::new();
    for channel in
        Channel::ALL.into_iter().filter(|one| args.channel.is_none_or(|only| only == *one))
    {
        let elsewhere = Some(&remote).filter(|_| !args.offline);
        let checked = check_channel(&place, channel, elsewhere, &mut screen).await?;
        let named = |row: Row| Row { what: format!("{channel} {}", row.what), ..row };
        let mut checked: Vec<_> = checked.into_iter().map(named).collect();
        if let Some(server) = &args.server {
            let server = server.trim_end_matches('/');
            checked.extend(compare(server, channel, &place, &remote).await);
        }
        misses.insert(channel.to_string(), report::misses(&checked));
        rows.extend(checked);
    }
    let log = log(&place);
    misses.insert(CheckRecord::AUDIT_LOG.to_owned(), report::misses(std::slice::from_ref(&log)));
    rows.push(log);
    if args.record {
        record(&place, misses)?;
    }
    match args.output.json {
        true => screen.line(&report::as_json(&rows, &[]))?,
        false => report::show(&rows, &mut screen)?,
    }
    Ok(if report::is_good(&rows) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Leaves a note for the server.
fn record(place: &Place, misses: BTreeMap<String, u32>) -> anyhow::Result<()> {
    let _lock = place.lock()?;
    let record = CheckRecord { at: Timestamp::now(), misses };
    let path = place.root.join(CheckRecord::FILE);
    let text = record.to_json().context("write down what was found")?;
    transaction::replace(&path, text.as_bytes())
        .with_context(|| format!("write {}", path.display()))
}

async fn check_channel(
    place: &Place,
    channel: Channel,
    remote: Option<&Remote>,
    screen: &mut Screen,
) -> anyhow::Result<Vec<Row>> {
    let Some(text) = place.manifest_text(channel)? else {
        return Ok(vec![Row::skipped("manifest", "there is no release")]);
    };
    let plan = match Plan::parse(&text) {
        Ok(plan) => plan,
        Err(problems) => {
            let list: Vec<_> = problems.iter().map(ToString::to_string).collect();
            return Ok(vec![Row::miss("manifest", list.join("; "))]);
        }
    };
    let unknown: Vec<_> = Plan::unknown_keys(&text).iter().map(ToString::to_string).collect();
    let mut rows = vec![match unknown.is_empty() {
        true => Row::ok("manifest", super::change::audience(&plan)),
        false => Row::miss("manifest", unknown.join("; ")),
    }];
    for claim in plan.claims() {
        let found = gate::locate(&claim, place, None);
        rows.push(gate::claim(&claim, found, (place, remote), screen).await?);
    }
    if let Some(remote) = remote {
        rows.extend(gate::pages(&plan.release, place, remote).await);
    }
    rows.extend(gate::feeds(&plan, channel, place));
    Ok(rows)
}

/// The three places in which a version is told: they may not disagree.
async fn compare(server: &str, channel: Channel, place: &Place, remote: &Remote) -> Vec<Row> {
    let current = place.plan(channel).ok().flatten();
    let current = current.as_ref().and_then(Plan::current);
    let build = current.map(|manifest| manifest.build.to_string());
    let version = current.map(|manifest| manifest.version.to_string());
    let feed_url = format!("{server}/updates/{}", channel.feed_file());
    let feed = feed_build(&feed_url, remote).await.map(|found| (found, build.clone()));
    let mut rows = vec![agreement(format!("{channel} served feed"), feed)];
    if channel == Channel::Stable {
        for path in ["/health", "/updates/health"] {
            let health = health(&format!("{server}{path}"), remote).await;
            let pairs = health.map(|found| (found, (version.clone(), build.clone())));
            rows.push(agreement(format!("served {path}"), pairs));
        }
    }
    // A channel that is switched off has no feed, and nothing to disagree about.
    if current.is_none() {
        rows.retain(|row| row.verdict == Verdict::Ok);
    }
    rows
}

fn agreement<T: PartialEq + std::fmt::Debug>(what: String, pair: Result<(T, T), String>) -> Row {
    match pair {
        Ok((found, expected)) if found == expected => Row::ok(what, format!("says {found:?}")),
        Ok((found, expected)) => {
            Row::miss(what, format!("says {found:?}, and the manifest {expected:?}"))
        }
        Err(reason) => Row::miss(what, reason),
    }
}

async fn feed_build(url: &str, remote: &Remote) -> Result<Option<String>, String> {
    let body = remote.page(url).await.map_err(|reason| format!("{url} {reason}"))?;
    let text = String::from_utf8(body).map_err(|_| format!("{url} is not UTF-8"))?;
    let items = feed::check(&text).map_err(|problem| format!("{url}: {problem}"))?;
    Ok(items.into_iter().next().map(|item| item.version))
}

async fn health(url: &str, remote: &Remote) -> Result<(Option<String>, Option<String>), String> {
    let body = remote.page(url).await.map_err(|reason| format!("{url} {reason}"))?;
    let health: Value = serde_json::from_slice(&body).map_err(|_| format!("{url} is no JSON"))?;
    let text = |key: &str| health.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok((text("latest_version"), text("latest_build")))
}

fn log(place: &Place) -> Row {
    match Log::read(&place.audit_path()) {
        Err(error) => Row::miss("audit log", error.to_string()),
        Ok(log) if !log.broken.is_empty() => {
            Row::miss("audit log", format!("lines {:?} cannot be trusted", log.broken))
        }
        Ok(log) => match log.interrupted().next() {
            None => Row::ok("audit log", format!("{} lines", log.entries.len())),
            Some(open) => {
                let (action, build, channel) = (&open.action, &open.build, &open.channel);
                let detail = format!("{action} {build} on {channel} was interrupted: do it again");
                Row::miss("audit log", detail)
            }
        },
    }
}
