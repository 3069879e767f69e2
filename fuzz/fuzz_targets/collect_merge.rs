#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nexy_session_management::properties::collect_merge(data));
