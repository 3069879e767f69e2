use super::*;

const SETTINGS: ConfirmSettings =
    ConfirmSettings { within: Duration::from_secs(60), max_waiting: 2 };

fn device(n: u8) -> HardwareId {
    HardwareId::parse(&format!("device-{n}")).unwrap()
}

/// Devices of which nobody was asked, and a time to begin at.
fn confirmations() -> (Confirmations<&'static str>, Instant) {
    (Confirmations::new(SETTINGS), Instant::now())
}

#[test]
fn what_the_last_turn_asked_is_there_for_the_next_words_only() {
    let (confirmations, now) = confirmations();
    assert_eq!(confirmations.take(&device(1), now), None);
    confirmations.settle(&device(1), Some("send"), now);
    assert_eq!(confirmations.take(&device(1), now), Some("send"));
    assert_eq!(confirmations.take(&device(1), now), None);
}

#[test]
fn a_complete_turn_clears_what_an_earlier_one_asked() {
    let (confirmations, now) = confirmations();
    confirmations.settle(&device(1), Some("send"), now);
    confirmations.settle(&device(1), None, now);
    assert_eq!(confirmations.take(&device(1), now), None);

    confirmations.settle(&device(1), Some("send"), now);
    confirmations.settle(&device(1), Some("pay"), now);
    assert_eq!(confirmations.take(&device(1), now), Some("pay"));

    confirmations.settle(&device(1), Some("send"), now);
    confirmations.forget(&device(1));
    assert_eq!(confirmations.take(&device(1), now), None);
}

#[test]
fn an_answer_that_comes_late_agrees_to_nothing() {
    let (confirmations, now) = confirmations();
    let expired = now + SETTINGS.within;
    confirmations.settle(&device(1), Some("send"), now);
    assert_eq!(confirmations.take(&device(1), expired - Duration::from_nanos(1)), Some("send"));
    confirmations.settle(&device(1), Some("send"), now);
    assert_eq!(confirmations.take(&device(1), expired), None);
    assert_eq!(confirmations.waiting(), 0);
}

#[test]
fn devices_do_not_answer_for_each_other() {
    let (confirmations, now) = confirmations();
    confirmations.settle(&device(1), Some("send"), now);
    assert_eq!(confirmations.take(&device(2), now), None);
    confirmations.settle(&device(2), None, now);
    confirmations.forget(&device(2));
    assert_eq!(confirmations.take(&device(1), now), Some("send"));
}

#[test]
fn the_number_of_devices_is_bounded() {
    let (confirmations, now) = confirmations();
    let second = Duration::from_secs(1);
    confirmations.settle(&device(1), Some("one"), now);
    confirmations.settle(&device(2), Some("two"), now + second);
    // A device that is asked again needs no more room.
    confirmations.settle(&device(1), Some("one again"), now + 2 * second);
    assert_eq!(confirmations.waiting(), 2);
    confirmations.settle(&device(3), Some("three"), now + 3 * second);
    assert_eq!(confirmations.waiting(), 2);
    assert_eq!(confirmations.take(&device(2), now + 3 * second), None);
    assert_eq!(confirmations.take(&device(1), now + 3 * second), Some("one again"));

    // What has expired goes first.
    let expired = now + 3 * second + SETTINGS.within;
    confirmations.settle(&device(4), Some("four"), expired - second);
    confirmations.settle(&device(5), Some("five"), expired);
    assert_eq!(confirmations.waiting(), 2);
    assert_eq!(confirmations.take(&device(4), expired), Some("four"));
}

#[test]
fn debug_shows_nothing_of_what_was_asked() {
    let (confirmations, now) = confirmations();
    confirmations.settle(&device(1), Some("secret"), now);
    assert_eq!(format!("{confirmations:?}"), "Confirmations(..)");
}
