use std::{
    f64::consts::TAU,
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt, stream};
use nexy_types::{SampleRate, SpeechRate};
use proptest::prelude::*;

use super::{OutputFormat, frames};
use crate::{Error, Speech};

pub(super) const AMPLITUDE: f64 = 12_000.0;

pub(super) fn rate(hz: u32) -> SampleRate {
    SampleRate::new(hz).unwrap()
}

pub(super) fn format(hz: u32) -> OutputFormat {
    OutputFormat { sample_rate: rate(hz), chunk_bytes: 4096 }
}

fn speech(hz: u32, chunks: Vec<Result<Bytes, Error>>) -> Speech {
    at_rate(1.0, hz, chunks)
}

/// Of which so much of the speech rate is left to be done.
pub(super) fn at_rate(left: f32, hz: u32, chunks: Vec<Result<Bytes, Error>>) -> Speech {
    let rate_left = SpeechRate::new(left).unwrap();
    Speech { sample_rate: rate(hz), rate_left, pcm: Box::pin(stream::iter(chunks)) }
}

#[expect(clippy::cast_possible_truncation, reason = "within the range of i16")]
pub(super) fn sine(hz: f64, sample_rate: u32, samples: usize) -> Bytes {
    let mut pcm = BytesMut::new();
    for at in 0..samples {
        // A cosine: it is loud from the first sample on.
        let phase = TAU * hz * at as f64 / f64::from(sample_rate);
        pcm.put_i16_le((AMPLITUDE * phase.cos()).round() as i16);
    }
    pcm.freeze()
}

pub(super) fn chunked(pcm: &Bytes, sizes: &[usize]) -> Vec<Result<Bytes, Error>> {
    let (mut rest, mut chunks) = (pcm.clone(), Vec::new());
    for size in sizes.iter().copied().cycle() {
        if rest.is_empty() {
            break;
        }
        chunks.push(Ok(rest.split_to(size.min(rest.len()))));
    }
    chunks
}

/// All frames, which must keep the rules, and the error at the end, if any.
pub(super) fn run(speech: Speech, format: OutputFormat) -> (Vec<Bytes>, Option<Error>) {
    let mut items: Vec<_> =
        frames(speech, format).collect::<Vec<_>>().now_or_never().expect("nothing waits");
    let error = match items.pop() {
        Some(Err(error)) => Some(error),
        Some(frame) => {
            items.push(frame);
            None
        }
        None => None,
    };
    let frames: Vec<Bytes> = items.into_iter().map(|item| item.expect("errors are last")).collect();
    for frame in &frames {
        assert!(!frame.is_empty() && frame.len() <= format.chunk_bytes, "{} bytes", frame.len());
        assert_eq!(frame.len() % 2, 0);
    }
    (frames, error)
}

pub(super) fn samples(frames: &[Bytes]) -> Vec<f64> {
    let joined: Vec<u8> = frames.concat();
    joined.as_chunks::<2>().0.iter().map(|pair| f64::from(i16::from_le_bytes(*pair))).collect()
}

/// Amplitude of one frequency in a signal, by correlation.
fn strength(signal: &[f64], hz: f64, sample_rate: u32) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (at, sample) in signal.iter().enumerate() {
        let phase = TAU * hz * at as f64 / f64::from(sample_rate);
        re += sample * phase.cos();
        im += sample * phase.sin();
    }
    2.0 * re.hypot(im) / signal.len() as f64
}

