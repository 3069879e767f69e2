use proptest::prelude::*;

use super::{
    Wanted::{self, Part, Unsatisfiable, Whole},
    parse,
};

#[test]
fn reads_what_clients_send() {
    let check = |header: &str, length, expected: Wanted| {
        assert_eq!(parse(Some(header), length), expected, "{header:?} of {length}");
    };
    assert_eq!(parse(None, 10), Whole);
    check("bytes=0-0", 10, Part { first: 0, last: 0 });
    check("bytes=2-5", 10, Part { first: 2, last: 5 });
    check("bytes=2-", 10, Part { first: 2, last: 9 });
    check("bytes=-3", 10, Part { first: 7, last: 9 });
    check("bytes=-30", 10, Part { first: 0, last: 9 });
    check("bytes=5-99999999999999999999999", 10, Part { first: 5, last: 9 });
    check("Bytes=0-4", 10, Part { first: 0, last: 4 });
    check("bytes=10-", 10, Unsatisfiable);
    check("bytes=10-20", 10, Unsatisfiable);
    check("bytes=99999999999999999999999-", 10, Unsatisfiable);
    check("bytes=-0", 10, Unsatisfiable);
    check("bytes=0-0", 0, Unsatisfiable);
    check("bytes=0-", 0, Unsatisfiable);
    check("bytes=-1", 0, Unsatisfiable);
    for ignored in [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5",
        "bytes=5-2",
        "bytes=a-b",
        "bytes=1-b",
        "bytes=99-b",
        "bytes=+1-2",
        "bytes=0-1,4-5",
        "bytes=-1,-2",
        "items=0-1",
        "bytes=1-2-3",
    ] {
        check(ignored, 10, Whole);
    }
}

proptest! {
    #[test]
    fn a_part_always_lies_inside(header in "bytes=[0-9]{0,4}-[0-9]{0,4}", length in 0_u64..2000) {
        if let Part { first, last } = parse(Some(&header), length) {
            prop_assert!(first <= last && last < length);
        }
    }
}
