use super::*;

const OPEN_FOR: Duration = Duration::from_secs(30);

const WINDOW: Duration = Duration::from_secs(60);

fn breaker() -> Breaker {
    let settings = BreakerSettings {
        threshold: 3,
        error_ratio: 0.5,
        min_requests: 8,
        window: WINDOW,
        open_for: OPEN_FOR,
    };
    Breaker::new("openai", settings)
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
    breaker.succeeded(now, now);
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
    breaker.succeeded(later, later);
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
fn a_probe_that_finds_out_nothing_leaves_it_to_the_next() {
    let breaker = Arc::new(Breaker::new(
        "openai",
        BreakerSettings { open_for: Duration::ZERO, ..breaker().settings },
    ));
    fail(&breaker, 3, Instant::now());
    let soon = Instant::now() + OPEN_FOR;
    drop(breaker.admit(false).unwrap());
    let probe = breaker.admit(false).unwrap();
    probe.succeeded();
    assert!(matches!(breaker.edit(|health| health.state), State::Closed { .. }));

    let breaker = self::breaker();
    fail(&breaker, 3, soon);
    let later = soon + OPEN_FOR;
    assert!(breaker.admits(later) && !breaker.admits(later));
    breaker.gave_up(later);
    assert!(breaker.admits(later) && !breaker.admits(later));
}

#[test]
fn what_was_on_its_way_before_the_trouble_ends_no_pause() {
    let (breaker, now) = (breaker(), Instant::now());
    let asked = Fault { leave_alone: Some(OPEN_FOR * 4) };
    let later = now + Duration::from_secs(1);
    breaker.failed(asked, later);
    breaker.succeeded(now, later);
    assert!(breaker.is_open(later), "asked before");
    breaker.failed(Fault::default(), later);
    assert!(breaker.is_open(later + OPEN_FOR * 4 - Duration::from_millis(1)), "shortened");
    // The last of a list is asked all the same.
    breaker.succeeded(later, later);
    assert!(breaker.admits(later));
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

/// Alternates, so that failures never stand in a row.
fn every_other_fails(breaker: &Breaker, requests: u32, now: Instant) {
    for request in 0..requests {
        if request % 2 == 0 {
            breaker.succeeded(now, now);
        } else {
            fail(breaker, 1, now);
        }
    }
}

#[test]
fn a_large_share_of_failures_opens_it_without_any_in_a_row() {
    let (breaker, now) = (breaker(), Instant::now());
    every_other_fails(&breaker, 7, now);
    assert!(breaker.admits(now), "too few to tell");
    fail(&breaker, 1, now);
    assert!(!breaker.admits(now));
}

#[test]
fn a_small_share_of_failures_is_borne() {
    let (breaker, now) = (breaker(), Instant::now());
    for _ in 0..100 {
        breaker.succeeded(now, now);
        breaker.succeeded(now, now);
        fail(&breaker, 1, now);
    }
    assert!(breaker.admits(now));
}

#[test]
fn what_is_older_than_the_window_counts_no_more() {
    let (breaker, now) = (breaker(), Instant::now());
    // Six within a window: fewer than a share needs.
    for step in 0..100 {
        let at = now + WINDOW / 3 * step;
        every_other_fails(&breaker, 2, at);
        assert!(breaker.admits(at), "step {step}");
    }
    let later = now + WINDOW * 100;
    every_other_fails(&breaker, 8, later);
    assert!(!breaker.admits(later));
}

#[test]
fn what_was_before_a_recovery_is_forgotten() {
    let (breaker, now) = (breaker(), Instant::now());
    every_other_fails(&breaker, 8, now);
    let later = now + OPEN_FOR;
    assert!(breaker.admits(later));
    breaker.succeeded(later, later);
    fail(&breaker, 1, later);
    assert!(breaker.admits(later));
}

#[test]
fn the_metric_is_true_without_traffic_too() {
    // A name that no other test here has.
    let breaker = Breaker { provider: "azure", ..breaker() };
    let now = Instant::now();
    let shown = |at: Instant| metrics::BREAKER_STATE.get(["azure"], at);
    fail(&breaker, 2, now);
    assert_eq!(shown(now), 0);
    fail(&breaker, 1, now);
    assert_eq!((shown(now), shown(now + OPEN_FOR - Duration::from_millis(1))), (2, 2));
    assert_eq!((shown(now + OPEN_FOR), breaker.is_open(now + OPEN_FOR)), (1, false));

    // It failed again, or asked for more time, while it was left alone.
    let later = now + OPEN_FOR / 2;
    breaker.failed(Fault { leave_alone: Some(OPEN_FOR * 4) }, later);
    assert_eq!((shown(now + OPEN_FOR), shown(later + OPEN_FOR * 4)), (2, 1));

    let later = later + OPEN_FOR * 4;
    assert!(breaker.admits(later));
    assert_eq!((shown(later), shown(later + OPEN_FOR * 100)), (1, 1));
    breaker.succeeded(later, later);
    assert_eq!(shown(later), 0);
}
