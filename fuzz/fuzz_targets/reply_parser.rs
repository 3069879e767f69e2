#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nexy_assistant_response::properties::reply_parser(data));
