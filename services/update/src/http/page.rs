use std::fmt::{self, Write as _};

use axum::{
    extract::State,
    http::header,
    response::{Html, IntoResponse as _, Response},
};

use nexy_releases::{Artifact, Manifest, Plan};

use super::{DISABLED, Site};
use crate::library::{Catalog, Offer, Served};

/// No scripts, no pictures, nothing from anywhere else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
padding:0 1rem;color:#1a1a1a;background:#fff}table{border-collapse:collapse;width:100%;\
margin-bottom:2rem}caption{text-align:left;padding:.25rem 0}th,td{border:1px solid #767676;\
padding:.4rem .6rem;text-align:left;vertical-align:top}th{width:11rem}\
code{overflow-wrap:anywhere}";

struct Escaped<'a>(&'a str);

/// A page for people: what is released, with what a careful person compares.
pub(super) async fn index(State(site): State<Site>) -> Response {
    let mut page = String::new();
    // Writing into a String cannot fail.
    let _infallible = write_page(&mut page, &site, &site.library.catalog());
    let head = [(header::CACHE_CONTROL, "no-cache"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (head, Html(page)).into_response()
}

fn write_page(out: &mut String, site: &Site, catalog: &Catalog) -> fmt::Result {
    let title = Escaped(&site.settings.feed.title);
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} releases</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title} releases</h1>\n"
    )?;
    if !site.settings.enabled {
        writeln!(out, "<p>{DISABLED}.</p>")?;
    }
    for offer in &catalog.offers {
        write_offer(out, offer)?;
    }
    out.write_str("</main>\n</body>\n</html>\n")
}

fn write_offer(out: &mut String, offer: &Offer) -> fmt::Result {
    let (title, feed) = (offer.channel.title(), offer.channel.feed_file());
    writeln!(out, "<h2>{title}</h2>")?;
    match offer.served.as_deref() {
        Some(served) => write_served(out, served)?,
        None => writeln!(out, "<p>There is no release on this channel.</p>")?,
    }
    writeln!(out, "<p><a href=\"{feed}\">Feed of the {title} channel</a></p>")
}

fn write_served(out: &mut String, served: &Served) -> fmt::Result {
    let Plan { release, rollout_percent, halted, previous, .. } = &served.plan;
    if let Some(reason) = halted {
        let (version, reason) = (&release.version, Escaped(reason));
        writeln!(out, "<p>Version {version} is halted: {reason}. Nobody is offered it.</p>")?;
    } else if !rollout_percent.is_all() {
        let version = &release.version;
        writeln!(out, "<p>Version {version} is offered to {rollout_percent} of all.</p>")?;
    }
    write_release(out, served, release)?;
    match previous.as_deref().filter(|_| halted.is_some() || !rollout_percent.is_all()) {
        Some(previous) => {
            writeln!(out, "<p>The others are offered version {}.</p>", previous.version)?;
            write_release(out, served, previous)
        }
        None => Ok(()),
    }
}

fn write_release(out: &mut String, served: &Served, manifest: &Manifest) -> fmt::Result {
    let critical = if manifest.critical { " (critical)" } else { "" };
    writeln!(out, "<table>\n<caption>Version {}{critical}</caption>", manifest.version)?;
    row(out, "Build", format_args!("{}", manifest.build))?;
    row(out, "Released", format_args!("<time datetime=\"{0}\">{0}</time>", manifest.release_date))?;
    for artifact in manifest.artifacts() {
        write_artifact(out, served, artifact)?;
    }
    if let Some(notes) = &manifest.notes_url {
        let notes = Escaped(notes.as_str());
        row(out, "Notes", format_args!("<a href=\"{notes}\">What is new</a>"))?;
    }
    for translation in &manifest.translations {
        let language = translation.language.as_str();
        if let Some(url) = &translation.notes_url {
            let url = Escaped(url.as_str());
            let link = format_args!("<a href=\"{url}\" hreflang=\"{language}\">{language}</a>");
            row(out, "Notes in other languages", link)?;
        }
    }
    writeln!(out, "</table>")
}

fn write_artifact(out: &mut String, served: &Served, artifact: &Artifact) -> fmt::Result {
    let file = Escaped(artifact.file_name.as_str());
    let link = match served.stored(&artifact.file_name) {
        // Relative, so that it works below any prefix.
        Some(_) => format!("downloads/{}", artifact.file_name.to_url_segment()),
        None => artifact.url.to_string(),
    };
    row(out, "File", format_args!("<a href=\"{}\">{file}</a>", Escaped(&link)))?;
    row(out, "Size", format_args!("{} bytes", artifact.size))?;
    let least = &artifact.min_os;
    let arch = artifact.arch.as_str();
    match &artifact.max_os {
        Some(most) => row(out, "Runs on", format_args!("macOS {least} to {most}, {arch}"))?,
        None => row(out, "Runs on", format_args!("macOS {least} or later, {arch}"))?,
    }
    row(out, "SHA-256", format_args!("<code>{}</code>", artifact.sha256))?;
    match &artifact.ed25519 {
        Some(signature) => row(out, "Ed25519 signature", format_args!("<code>{signature}</code>")),
        None => row(out, "Ed25519 signature", format_args!("none: the release is not signed")),
    }
}

fn row(out: &mut String, name: &str, value: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(out, "<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>")
}

// === impl Escaped ===

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}
