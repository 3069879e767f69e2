use nexy_testkit::fuzz::drive;

use super::*;

#[test]
fn any_cut_of_any_reply_gives_the_same() {
    drive(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/reply_parser"), reply_parser).unwrap();
}
