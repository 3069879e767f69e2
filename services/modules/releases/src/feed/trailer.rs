//! Signed feeds (Sparkle 2.9, `SPUExtractSignedFeed.m`): a comment behind the
//! document holds the signature of every byte before it.

use crate::{Problem, SecretKey, Signature, Trusted};

const HEAD: &str = "<!-- sparkle-signatures:\n";
const TAIL: &str = "-->";

/// Puts the signature behind a feed.
#[must_use]
pub fn sign(feed: &str, key: &SecretKey) -> String {
    let signature = key.sign(feed.as_bytes());
    format!("{feed}{HEAD}edSignature: {signature}\nlength: {}\n{TAIL}\n", feed.len())
}

/// The part of a feed that is signed; all of an unsigned one.
#[must_use]
pub fn content(feed: &str) -> &str {
    split(feed).map_or(feed, |(content, _)| content)
}

/// Verifies a signed feed, as a client does that requires one, and that its
/// length is the stated one.
///
/// # Errors
/// When it is not signed, or not with one of these keys.
pub fn verify(feed: &str, key: &Trusted) -> Result<(), Problem> {
    let refuse = |reason: &str| Problem::new("feed", reason);
    let (content, block) = split(feed).ok_or_else(|| refuse("is not signed"))?;
    // The last line of a name counts.
    let value = |name: &str| block.lines().filter_map(|line| line.strip_prefix(name)).next_back();
    let signature = value("edSignature:").ok_or_else(|| refuse("has no edSignature"))?;
    let signature = Signature::parse(signature.trim()).map_err(|problem| problem.at("feed"))?;
    let length = value("length:").and_then(|length| length.trim().parse::<usize>().ok());
    if length != Some(content.len()) {
        return Err(refuse("is not as long as its signature says"));
    }
    key.verify(content.as_bytes(), &signature)
        .map_err(|_| refuse("does not verify with the public key"))
}

/// What is signed, and the lines about it.
fn split(feed: &str) -> Option<(&str, &str)> {
    let (content, rest) = feed.rsplit_once(HEAD)?;
    let (block, _) = rest.split_once(TAIL)?;
    Some((content, block))
}

#[cfg(test)]
mod tests;
