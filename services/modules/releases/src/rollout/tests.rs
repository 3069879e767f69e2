use proptest::prelude::*;

use super::{InstallId, Percent, bucket};
use crate::Version;

fn build(text: &str) -> Version {
    Version::parse(text).unwrap()
}

fn id(text: &str) -> InstallId<'_> {
    InstallId::parse(text).unwrap()
}

#[test]
fn the_bucket_of_an_installation_is_what_it_was() {
    // printf '2.0.0.33\0install-1' | sha256sum, the first 16 digits mod 10000.
    assert_eq!(bucket(&build("2.0.0.33"), id("install-1")), 1030);
}

#[test]
fn a_share_of_the_installations_is_about_that_share() {
    let release = build("2.0.0.33");
    let names: Vec<_> = (0..10_000).map(|n| format!("install-{n}")).collect();
    for percent in [0, 1, 10, 50, 99, 100] {
        let share = Percent::new(percent).unwrap();
        let count = names.iter().filter(|name| share.includes(&release, id(name))).count();
        let expected = usize::try_from(percent).unwrap() * 100;
        assert!(count.abs_diff(expected) < 200, "{percent} % are {count} of 10000");
    }
    let none = Percent::new(0).unwrap();
    assert!(!names.iter().any(|name| none.includes(&release, id(name))));
    assert!(names.iter().all(|name| Percent::ALL.includes(&release, id(name))));
}

#[test]
fn refuses_what_is_no_share_and_no_id() {
    assert!(Percent::new(101).is_err());
    assert!(Percent::new(u64::MAX).is_err());
    let long = "x".repeat(129);
    for text in ["", " ", "a b", "ä", "a/b", "a\0b", &long] {
        assert_eq!(InstallId::parse(text), None, "{text:?} was taken");
    }
    assert!(InstallId::parse(&"x".repeat(128)).is_some());
    assert!(!format!("{:?}", id("secret")).contains("secret"));
}

proptest! {
    #[test]
    fn raising_the_share_takes_the_release_away_from_nobody(
        name in "[a-zA-Z0-9._-]{1,128}",
        low in 0_u64..=100,
        high in 0_u64..=100,
    ) {
        let (low, high) = (low.min(high), low.max(high));
        let release = build("2.1b3");
        if Percent::new(low).unwrap().includes(&release, id(&name)) {
            prop_assert!(Percent::new(high).unwrap().includes(&release, id(&name)));
        }
    }
}
