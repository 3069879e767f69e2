use nexy_testkit::fuzz::drive;

use super::*;

#[test]
fn any_pieces_of_speech_can_be_put_together() {
    drive(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/collect_merge"), collect_merge).unwrap();
}
