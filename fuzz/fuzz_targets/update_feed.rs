#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nexy_releases::properties::update_feed(data));
