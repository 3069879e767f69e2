#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nexy_audio_generation::properties::pcm_framer(data));
