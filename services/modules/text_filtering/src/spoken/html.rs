//! Tags and entities of HTML, which models write within Markdown.

/// Tags that are layout. Anything else in angle brackets stays.
const TAGS: &[&str] = &[
    "a",
    "b",
    "big",
    "blockquote",
    "br",
    "center",
    "code",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// Tags that part words; the others may stand within one.
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
    let known = !inside.contains('<') && has_attributes && TAGS.contains(&name.as_str());
    let blank = if BREAKS.contains(&name.as_str()) { " " } else { "" };
    known.then_some((blank, tail))
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
