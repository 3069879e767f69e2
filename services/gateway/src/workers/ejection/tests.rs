use super::*;

const SETTINGS: EjectionSettings = EjectionSettings {
    after_failures: 3,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(30),
};

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

#[test]
fn failures_in_a_row_eject_and_others_do_not() {
    let (mut record, now) = (Record::default(), Instant::now());
    for _ in 0..10 {
        assert_eq!(record.failed(now, SETTINGS), None);
        assert_eq!(record.failed(now, SETTINGS), None);
        record.served();
    }
    assert_eq!(record.failed(now, SETTINGS), None);
    assert_eq!(record.failed(now, SETTINGS), None);
    assert!(!record.is_ejected(now));
    assert_eq!(record.failed(now, SETTINGS), seconds(1));
    assert!(record.is_ejected(now));
    assert!(!record.is_ejected(now + Duration::from_secs(1)));
}

#[test]
fn each_time_lasts_twice_as_long_up_to_the_longest() {
    let (mut record, mut now) = (Record::default(), Instant::now());
    record.failed(now, SETTINGS);
    record.failed(now, SETTINGS);
    for expected in [1, 2, 4, 8, 16, 30, 30] {
        assert_eq!(record.failed(now, SETTINGS), seconds(expected));
        now += Duration::from_secs(expected);
    }
}

#[test]
fn turns_that_were_on_their_way_do_not_prolong_it() {
    let (mut record, now) = (Record::default(), Instant::now());
    for _ in 0..3 {
        record.failed(now, SETTINGS);
    }
    for _ in 0..100 {
        assert_eq!(record.failed(now, SETTINGS), None);
    }
    assert!(!record.is_ejected(now + Duration::from_secs(1)));
}

#[test]
fn a_turn_that_went_well_clears_the_record() {
    let (mut record, now) = (Record::default(), Instant::now());
    for _ in 0..3 {
        record.failed(now, SETTINGS);
    }
    record.served();
    assert!(!record.is_ejected(now));
    assert_eq!(record.failed(now, SETTINGS), None);
}
