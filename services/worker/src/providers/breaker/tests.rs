use super::*;

const OPEN_FOR: Duration = Duration::from_secs(30);

fn breaker() -> Breaker {
    Breaker::new("openai", BreakerSettings { threshold: 3, open_for: OPEN_FOR })
}

fn fail(breaker: &Breaker, times: u32, now: Instant) {
    for _ in 0..times {
        breaker.failed(Fault::default(), now);
    }
}

#[test]
fn opens_after_failures_in_a_row_and_not_before() {
    let (breaker, now) = (breaker(), Instant::now());
    fail(&breaker, 2, now);
    breaker.succeeded();
    fail(&breaker, 2, now);
    assert!(breaker.admits(now));
    fail(&breaker, 1, now);
    assert!(!breaker.admits(now));
    assert!(!breaker.admits(now + OPEN_FOR - Duration::from_millis(1)));
}

#[test]
fn recovery_is_probed_by_one_request() {
    let (breaker, now) = (breaker(), Instant::now());
    fail(&breaker, 3, now);
    let later = now + OPEN_FOR;
    assert!(breaker.admits(later));
    assert!(!breaker.admits(later), "one probe at a time");
    breaker.succeeded();
    assert!(breaker.admits(later));
}

#[test]
fn a_failed_probe_opens_it_again() {
    let (breaker, now) = (breaker(), Instant::now());
    fail(&breaker, 3, now);
    let later = now + OPEN_FOR;
    assert!(breaker.admits(later));
    fail(&breaker, 1, later);
    assert!(!breaker.admits(later + OPEN_FOR / 2));
    assert!(breaker.admits(later + OPEN_FOR));
}

#[test]
fn a_probe_that_never_reports_does_not_block_for_ever() {
    let (breaker, now) = (breaker(), Instant::now());
    fail(&breaker, 3, now);
    assert!(breaker.admits(now + OPEN_FOR));
    assert!(breaker.admits(now + OPEN_FOR * 2));
}

#[test]
fn a_provider_that_asks_for_time_gets_it_at_once() {
    let (breaker, now) = (breaker(), Instant::now());
    let day = Duration::from_secs(86_400);
    breaker.failed(Fault { leave_alone: Some(day) }, now);
    assert!(breaker.is_open(now));
    assert!(!breaker.admits(now + OPEN_FOR * 2));
    assert!(breaker.admits(now + day));
}

#[test]
fn a_time_beyond_all_clocks_is_not_an_overflow() {
    let (breaker, now) = (breaker(), Instant::now());
    breaker.failed(Fault { leave_alone: Some(Duration::MAX) }, now);
    assert!(!breaker.admits(now));
}
