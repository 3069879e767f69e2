use bytes::Bytes;

use super::*;

fn frame(samples: &[i16], sample_rate: u32) -> AudioFrame {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let format = AudioFormat { sample_rate, channels: 1, dtype: "int16".to_owned() };
    AudioFrame { data: Bytes::from(data), format }
}

#[test]
fn saves_the_samples_as_they_came() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.wav");
    let first = frame(&[0, 1, -1], 48_000);
    let mut recording = Recording::create(&path, &first.format).unwrap();
    recording.add(&first).unwrap();
    recording.add(&frame(&[i16::MAX, i16::MIN], 48_000)).unwrap();
    recording.finish().unwrap();

    let mut wav = hound::WavReader::open(&path).unwrap();
    let spec = wav.spec();
    assert_eq!((spec.sample_rate, spec.channels, spec.bits_per_sample), (48_000, 1, 16));
    let samples: Vec<i16> = wav.samples().map(Result::unwrap).collect();
    assert_eq!(samples, [0, 1, -1, i16::MAX, i16::MIN]);
}

#[test]
fn refuses_to_mix_two_formats() {
    let folder = tempfile::tempdir().unwrap();
    let first = frame(&[0], 48_000);
    let mut recording = Recording::create(&folder.path().join("out.wav"), &first.format).unwrap();
    assert!(recording.add(&frame(&[0], 24_000)).is_err());
}

#[test]
fn numbers_stand_before_the_extension() {
    let path = Path::new("dir/out.wav");
    assert_eq!(numbered(path, None), Path::new("dir/out.wav"));
    assert_eq!(numbered(path, Some(2)), Path::new("dir/out-2.wav"));
    assert_eq!(numbered(Path::new("reply"), Some(1)), Path::new("reply-1"));
}
