//! The header of a WAV file that arrives in pieces (RIFF, "Multimedia
//! Programming Interface and Data Specifications 1.0", IBM and Microsoft 1991).

use nexy_types::SampleRate;

use crate::Error;

/// Bytes of a chunk's name and length.
const CHUNK_HEAD: usize = 8;

/// Bytes of `RIFF`, the file's length and `WAVE`.
const FILE_HEAD: usize = 12;

/// The audio must begin within so many bytes.
const LONGEST_HEADER: usize = 64 * 1024;

/// `WAVE_FORMAT_PCM` and `WAVE_FORMAT_EXTENSIBLE`.
const PCM_FORMATS: [u16; 2] = [0x0001, 0xFFFE];

/// From this on a length stands for "unknown": espeak-ng writes `0x7FFF_F000`
/// when it cannot seek back, others `0xFFFF_FFFF`, or 0.
const UNKNOWN_FROM: u32 = 0x7FFF_0000;

/// Rates that speech can have, in Hz.
const SPEECH_RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

/// Where the audio is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) sample_rate: SampleRate,
    /// Offset of the first byte of audio.
    pub(super) audio_at: usize,
    /// Bytes of audio; `None` when the writer did not know.
    pub(super) audio_len: Option<u64>,
}

/// Reads the header from the beginning of the file as far as it has arrived.
/// `None` asks for more; [`Error::NotAudio`] is anything but 16-bit mono PCM.
pub(super) fn parse(file: &[u8]) -> Result<Option<Header>, Error> {
    if !b"RIFF".starts_with(file.get(..4).unwrap_or(file)) {
        return Err(Error::NotAudio);
    }
    if file.get(8..FILE_HEAD).is_some_and(|kind| kind != b"WAVE") {
        return Err(Error::NotAudio);
    }
    let (mut at, mut sample_rate) = (FILE_HEAD, None);
    while let Some((name, len)) = chunk_head(file, at) {
        let body = at + CHUNK_HEAD;
        match (&name, sample_rate) {
            (b"data", Some(sample_rate)) => {
                let known = len != 0 && len < UNKNOWN_FROM;
                let audio_len = known.then_some(u64::from(len));
                return Ok(Some(Header { sample_rate, audio_at: body, audio_len }));
            }
            (b"data", None) => return Err(Error::NotAudio),
            (b"fmt ", _) => match file.get(body..body + 16) {
                Some(format) => sample_rate = Some(speech_rate(format)?),
                None => return Ok(None),
            },
            _ => {}
        }
        // Chunks are padded to an even length.
        at = body.saturating_add(len as usize).saturating_add(len as usize % 2);
        if at > LONGEST_HEADER {
            return Err(Error::NotAudio);
        }
    }
    Ok(None)
}

/// Name and length of the chunk at `at`.
fn chunk_head(file: &[u8], at: usize) -> Option<([u8; 4], u32)> {
    let (name, rest) = file.get(at..)?.split_first_chunk::<4>()?;
    let (len, _) = rest.split_first_chunk::<4>()?;
    Some((*name, u32::from_le_bytes(*len)))
}

/// The rate in the body of a `fmt ` chunk, if the format is one we take.
fn speech_rate(format: &[u8]) -> Result<SampleRate, Error> {
    let short = |at: usize| {
        format.get(at..).and_then(|f| f.first_chunk::<2>()).map(|b| u16::from_le_bytes(*b))
    };
    let is_pcm = short(0).is_some_and(|tag| PCM_FORMATS.contains(&tag));
    let is_mono = short(2) == Some(1);
    let has_16_bits = short(14) == Some(16);
    let hz = format.get(4..).and_then(|f| f.first_chunk::<4>()).map(|b| u32::from_le_bytes(*b));
    hz.filter(|hz| is_pcm && is_mono && has_16_bits && SPEECH_RATES.contains(hz))
        .and_then(SampleRate::new)
        .ok_or(Error::NotAudio)
}

#[cfg(test)]
mod tests;
