#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nexy_text_processing::properties::openai_stream(data));