#[test]
fn keeps_pitch_loudness_and_length_at_every_rate() {
    for from in [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000] {
        for (hz, millis) in [(440.0, 1000), (200.0, 333), (3000.0, 1234)] {
            let count = from as usize * millis / 1000;
            let pcm = sine(hz, from, count);
            let (frames, error) = run(speech(from, chunked(&pcm, &[4096])), format(48_000));
            assert_eq!(error, None);
            let heard = samples(&frames);
            let expected = count as f64 / f64::from(from);
            let seconds = heard.len() as f64 / 48_000.0;
            assert!((seconds - expected).abs() < 0.001, "{from} Hz: {seconds} s for {expected} s");
            // Away from the edges, where the filter meets silence.
            let middle = &heard[2400..heard.len() - 2400];
            let ratio = strength(middle, hz, 48_000) / AMPLITUDE;
            assert!((ratio - 1.0).abs() < 0.01, "{from} Hz, {hz} Hz: loudness × {ratio}");
            let power = middle.iter().map(|s| s * s).sum::<f64>() / middle.len() as f64;
            let noise = power - (ratio * AMPLITUDE).powi(2) / 2.0;
            assert!(noise / power < 1e-4, "{from} Hz, {hz} Hz: noise {}", noise / power);
        }
    }
}

#[test]
fn starts_and_ends_when_the_source_does() {
    for from in [16_000, 22_050, 24_000, 44_100] {
        // A click 10 ms after the start and one 10 ms before the end.
        let count = from as usize / 2;
        let mut pcm = vec![0_u8; 2 * count];
        let early = from as usize / 100;
        for at in [early, count - early] {
            pcm[2 * at..2 * at + 2].copy_from_slice(&20_000_i16.to_le_bytes());
        }
        let (frames, _) = run(speech(from, vec![Ok(Bytes::from(pcm))]), format(48_000));
        let heard = samples(&frames);
        let peak_of = |part: &[f64]| {
            part.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(at, _)| at).unwrap()
        };
        let half = heard.len() / 2;
        let first = peak_of(&heard[..half]) as f64 / 48.0;
        let last = (heard.len() - half - peak_of(&heard[half..])) as f64 / 48.0;
        assert!((first - 10.0).abs() < 0.1, "{from} Hz: the first click is at {first} ms");
        assert!((last - 10.0).abs() < 0.2, "{from} Hz: the last click is {last} ms before the end");
    }
}

#[test]
fn resamples_down_without_folding_high_tones_back() {
    let pcm = sine(15_000.0, 48_000, 48_000);
    let (frames, _) = run(speech(48_000, vec![Ok(pcm)]), format(16_000));
    let heard = samples(&frames);
    let middle = &heard[800..heard.len() - 800];
    let power = middle.iter().map(|s| s * s).sum::<f64>() / middle.len() as f64;
    assert!(power.sqrt() < 12.0, "{} is left of {AMPLITUDE}", power.sqrt());
}

#[test]
fn speaks_a_single_sample() {
    for from in [16_000, 48_000] {
        let (frames, error) =
            run(speech(from, vec![Ok(Bytes::from_static(&[0, 64]))]), format(48_000));
        assert_eq!(error, None);
        assert_eq!(samples(&frames).len(), 48_000 / from as usize);
    }
}

#[test]
fn does_not_copy_large_chunks_at_equal_rates() {
    let pcm = sine(440.0, 48_000, 5000);
    let (frames, _) = run(speech(48_000, vec![Ok(pcm.clone())]), format(48_000));
    assert_eq!(frames.iter().map(Bytes::len).collect::<Vec<_>>(), [1920, 4096, 3984]);
    for (frame, offset) in frames.iter().zip([0, 1920, 6016]) {
        assert_eq!(frame.as_ptr(), pcm[offset..].as_ptr());
    }
}

#[tokio::test]
async fn sends_the_first_frame_at_once_and_gathers_later_ones() {
    for from in [24_000, 48_000] {
        let (sender, receiver) = tokio::sync::mpsc::channel(8);
        let pcm = Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver));
        let rate_left = SpeechRate::NORMAL;
        let speech = Speech { sample_rate: rate(from), rate_left, pcm };
        let mut frames = frames(speech, format(48_000));
        let millis = |millis: usize| Ok(sine(440.0, from, from as usize * millis / 1000));
        sender.send(millis(20)).await.unwrap();
        assert!(frames.next().await.unwrap().unwrap().len() <= 1920);
        sender.send(millis(5)).await.unwrap();
        assert!(frames.next().now_or_never().is_none(), "a frame of 5 ms is not worth sending");
        sender.send(millis(40)).await.unwrap();
        assert!(frames.next().await.unwrap().unwrap().len() >= 2048);
        drop(sender);
        while frames.next().await.is_some() {}
    }
}

