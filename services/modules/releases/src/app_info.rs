//! What an app says of itself, in the `Info.plist` that is built into it.
//! Clients compare this, and not what a manifest says: where the two differ,
//! they are offered the same update again and again, or can verify none.

use roxmltree::{Document, Node, ParsingOptions};

use crate::{Manifest, OsVersion, Problem, PublicKey, version::compare};

/// More XML nodes than any such file has.
const MAX_NODES: u32 = 100_000;

/// The part of an `Info.plist` that is about updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppInfo {
    /// `CFBundleShortVersionString`.
    pub version: String,
    /// `CFBundleVersion`.
    pub build: String,
    /// `LSMinimumSystemVersion`.
    pub min_os: Option<String>,
    /// `SUPublicEDKey`: what the app will verify its next update with.
    pub public_key: Option<String>,
    /// `SURequireSignedFeed`.
    pub requires_signed_feed: bool,
}

// === impl AppInfo ===

impl AppInfo {
    /// Reads a property list in XML.
    ///
    /// # Errors
    /// When it is none, when a value has another type than clients expect, or
    /// when it has no version.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let refuse = |reason: String| Problem::new("Info.plist", reason);
        if bytes.starts_with(b"bplist") {
            let reason = "is in the binary form: convert it with plutil -convert xml1";
            return Err(refuse(reason.to_owned()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| refuse("must be UTF-8".to_owned()))?;
        // Every property list names a document type; entities are not expanded
        // beyond what the parser allows.
        let options =
            ParsingOptions { allow_dtd: true, nodes_limit: MAX_NODES, ..Default::default() };
        let document = Document::parse_with_options(text, options)
            .map_err(|error| refuse(format!("must be well-formed XML: {error}")))?;
        let dict = document.root_element().children().find(|node| node.has_tag_name("dict"));
        let dict = dict.filter(|_| document.root_element().has_tag_name("plist"));
        let dict =
            dict.ok_or_else(|| refuse("must be a property list with one dict".to_owned()))?;
        let required = |key: &str| {
            string(dict, key)?.ok_or_else(|| Problem::new(key, "is missing in the app"))
        };
        Ok(Self {
            version: required("CFBundleShortVersionString")?,
            build: required("CFBundleVersion")?,
            min_os: string(dict, "LSMinimumSystemVersion")?,
            public_key: string(dict, "SUPublicEDKey")?,
            requires_signed_feed: value(dict, "SURequireSignedFeed")
                .is_some_and(|node| node.has_tag_name("true")),
        })
    }

    /// Where the app says something else than the manifest that is to bring it
    /// to clients; `key` is what it has to verify its next update with.
    #[must_use]
    pub fn contradictions(&self, manifest: &Manifest, key: Option<&PublicKey>) -> Vec<Problem> {
        let mut found = Vec::new();
        for (name, own, other) in [
            ("CFBundleShortVersionString", &self.version, manifest.version.as_str()),
            ("CFBundleVersion", &self.build, manifest.build.as_str()),
        ] {
            if own != other {
                let reason = format!("is {own} in the app, and {other} in the manifest");
                found.push(Problem::new(name, reason));
            }
        }
        if let Some(least) = &self.min_os {
            let offered = manifest.artifacts().map(|artifact| &artifact.min_os);
            let older = |offered: &OsVersion| compare(offered.as_str(), least).is_lt();
            if let Some(offered) = offered.into_iter().find(|offered| older(offered)) {
                let reason =
                    format!("is {least} in the app, and it would be offered to macOS {offered}");
                found.push(Problem::new("LSMinimumSystemVersion", reason));
            }
        }
        let carried = self.public_key.as_deref().map(PublicKey::parse);
        match (carried, key) {
            (None, _) => {
                let reason = "is missing in the app: it could verify no update after this one";
                found.push(Problem::new("SUPublicEDKey", reason));
            }
            (Some(Err(problem)), _) => found.push(problem.at("SUPublicEDKey")),
            (Some(Ok(carried)), Some(key)) if carried != *key => {
                let reason = "is another key than the one that updates are signed with";
                found.push(Problem::new("SUPublicEDKey", reason));
            }
            (Some(Ok(_)), _) => {}
        }
        found
    }
}

fn value<'a, 'input>(dict: Node<'a, 'input>, key: &str) -> Option<Node<'a, 'input>> {
    let is_it = |node: &Node<'_, '_>| node.has_tag_name("key") && node.text() == Some(key);
    dict.children().find(is_it)?.next_sibling_element()
}

fn string(dict: Node<'_, '_>, key: &str) -> Result<Option<String>, Problem> {
    match value(dict, key) {
        None => Ok(None),
        Some(node) if node.has_tag_name("string") => {
            Ok(Some(node.text().unwrap_or_default().trim().to_owned()))
        }
        Some(node) => {
            let kind = node.tag_name().name();
            Err(Problem::new(key, format!("must be a string in the app, not {kind}")))
        }
    }
}

#[cfg(test)]
mod tests;
