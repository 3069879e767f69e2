/// Decodes the inside of a JSON string as it arrives, from after its opening
/// quote to its closing one.
///
/// It reads leniently, because what it reads is only ever spoken: a raw line
/// break stays, an unknown escape stands for its letter, and whatever is no
/// Unicode scalar value becomes U+FFFD.
#[derive(Default)]
pub(crate) struct TextDecoder {
    state: State,
    /// A high surrogate whose other half has not come yet (RFC 8259 §7).
    high: Option<u16>,
}

/// Of an escape such as `\u00e9`.
const DIGITS: usize = 4;

/// How far a decoder got with its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes of the input that are done with.
    pub(crate) used: usize,
    /// Whether the closing quote is among them.
    pub(crate) closed: bool,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    Plain,
    Backslash,
    Unicode {
        digits: usize,
        value: u16,
    },
}

// === impl TextDecoder ===

impl TextDecoder {
    /// Reads on and hands every piece of decoded text to `speak`.
    pub(crate) fn decode(&mut self, input: &str, mut speak: impl FnMut(&str)) -> Progress {
        let mut rest = input;
        while let Some(next) = rest.chars().next() {
            rest = match self.state {
                State::Plain => {
                    let end = rest.bytes().position(|b| matches!(b, b'"' | b'\\'));
                    let (plain, tail) = rest.split_at(end.unwrap_or(rest.len()));
                    if !plain.is_empty() {
                        self.lone_surrogate(&mut speak);
                        speak(plain);
                    }
                    if let Some(tail) = tail.strip_prefix('"') {
                        self.lone_surrogate(&mut speak);
                        return Progress { used: input.len() - tail.len(), closed: true };
                    }
                    let escape = tail.strip_prefix('\\');
                    if escape.is_some() {
                        self.state = State::Backslash;
                    }
                    escape.unwrap_or(tail)
                }
                State::Backslash => {
                    self.escape(next, &mut speak);
                    &rest[next.len_utf8()..]
                }
                State::Unicode { digits, value } => {
                    &rest[self.digits(digits, value, rest, &mut speak)..]
                }
            };
        }
        Progress { used: input.len(), closed: false }
    }

    /// The letter after a backslash.
    fn escape(&mut self, letter: char, speak: &mut impl FnMut(&str)) {
        if letter == 'u' {
            self.state = State::Unicode { digits: 0, value: 0 };
            return;
        }
        self.state = State::Plain;
        self.lone_surrogate(speak);
        let meant = match letter {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            other => other,
        };
        speak(meant.encode_utf8(&mut [0; 4]));
    }

    /// What is there of the four digits after `\u`, and how many bytes that is.
    fn digits(
        &mut self,
        mut digits: usize,
        mut value: u16,
        input: &str,
        speak: &mut impl FnMut(&str),
    ) -> usize {
        let before = digits;
        for byte in input.bytes().take(DIGITS - before) {
            let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
            let Some(digit) = digit else {
                self.state = State::Plain;
                self.lone_surrogate(speak);
                replacement(speak);
                return digits - before;
            };
            value = value << 4 | digit;
            digits += 1;
        }
        if digits == DIGITS {
            self.state = State::Plain;
            self.code_unit(value, speak);
        } else {
            self.state = State::Unicode { digits, value };
        }
        digits - before
    }

    /// A whole UTF-16 code unit.
    fn code_unit(&mut self, unit: u16, speak: &mut impl FnMut(&str)) {
        let scalar = match (self.high, unit) {
            (Some(high), 0xDC00..0xE000) => {
                self.high = None;
                char::decode_utf16([high, unit]).next().and_then(Result::ok)
            }
            (_, 0xD800..0xDC00) => {
                self.lone_surrogate(speak);
                self.high = Some(unit);
                return;
            }
            _ => {
                self.lone_surrogate(speak);
                char::from_u32(u32::from(unit))
            }
        };
        speak(scalar.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut [0; 4]));
    }

    /// Gives up waiting for the other half of a pair.
    fn lone_surrogate(&mut self, speak: &mut impl FnMut(&str)) {
        if self.high.take().is_some() {
            replacement(speak);
        }
    }
}

fn replacement(speak: &mut impl FnMut(&str)) {
    speak(char::REPLACEMENT_CHARACTER.encode_utf8(&mut [0; 4]));
}

#[cfg(test)]
mod tests;
