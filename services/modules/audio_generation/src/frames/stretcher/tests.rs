use std::{
    slice,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use nexy_types::SpeechRate;

use crate::{
    Speech, frames,
    frames::tests::{AMPLITUDE, at_rate, chunked, format, rate, run, samples, sine},
};

const LEFT: [f32; 7] = [0.5, 0.75, 1.25, 1.5, 2.0, 2.5, 3.0];

/// What is heard of a speech, at its own sample rate.
fn heard(left: f32, hz: u32, pcm: &Bytes) -> Vec<f64> {
    let (frames, error) = run(at_rate(left, hz, vec![Ok(pcm.clone())]), format(hz));
    assert_eq!(error, None);
    samples(&frames)
}

fn largest_step(signal: &[f64]) -> f64 {
    signal.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max)
}

fn loudness(signal: &[f64]) -> f64 {
    (signal.iter().map(|sample| sample * sample).sum::<f64>() / signal.len() as f64).sqrt()
}

fn decibels(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

/// How often a second a signal rises through zero.
fn pitch(signal: &[f64], hz: u32) -> f64 {
    let rises = signal.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    rises as f64 * f64::from(hz) / signal.len() as f64
}

#[test]
fn keeps_pitch_and_loudness_without_a_click_and_is_as_long_as_it_should() {
    for hz in [8_000, 16_000, 22_050, 24_000, 44_100, 48_000] {
        for (tone, left) in [97.0, 200.0, 311.0].into_iter().flat_map(|t| LEFT.map(|l| (t, l))) {
            let pcm = sine(tone, hz, 2 * hz as usize);
            let (said, heard) = (samples(slice::from_ref(&pcm)), heard(left, hz, &pcm));
            let (seconds, whole) = (heard.len() as f64 / f64::from(hz), 2.0 / f64::from(left));
            let case = format!("{tone} Hz at {hz} Hz, {left} times as fast");
            // The last two periods are not made shorter.
            let off = (seconds - whole).abs();
            let tail = 2.0 / tone * (1.0 - 1.0 / f64::from(left)).abs();
            assert!(off < 0.005 * whole + tail, "{case}: {seconds} s");
            let pitch = pitch(&heard, hz);
            // A period is a whole number of samples, so each jump may be half a sample
            // amiss: more than two in a hundred only at a telephone's rate.
            let rounding = 0.5 * tone / f64::from(hz) * f64::from(left - 1.0).abs().max(1.0);
            assert!((pitch / tone - 1.0).abs() < rounding.max(0.02), "{case}: {pitch} Hz");
            let change = decibels(loudness(&heard) / (AMPLITUDE / 2.0_f64.sqrt()));
            assert!(change.abs() < 0.5, "{case}: {change} dB");
            let steps = largest_step(&heard) / largest_step(&said);
            assert!(steps < 1.2, "{case}: a click {steps} times as steep");
        }
    }
}

#[test]
fn keeps_the_loudness_of_what_has_no_pitch() {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i16::try_from(state >> 17).unwrap() / 4 - 4096
    };
    let pcm: Vec<u8> = (0..48_000).flat_map(|_| noise().to_le_bytes()).collect();
    let pcm = Bytes::from(pcm);
    for left in LEFT {
        let change =
            loudness(&heard(left, 24_000, &pcm)) / loudness(&samples(slice::from_ref(&pcm)));
        assert!(decibels(change).abs() < 0.5, "{left}: {} dB", decibels(change));
    }
}

#[test]
fn loses_neither_the_beginning_nor_the_end() {
    for (left, count) in LEFT.into_iter().flat_map(|l| [1, 50, 119, 120, 740, 5001].map(|c| (l, c)))
    {
        let pcm = sine(200.0, 24_000, count);
        let (said, heard) = (samples(slice::from_ref(&pcm)), heard(left, 24_000, &pcm));
        let ends = |signal: &[f64]| (signal[0], *signal.last().unwrap());
        let (first, last) = ends(&heard);
        let case = format!("{count} samples, {left} times as fast");
        assert!((first - said[0]).abs() < 600.0, "{case}: begins with {first}");
        assert!((last - ends(&said).1).abs() < 600.0, "{case}: ends with {last}");
        let missing = heard.len() as f64 - count as f64 / f64::from(left);
        // A jump whose other half did not come, and two of the shortest periods.
        assert!(missing.abs() <= 240.0, "{case}: {missing} samples too many");
    }
}

#[tokio::test]
async fn begins_before_the_voice_has_ended() {
    for left in [0.5, 1.25, 2.0, 3.0] {
        let (sender, receiver) = tokio::sync::mpsc::channel(8);
        let pcm = Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver));
        let rate_left = SpeechRate::new(left).unwrap();
        let speech = Speech { sample_rate: rate(24_000), rate_left, pcm };
        let mut frames = frames(speech, format(24_000));
        let millis = |millis: usize| Ok(sine(200.0, 24_000, 24 * millis));
        sender.send(millis(20)).await.unwrap();
        assert!(frames.next().now_or_never().is_none());
        sender.send(millis(12)).await.unwrap();
        let first = frames.next().now_or_never().expect("32 ms are enough").unwrap().unwrap();
        assert!(!first.is_empty(), "{left}");
        drop(sender);
    }
}

#[test]
fn stretches_fifty_times_faster_than_speech() {
    let seconds = 20;
    let pcm = sine(120.0, 24_000, 24_000 * seconds);
    for left in LEFT {
        let mut took = Duration::MAX;
        // The best of a few: other tests run beside this one.
        for _ in 0..5 {
            let chunks = chunked(&pcm, &[4096]);
            let began = Instant::now();
            let (frames, _) = run(at_rate(left, 24_000, chunks), format(24_000));
            took = took.min(began.elapsed());
            assert!(!frames.is_empty());
        }
        let times = seconds as f64 / took.as_secs_f64();
        println!("{left} times as fast: {times:.0} times real time");
        assert!(times > 50.0, "only {times:.0} times real time");
    }
}
