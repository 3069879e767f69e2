use nexy_testkit::fuzz::drive;

use super::*;

#[test]
fn what_is_written_of_any_manifest_is_accepted() {
    drive(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/update_manifest"), update_manifest).unwrap();
}

#[test]
fn any_bytes_are_a_feed_or_a_problem() {
    drive(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/update_feed"), update_feed).unwrap();
}
