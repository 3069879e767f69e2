use nexy_types::SampleRate;

use super::{Header, parse};
use crate::Error;

fn wav(chunks: &[(&[u8; 4], u32, &[u8])]) -> Vec<u8> {
    let mut file = b"RIFF\x24\xf0\xff\x7fWAVE".to_vec();
    for (name, len, body) in chunks {
        file.extend_from_slice(*name);
        file.extend_from_slice(&len.to_le_bytes());
        file.extend_from_slice(body);
    }
    file
}

fn format(tag: u16, channels: u16, hz: u32, bits: u16) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&tag.to_le_bytes());
    body.extend_from_slice(&channels.to_le_bytes());
    body.extend_from_slice(&hz.to_le_bytes());
    body.extend_from_slice(&(hz * u32::from(channels) * u32::from(bits) / 8).to_le_bytes());
    body.extend_from_slice(&(channels * bits / 8).to_le_bytes());
    body.extend_from_slice(&bits.to_le_bytes());
    body
}

fn header(hz: u32, audio_at: usize, audio_len: Option<u64>) -> Header {
    Header { sample_rate: SampleRate::new(hz).unwrap(), audio_at, audio_len }
}

#[test]
fn finds_the_audio() {
    let speech = format(1, 1, 22_050, 16);
    let extensible = [&format(0xFFFE, 1, 16_000, 16)[..], &[0; 24]].concat();
    let rows = [
        (wav(&[(b"fmt ", 16, &speech), (b"data", 1000, &[])]), header(22_050, 44, Some(1000))),
        (wav(&[(b"fmt ", 16, &speech), (b"data", 0x7fff_f000, &[])]), header(22_050, 44, None)),
        (wav(&[(b"fmt ", 16, &speech), (b"data", 0xffff_ffff, &[])]), header(22_050, 44, None)),
        (wav(&[(b"fmt ", 16, &speech), (b"data", 0, &[])]), header(22_050, 44, None)),
        (wav(&[(b"fmt ", 40, &extensible), (b"data", 8, &[])]), header(16_000, 68, Some(8))),
        // A chunk of odd length is padded.
        (
            wav(&[(b"LIST", 3, b"abc\0"), (b"fmt ", 16, &speech), (b"data", 8, &[])]),
            header(22_050, 56, Some(8)),
        ),
    ];
    for (file, expected) in rows {
        let audio_at = expected.audio_at;
        assert_eq!(parse(&file), Ok(Some(expected)));
        for cut in 0..audio_at {
            assert_eq!(parse(&file[..cut]), Ok(None), "{cut} bytes of {audio_at}");
        }
    }
}

#[test]
fn takes_only_16_bit_mono_pcm() {
    for (tag, channels, hz, bits) in [
        (1, 2, 22_050, 16),
        (1, 1, 22_050, 8),
        (3, 1, 22_050, 32),
        (6, 1, 8_000, 8),
        (1, 1, 0, 16),
        (1, 1, 1_000_000, 16),
    ] {
        let file = wav(&[(b"fmt ", 16, &format(tag, channels, hz, bits)), (b"data", 8, &[])]);
        assert_eq!(parse(&file), Err(Error::NotAudio), "{tag} {channels} {hz} {bits}");
    }
}

#[test]
fn takes_nothing_else_for_a_wav_file() {
    let speech = format(1, 1, 22_050, 16);
    for file in [
        b"<html>".to_vec(),
        b"RIFF\0\0\0\0AVI LIST".to_vec(),
        wav(&[(b"data", 8, &[0; 8])]),
        wav(&[(b"LIST", 0xffff_fff0, &[]), (b"fmt ", 16, &speech)]),
        wav(&[(b"LIST", 0x0002_0000, &[])]),
    ] {
        assert_eq!(parse(&file), Err(Error::NotAudio));
    }
}
