use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use jiff::Timestamp;
use nexy_releases::{
    Channel, InstallId, Plan, Variant,
    client::{Client, Explanation, GROUPS, Occasion, Processor, Skipped, explain},
    feed::{self, Item},
};
use serde_json::json;

use super::{OutputArgs, place::PlaceArgs, stage::channel};
use crate::{failure::Usage, screen::clean};

/// Show what a client would be offered, and why
///
/// First what the server sends to it, then what Sparkle makes of that. Exit
/// code: 0, whether or not there is an update.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The channel whose feed it reads.
    #[arg(long, default_value = "stable", value_parser = channel)]
    channel: Channel,
    /// The app's `CFBundleVersion`.
    #[arg(long, value_name = "VERSION")]
    client_version: String,
    /// Its macOS.
    #[arg(long, value_name = "VERSION")]
    os: String,
    /// Its processor.
    #[arg(long, default_value = "arm64", value_parser = processor)]
    arch: Processor,
    /// The name that the app gave the installation and sends as `install_id`.
    #[arg(long, value_name = "ID")]
    install_id: Option<String>,
    /// Its group in Sparkle's phasing, 0 to 6. Without one the user asked.
    #[arg(long, value_name = "GROUP", value_parser = clap::value_parser!(u8).range(0..i64::from(GROUPS)))]
    group: Option<u8>,
    /// A Sparkle channel that the app allows; the feed's own is allowed.
    #[arg(long, value_name = "NAME")]
    allow: Vec<String>,
    /// A version that the user skipped.
    #[arg(long, value_name = "VERSION")]
    skipped: Option<String>,
    /// Its Sparkle is older than 2.9.
    #[arg(long)]
    old_sparkle: bool,
    /// Another moment than now, e.g. 2026-02-26T19:57:35Z.
    #[arg(long, value_name = "DATE")]
    at: Option<Timestamp>,
    /// Read this feed instead of the server's folder.
    #[arg(long, value_name = "FILE")]
    feed: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

fn processor(name: &str) -> Result<Processor, String> {
    match name {
        "arm64" => Ok(Processor::Arm64),
        "x86_64" => Ok(Processor::X86_64),
        _ => Err("arm64 or x86_64 is meant".to_owned()),
    }
}

/// # Errors
/// When there is nothing to read, or clients would reject it.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (sent, text) = match &args.feed {
        Some(path) => {
            let text =
                fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
            (format!("The feed is {}.", path.display()), text)
        }
        None => served(args)?,
    };
    let appcast = feed::read(&text).context("a client rejects the whole feed")?;
    let now = args.at.unwrap_or_else(Timestamp::now);
    let explanation = explain(&appcast.items, &args.client(), now);
    let mut screen = args.output.screen();
    if args.output.json {
        screen.line(&as_json(&sent, &explanation, &appcast.items))?;
        return Ok(ExitCode::SUCCESS);
    }
    screen.line(&sent)?;
    for line in sentences(&explanation, &appcast.items) {
        screen.line(&clean(&line))?;
    }
    for remark in appcast.remarks {
        screen.line(&clean(&format!("Clients forgive: {remark}.")))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the server says about its choice, and the feed that it sends.
fn served(args: &Args) -> anyhow::Result<(String, String)> {
    let place = args.place.resolve()?;
    let channel = args.channel;
    let plan = place.plan(channel)?;
    let plan = plan.with_context(|| format!("there is no release on {channel}"))?;
    let id = match args.install_id.as_deref() {
        Some(text) => Some(InstallId::parse(text).ok_or_else(|| {
            Usage("--install-id: letters, digits, - _ and . only, at most 128".to_owned())
        })?),
        None => None,
    };
    let variant = plan.variant(id);
    let feed = plan.feed(variant, place.info(), channel, place.key.as_ref());
    let feed = feed.with_context(|| format!("write the feed of {channel}"))?;
    Ok((choice(&plan, variant, id.is_some()), feed))
}

fn choice(plan: &Plan, variant: Variant, has_id: bool) -> String {
    let build = &plan.release.build;
    let percent = plan.rollout_percent;
    let why = match (&plan.halted, variant) {
        (Some(reason), _) => format!("because it is halted ({reason})"),
        (None, _) if percent.is_all() => "because it is for everybody".to_owned(),
        (None, Variant::With) if has_id => {
            format!("because the installation is among the first {percent}")
        }
        (None, Variant::Without) if has_id => {
            format!("because the installation is not among the first {percent}")
        }
        (None, Variant::With) => {
            "because without an install_id Sparkle's own phasing decides".to_owned()
        }
        (None, Variant::Without) => {
            format!("because it is for {percent} only, and there is no install_id")
        }
    };
    match variant {
        Variant::With => format!("The server sends the feed with {build}, {why}."),
        Variant::Without => format!("The server sends the feed without {build}, {why}."),
    }
}

fn sentences(explanation: &Explanation, items: &[Item]) -> Vec<String> {
    let mut lines = Vec::new();
    match &explanation.offered {
        None => lines.push("The client finds no update.".to_owned()),
        Some(offered) => {
            let item = items.get(offered.item);
            let version = item.map(|item| item.short_version.as_str()).unwrap_or_default();
            lines.push(format!("The client offers {version}."));
            let notes = [
                (offered.is_critical, "It is critical: the user cannot skip it."),
                (offered.is_major, "It is a major upgrade: the user is asked in any case."),
                (offered.is_informational, "It only informs: nothing is installed."),
            ];
            lines.extend(notes.iter().filter(|(is, _)| *is).map(|(_, text)| (*text).to_owned()));
            if let Some(delta) = &offered.delta {
                lines.push(format!("It downloads a delta of {} bytes first.", delta.length));
            }
        }
    }
    for (place, fate) in explanation.fates.iter().enumerate() {
        if !fate.reasons.is_empty() {
            let (place, version) = (place + 1, &fate.version);
            lines.push(format!("Not item {place}, {version}: {}.", fate.reasons.join("; ")));
        }
    }
    lines
}

fn as_json(sent: &str, explanation: &Explanation, items: &[Item]) -> String {
    let offered = explanation.offered.as_ref().map(|offered| {
        json!({
            "build": items.get(offered.item).map(|item| &item.version),
            "delta_bytes": offered.delta.as_ref().map(|delta| delta.length),
            "critical": offered.is_critical,
            "major": offered.is_major,
            "informational": offered.is_informational,
        })
    });
    let fates: Vec<_> = explanation
        .fates
        .iter()
        .map(|fate| json!({ "build": fate.version, "not_offered_because": fate.reasons }))
        .collect();
    json!({ "server": sent, "offered": offered, "items": fates }).to_string()
}

// === impl Args ===

impl Args {
    fn client(&self) -> Client {
        let own = Some(self.channel.to_string()).filter(|_| self.channel != Channel::Stable);
        Client {
            version: self.client_version.clone(),
            os: self.os.clone(),
            processor: self.arch,
            channels: self.allow.iter().cloned().chain(own).collect(),
            occasion: self.group.map_or(Occasion::Asked, |group| Occasion::Scheduled { group }),
            skipped: Skipped { minor: self.skipped.clone(), ..Skipped::default() },
            knows_2_9: !self.old_sparkle,
        }
    }
}
