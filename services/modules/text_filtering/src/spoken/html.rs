//! Tags and entities of HTML, which models write within Markdown.

/// Tags that are layout and may stand within a word. Anything in angle brackets
/// that is neither of these nor of [`BREAKS`] stays.
const WITHIN: &[&str] = &[
    "a", "b", "big", "center", "code", "del", "details", "dl", "em", "font", "i", "img", "ins",
    "kbd", "mark", "ol", "pre", "s", "small", "span", "strong", "sub", "summary", "sup", "table",
    "tbody", "thead", "u", "ul",
];

/// Tags that are layout and part words.
const BREAKS: &[&str] = &[
    "blockquote",
    "br",
    "dd",
    "div",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "p",
    "td",
    "th",
    "tr",
];

const ENTITIES: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("hellip", '…'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("deg", '°'),
    ("euro", '€'),
    ("pound", '£'),
    ("times", '×'),
    ("divide", '÷'),
    ("plusmn", '±'),
    ("minus", '−'),
    ("le", '≤'),
    ("ge", '≥'),
    ("ne", '≠'),
    ("rarr", '→'),
    ("larr", '←'),
    ("bull", '•'),
    ("frac12", '½'),
    ("sup2", '²'),
    ("sup3", '³'),
];

/// The longest of them, as a number of bytes.
const ENTITY_MAX_BYTES: usize = 8;

/// `b>` or `/b>` behind an opening bracket: a blank if it parts words, and what
/// follows.
pub(super) fn tag(after: &str) -> Option<(&'static str, &str)> {
    let (inside, tail) = after.split_once('>')?;
    let name = inside.strip_prefix('/').unwrap_or(inside);
    let name = name.split([' ', '/']).next()?.to_ascii_lowercase();
    let has_attributes = inside.contains('=') || !inside.trim_end_matches([' ', '/']).contains(' ');
    let parts_words = BREAKS.contains(&name.as_str());
    let is_layout = parts_words || WITHIN.contains(&name.as_str());
    let known = !inside.contains('<') && has_attributes && is_layout;
    known.then_some((if parts_words { " " } else { "" }, tail))
}

/// `amp;` or `#39;` behind an ampersand: the character and what follows.
pub(super) fn entity(after: &str) -> Option<(char, &str)> {
    let end = after.bytes().take(ENTITY_MAX_BYTES).position(|b| b == b';')?;
    let (name, tail) = (&after[..end], &after[end + 1..]);
    let c = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?).filter(|c| !c.is_control())?
        }
        None => ENTITIES.iter().find(|(written, _)| *written == name).map(|(_, c)| *c)?,
    };
    Some((c, tail))
}
