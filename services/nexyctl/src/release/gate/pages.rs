//! What a release says to people: every page has to answer, and to be what was
//! signed.

use nexy_releases::{HttpsUrl, Manifest, Notes, NotesSignature};

use crate::release::{place::Place, remote::Remote, report::Row};

/// The rows about release notes and about other pages.
pub(in crate::release) async fn rows(
    release: &Manifest,
    place: &Place,
    remote: &Remote,
) -> Vec<Row> {
    let own = Words {
        url: release.notes_url.as_ref(),
        signature: release.notes_signature.as_ref(),
        text: release.notes.as_ref(),
    };
    let mut rows = vec![Row::of("release notes", own.inspect(place, remote).await)];
    for translation in &release.translations {
        let words = Words {
            url: translation.notes_url.as_ref(),
            signature: translation.notes_signature.as_ref(),
            text: translation.notes.as_ref(),
        };
        let what = format!("release notes, {}", translation.language.as_str());
        rows.push(Row::of(&what, words.inspect(place, remote).await));
    }
    for (what, url) in [("link", &release.link), ("full notes", &release.full_notes_url)] {
        if let Some(url) = url {
            let answer = page(url, remote).await;
            rows.push(Row::of(what, answer.map(|page| answers(url, &page))));
        }
    }
    rows
}

/// Release notes in one language.
struct Words<'a> {
    url: Option<&'a HttpsUrl>,
    signature: Option<&'a NotesSignature>,
    text: Option<&'a Notes>,
}

// === impl Words ===

impl Words<'_> {
    async fn inspect(&self, place: &Place, remote: &Remote) -> Result<String, String> {
        let Some(url) = self.url else {
            return match self.text {
                Some(notes) => Ok(format!("in the feed, as {}", notes.format.as_str())),
                None => Err("are missing: give notes_url, or notes".to_owned()),
            };
        };
        let page = page(url, remote).await?;
        let Some(signature) = self.signature else { return Ok(answers(url, &page)) };
        let key = place.key.as_ref().ok_or("cannot be verified without update.public_key")?;
        let is_signed = key.verify(&page, &signature.ed25519).is_ok();
        match is_signed && signature.size == page.len() as u64 {
            true => Ok(format!("{url} verifies")),
            false => Err(format!("{url} is not what was signed")),
        }
    }
}

async fn page(url: &HttpsUrl, remote: &Remote) -> Result<Vec<u8>, String> {
    let page = remote.page(url.as_str()).await.map_err(|reason| format!("{url} {reason}"))?;
    match page.iter().all(u8::is_ascii_whitespace) {
        true => Err(format!("{url} is empty")),
        false => Ok(page),
    }
}

fn answers(url: &HttpsUrl, page: &[u8]) -> String {
    format!("{url} answers, {} bytes", page.len())
}
