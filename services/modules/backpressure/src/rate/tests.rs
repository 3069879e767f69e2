use super::*;

#[test]
fn refuses_the_message_above_the_limit_of_any_second() {
    let start = Instant::now();
    let mut rate = MessageRate::new(3);
    for ms in [0, 400, 900] {
        rate.admit(start + Duration::from_millis(ms)).unwrap();
    }
    let refused = rate.admit(start + Duration::from_millis(999));
    assert_eq!(refused, Err(RateExceeded { per_second: 3 }));
    // The first one has left the window.
    rate.admit(start + Duration::from_millis(1000)).unwrap();
}

#[test]
fn zero_is_off() {
    let start = Instant::now();
    let mut rate = MessageRate::new(0);
    assert!((0..10_000).all(|_| rate.admit(start).is_ok()));
    assert!(rate.arrivals.is_empty());
}