#[test]
fn begins_with_a_short_frame_and_goes_on_with_full_ones() {
    // One large chunk, and many tiny ones.
    for sizes in [vec![1 << 20], vec![100], vec![1]] {
        for from in [24_000, 48_000] {
            let pcm = sine(440.0, from, from as usize / 4);
            let (frames, error) = run(speech(from, chunked(&pcm, &sizes)), format(48_000));
            assert_eq!(error, None);
            let sizes: Vec<usize> = frames.iter().map(Bytes::len).collect();
            let (_last, others) = sizes[1..].split_last().unwrap();
            assert!(sizes[0] <= 1920, "{sizes:?}");
            assert!(others.iter().all(|size| (2048..=4096).contains(size)), "{sizes:?}");
        }
    }
}

#[test]
fn holds_silence_back_until_the_first_sound() {
    let silence = Bytes::from(vec![0; 9600]);
    let tone = sine(440.0, 48_000, 100);
    let chunks = vec![Ok(silence.clone()), Ok(silence.clone()), Ok(tone.clone())];
    let (frames, error) = run(speech(48_000, chunks), format(48_000));
    assert_eq!(error, None);
    assert_eq!(frames.concat(), [&silence[..], &silence, &tone].concat());
}

#[test]
fn reports_a_reply_without_a_sound_and_sends_none_of_it() {
    let hiss: Vec<u8> = (0..4800_i16).flat_map(|at| (at % 7 - 3).to_le_bytes()).collect();
    let rows: [Vec<Result<Bytes, Error>>; 5] = [
        vec![],
        vec![Ok(Bytes::new())],
        vec![Ok(Bytes::from_static(&[7]))],
        vec![Ok(Bytes::from(vec![0; 96_000]))],
        vec![Ok(Bytes::from(hiss))],
    ];
    for (row, chunks) in rows.into_iter().enumerate() {
        for (from, left) in [(24_000, 1.0), (24_000, 3.0), (48_000, 1.0), (48_000, 0.5)] {
            let (frames, error) = run(at_rate(left, from, chunks.clone()), format(48_000));
            assert_eq!((frames.len(), error), (0, Some(Error::Silent)), "row {row}");
        }
    }
}

#[tokio::test]
async fn gives_up_on_endless_silence() {
    let silence = stream::repeat_with(|| Ok(Bytes::from(vec![0; 4096])));
    let pcm = Box::pin(silence);
    for rate_left in [1.0, 3.0].map(|left| SpeechRate::new(left).unwrap()) {
        let speech = Speech { sample_rate: rate(24_000), rate_left, pcm: pcm.clone() };
        let mut frames = frames(speech, format(48_000));
        assert_eq!(frames.next().await, Some(Err(Error::Silent)));
        assert_eq!(frames.next().await, None);
    }
}

#[test]
fn hands_out_what_was_said_before_an_error() {
    for from in [24_000, 48_000] {
        let pcm = sine(440.0, from, from as usize / 10);
        let chunks = vec![Ok(pcm), Err(Error::BrokenStream), Ok(Bytes::from_static(&[1, 1]))];
        let (frames, error) = run(speech(from, chunks), format(48_000));
        assert_eq!(error, Some(Error::BrokenStream));
        assert_eq!(samples(&frames).len(), 4800);
    }
}

#[test]
fn prefers_the_voices_error_to_the_silence_before_it() {
    let chunks = vec![Ok(Bytes::from_static(&[0, 0])), Err(Error::BrokenStream)];
    let (frames, error) = run(speech(48_000, chunks), format(48_000));
    assert_eq!((frames.len(), error), (0, Some(Error::BrokenStream)));
}

