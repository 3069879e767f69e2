//! Cuts a reply into speakable segments and writes each the way it is said.
//!
//! It stands between the reply parser and the voices: speech goes in as it
//! arrives, segments come out for display, and [`spoken`] gives the form of a
//! segment that is handed to a voice.
//!
//! Invariants:
//! - the segments, joined by one blank, are the reply with its blanks
//!   normalised; only where a script writes no blank between sentences
//!   (Chinese, Japanese) does the join add one;
//! - however the reply is cut into deltas, the segments are the same;
//! - no cut inside a word or a grapheme, and nothing is ever dropped;
//! - a segment leaves with the character that makes its end certain.
//!
//! Deliberately not here: the choice of a voice, SSML, and anything that every
//! voice does well by itself, such as reading plain numbers and times.

mod segmenter;
mod sentence;
mod spoken;

#[cfg(any(test, feature = "fuzzing"))]
pub mod properties;

pub use segmenter::{Segmenter, Settings};
pub use spoken::{name_of_signs, spoken};
