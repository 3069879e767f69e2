/// The words at the start of a text in which nothing can end.
pub(super) struct Quiet {
    /// In bytes; 0 if there are none.
    pub(super) len: usize,
    pub(super) last_blank: Option<usize>,
}

/// What a byte of UTF-8 does to the word that it stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Byte {
    /// A letter or a digit, or a part of one: a word that ends with it ends
    /// nothing else.
    Letter,
    /// A sign of ASCII: whether something ends with it is seen behind the word.
    Sign,
    Blank,
    /// It may belong to another blank, to a wide mark or to a stop.
    Other,
}

/// For each byte, since looking up is faster than comparing. (No text holds the
/// last one.)
static BYTES: [Byte; 256] = {
    let mut bytes = [Byte::Other; 256];
    let mut byte = u8::MIN;
    while byte < u8::MAX {
        bytes[byte as usize] = Byte::of(byte);
        byte += 1;
    }
    bytes
};

// === impl Quiet ===

impl Quiet {
    pub(super) fn of(text: &str) -> Self {
        let mut last_blank = None;
        let mut last = Byte::Blank;
        for (at, byte) in text.bytes().enumerate() {
            let byte = BYTES[usize::from(byte)];
            match byte {
                Byte::Letter | Byte::Sign => {}
                Byte::Blank if last == Byte::Letter => last_blank = Some(at),
                Byte::Blank | Byte::Other => return Self { len: at, last_blank },
            }
            last = byte;
        }
        Self { len: text.len(), last_blank }
    }
}

// === impl Byte ===

impl Byte {
    /// Knows the letters of two bytes, of which Greek, Cyrillic and Hebrew are
    /// made, without the blocks that hold stops or blanks: U+0080–00BF,
    /// U+0600–063F and U+06C0–06FF.
    const fn of(byte: u8) -> Self {
        match byte {
            b' ' => Self::Blank,
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Self::Letter,
            b'!'..=b'~' => Self::Sign,
            0xc2 | 0xd8 | 0xdb => Self::Other,
            // The second byte of a letter, and the first.
            0x80..0xe0 => Self::Letter,
            _ => Self::Other,
        }
    }
}
