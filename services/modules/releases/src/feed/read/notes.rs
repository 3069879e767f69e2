//! Release notes, in one language or in several.

use std::collections::BTreeSet;

use roxmltree::Node;

use super::{ItemReader, attribute, client_name, string_value};
use crate::feed::item::ItemTranslation;

const FORMATS: [&str; 3] = ["html", "plain-text", "markdown"];
const LINK: &str = "sparkle:releaseNotesLink";
const DESCRIPTION: &str = "description";

/// Where notes are and how they are signed, both as they stand there.
type Link = (Option<String>, Option<(String, String)>);

/// Whether elements of one name are the same text in several languages, each of
/// which says its own. Clients take any element for that; only these are meant.
pub(super) fn are_translations(name: &str, nodes: &[Node<'_, '_>]) -> bool {
    let languages: BTreeSet<_> = nodes.iter().filter_map(|node| language(*node)).collect();
    [LINK, DESCRIPTION].contains(&name) && languages.len() == nodes.len()
}

/// The language of an element; none where clients would have to guess it.
pub(super) fn language<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    let language = node.attribute(("http://www.w3.org/XML/1998/namespace", "lang"));
    language.filter(|language| !language.is_empty())
}

// === impl ItemReader ===

impl<'a, 'input> ItemReader<'a, 'input> {
    pub(super) fn notes(&mut self) -> Link {
        self.child(LINK).map_or((None, None), |node| self.link(node))
    }

    pub(super) fn description(&mut self) -> Option<(String, String)> {
        self.child(DESCRIPTION).map(|node| self.text_of(node))
    }

    /// The notes in the languages that are not the first choice here.
    pub(super) fn translations(&mut self) -> Vec<ItemTranslation> {
        let links = self.others(LINK).into_iter().map(|node| {
            let (notes_url, notes_signature) = self.link(node);
            ItemTranslation { notes_url, notes_signature, ..ItemTranslation::of(language(node)) }
        });
        let mut translations: Vec<_> = links.collect();
        let texts = self.others(DESCRIPTION).into_iter().map(|node| {
            let description = Some(self.text_of(node));
            ItemTranslation { description, ..ItemTranslation::of(language(node)) }
        });
        translations.extend(texts);
        translations
    }

    fn others(&mut self, name: &str) -> Vec<Node<'a, 'input>> {
        let chosen = self.child(name);
        let nodes = self.node.children();
        nodes.filter(|node| client_name(*node) == name && Some(*node) != chosen).collect()
    }

    fn link(&mut self, node: Node<'_, '_>) -> Link {
        let length = attribute(node, "sparkle:length").unwrap_or_default();
        let signature = attribute(node, "sparkle:edSignature");
        let url = self.address_in(LINK, string_value(node).trim());
        (url, signature.map(|signature| (signature, length)))
    }

    fn text_of(&mut self, node: Node<'_, '_>) -> (String, String) {
        let format = attribute(node, "sparkle:format").map(|format| format.to_lowercase());
        let format = match format {
            Some(format) if !FORMATS.contains(&format.as_str()) => {
                let html = "has a format that is none: clients show it as HTML";
                self.remark(DESCRIPTION, html);
                "html".to_owned()
            }
            Some(format) => format,
            None => "html".to_owned(),
        };
        (string_value(node), format)
    }
}
