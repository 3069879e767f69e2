use std::cmp::Ordering::{self, Equal, Greater, Less};

use proptest::prelude::*;

use super::{Version, compare};

fn check(left: &str, expected: Ordering, right: &str) {
    assert_eq!(compare(left, right), expected, "{left:?} against {right:?}");
    assert_eq!(compare(right, left), expected.reverse(), "{right:?} against {left:?}");
}

#[test]
fn orders_numbers() {
    check("1.0", Less, "1.1");
    check("1.0", Equal, "1.0");
    check("2.0", Greater, "1.1");
    check("0.1", Greater, "0.0.1");
    check("0.1", Less, "0.1.2");
    check("1.0", Equal, "1.0.0");
    check("1.9", Less, "1.10");
    check("1.01", Equal, "1.1");
}

#[test]
fn ignores_everything_from_the_first_dash_on() {
    check("1.5.5-335d3e2", Less, "1.5.6-b252311");
    check("1.5.5-335d3e2", Equal, "1.5.5-a655360");
    check("1.5-335d3e2", Equal, "1.5.0-335d3e2");
    check("1.0.0-beta.1", Equal, "1.0.0");
}

#[test]
fn puts_prereleases_before_their_release() {
    check("1.5.5", Less, "1.5.6a1");
    check("1.1.0b1", Less, "1.1.0b2");
    check("1.1.1b2", Less, "1.1.2b1");
    check("1.1.1b2", Less, "1.1.2a1");
    check("1.0a1", Less, "1.0b1");
    check("1.0b1", Less, "1.0");
    check("0.9", Less, "1.0a1");
    check("1.0b", Less, "1.0b2");
    check("1.0b10", Less, "1.0b11");
    check("1.0b9", Less, "1.0b10");
    check("1.0rc", Less, "1.0");
    check("1.0b", Less, "1.0");
    check("1.0pre1", Less, "1.0");
    check("1.0pre1", Equal, "1.0.0pre1");
}

#[test]
fn orders_versions_with_build_numbers() {
    check("1.0 (1234)", Less, "1.0 (1235)");
    check("1.0b1 (1234)", Less, "1.0 (1234)");
    check("1.0b5 (1234)", Less, "1.0b5 (1235)");
    check("1.0b5 (1234)", Less, "1.0.1b5 (1234)");
    check("1.0.1b5 (1234)", Less, "1.0.1b6 (1234)");
    check("2.0.0.2429", Less, "2.0.0.2430");
    check("1.1.1.1818", Less, "2.0.0.2430");
    check("3.3 (5847)", Less, "3.3.1b1 (5902)");
    check("3.3 (5847)", Equal, "3.3.0 (5847)");
    check("1.1.1.1818", Equal, "1.1.1.1818.0");
    check("3.3b1 (5902)", Equal, "3.3.0b1 (5902)");
}

#[test]
fn orders_dates_written_as_numbers() {
    check("201210251627", Less, "201211051041");
    check("201210251627.0", Equal, "201210251627");
}

#[test]
fn treats_all_separators_alike_and_survives_odd_texts() {
    check("1_0", Equal, "1,0");
    check("", Equal, "");
    check("", Less, "1");
    check("99999999999999999999", Equal, "99999999999999999998");
    check("1.é", Less, "1.0");
    check("-", Less, "-1");
}

#[test]
fn a_lone_build_number_beats_every_dotted_version() {
    // Why a manifest's build must not be a lone number: the client would be
    // offered the "update" for ever.
    check("3200", Greater, "2.0.0.32");
}

#[test]
fn takes_versions_in_the_format_of_the_app() {
    for text in ["2.0.0.32", "1.0", "0.0.1", "2.1b3", "2.1.0rc", "10.20.30.40.50"] {
        assert_eq!(Version::parse(text).unwrap().as_str(), text);
    }
    for text in [
        "", "32", "2000032", "v2.0", "2.", ".2", "2..0", "2.0-beta", "2.0 ", " 2.0", "2.0B1",
        "2.0.b", "2.0b1.2", "two", "2,0", "b1", "2.0é",
    ] {
        assert!(Version::parse(text).is_err(), "{text:?} was taken");
    }
    assert!(Version::parse(&"1.".repeat(40)).is_err());
}

proptest! {
    #[test]
    fn the_order_of_valid_versions_is_total(
        a in "[0-9]{1,2}(\\.[0-9]){1,3}([ab][0-9]?)?",
        b in "[0-9]{1,2}(\\.[0-9]){1,3}([ab][0-9]?)?",
        c in "[0-9]{1,2}(\\.[0-9]){1,3}([ab][0-9]?)?",
    ) {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
            prop_assert!(compare(&a, &c).is_le());
        }
        prop_assert!(Version::parse(&a).is_ok());
    }

    #[test]
    fn comparing_any_two_texts_ends(a in ".{0,40}", b in ".{0,40}") {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
    }
}
