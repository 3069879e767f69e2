#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nexy_text_filtering::properties::segmenter(data));
