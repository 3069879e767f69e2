use super::*;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn the_age_differs_within_the_jitter() {
    let rows = [
        (10, 0, Duration::from_secs(3240)),
        (10, 1000, HOUR),
        (10, 2000, Duration::from_secs(3960)),
        (10, 2001, Duration::from_secs(3240)),
        (0, 1234, HOUR),
    ];
    for (percent, random, expected) in rows {
        assert_eq!(spread(HOUR, percent, random), expected, "{percent} % by {random}");
    }
}

#[test]
fn the_longest_age_can_be_spread() {
    let longest = Duration::from_secs(30 * 86_400);
    assert_eq!(spread(longest, 50, 2000), longest + longest / 2);
}

#[test]
fn two_connections_seldom_have_the_same_age() {
    let ages: std::collections::HashSet<Duration> =
        (0..100).map(|_| spread(HOUR, 10, random())).collect();
    assert!(ages.len() > 50, "{} different ages of 100", ages.len());
}
