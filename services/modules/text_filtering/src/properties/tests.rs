use nexy_testkit::fuzz::drive;

use super::*;

#[test]
fn any_cut_of_any_reply_gives_the_same() {
    drive(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/segmenter"), segmenter).unwrap();
}

#[test]
fn any_text_has_a_spoken_form() {
    drive(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/spoken_form"), spoken_form).unwrap();
}