#[test]
fn refuses_a_rate_that_no_voice_has() {
    let (frames, error) = run(speech(4_000_000_000, vec![]), format(48_000));
    let refused = Error::Resample { from: 4_000_000_000, to: 48_000 };
    assert_eq!((frames.len(), error), (0, Some(refused)));
}

#[test]
fn makes_whole_samples_of_any_frame_size() {
    let pcm = sine(440.0, 48_000, 1000);
    for chunk_bytes in [0, 1, 2, 3, 5, 1001] {
        let format = OutputFormat { sample_rate: rate(48_000), chunk_bytes };
        let speech = speech(48_000, vec![Ok(pcm.clone())]);
        let frames: Vec<_> = frames(speech, format).collect::<Vec<_>>().now_or_never().unwrap();
        let frames: Vec<Bytes> = frames.into_iter().map(Result::unwrap).collect();
        assert!(frames.iter().all(|f| f.len() % 2 == 0 && f.len() <= chunk_bytes.max(2)));
        assert_eq!(frames.concat(), pcm);
    }
}

#[test]
fn nothing_of_one_speech_is_heard_in_the_next() {
    // A pair of rates that no other test uses, so that the filter is the same.
    let quiet = || run(speech(23_456, vec![Ok(sine(300.0, 23_456, 4321))]), format(34_567)).0;
    let alone = quiet();
    // Cut off in the middle of a block, where the filter is full.
    let mut loud = Box::pin(frames(
        speech(23_456, vec![Ok(sine(900.0, 23_456, 5001)), Err(Error::BrokenStream)]),
        format(34_567),
    ));
    assert!(loud.next().now_or_never().flatten().is_some_and(|frame| frame.is_ok()));
    drop(loud);
    for _ in 0..3 {
        assert_eq!(quiet(), alone);
    }
}

#[test]
fn resamples_fifty_times_faster_than_speech() {
    for from in [22_050, 24_000] {
        let seconds = 20;
        let pcm = sine(440.0, from, from as usize * seconds);
        let mut took = Duration::MAX;
        // The best of a few: other tests run beside this one.
        for _ in 0..10 {
            let chunks = chunked(&pcm, &[4096]);
            let began = Instant::now();
            let (frames, _) = run(speech(from, chunks), format(48_000));
            took = took.min(began.elapsed());
            assert_eq!(frames.iter().map(Bytes::len).sum::<usize>(), 48_000 * seconds * 2);
        }
        let times = Duration::from_secs(seconds as u64).as_secs_f64() / took.as_secs_f64();
        println!(
            "{from} Hz to 48000 Hz: {times:.0} times real time, {:.1} million samples/s out",
            times * 48_000.0 / 1e6
        );
        assert!(times > 50.0, "only {times:.0} times real time");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sounds_the_same_however_it_was_chunked(
        from in prop::sample::select(vec![16_000_u32, 22_050, 24_000, 44_100, 48_000]),
        left in prop::sample::select(vec![1.0_f32, 1.0, 0.5, 0.9, 1.25, 2.0, 3.0]),
        count in 1_usize..6000,
        sizes in prop::collection::vec(prop_oneof![Just(1_usize), 1_usize..64, 1_usize..9000], 1..12),
    ) {
        let pcm = sine(700.0, from, count);
        let (whole, none) = run(at_rate(left, from, vec![Ok(pcm.clone())]), format(48_000));
        prop_assert_eq!(none, None);
        for sizes in [sizes, vec![1]] {
            let (pieces, none) = run(at_rate(left, from, chunked(&pcm, &sizes)), format(48_000));
            prop_assert_eq!(none, None);
            prop_assert_eq!(whole.concat(), pieces.concat());
        }
        if from == 48_000 && SpeechRate::new(left) == Ok(SpeechRate::NORMAL) {
            prop_assert_eq!(whole.concat(), pcm.to_vec());
        }
    }
}
