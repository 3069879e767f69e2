use nexy_testkit::fuzz::drive;

use super::*;

#[test]
fn any_cut_of_any_sound_is_heard_the_same() {
    drive(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/pcm_framer"), pcm_framer).unwrap();
}
