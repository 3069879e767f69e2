use super::*;

fn of(values: impl IntoIterator<Item = u64>) -> Spread {
    let mut spread = Spread::default();
    values.into_iter().for_each(|value| spread.add(value));
    spread
}

#[test]
fn a_percentile_is_the_nearest_rank() {
    for (values, p50, p95) in [
        (vec![], None, None),
        (vec![7], Some(7), Some(7)),
        (vec![1, 2], Some(1), Some(2)),
        ((1..=20).collect(), Some(10), Some(19)),
        ((1..=100).collect(), Some(50), Some(95)),
        ((1..=101).collect(), Some(51), Some(96)),
        (vec![5; 19].into_iter().chain([9000]).collect(), Some(5), Some(5)),
        (vec![0, 0, 4095], Some(0), Some(4095)),
    ] {
        let spread = of(values.clone());
        assert_eq!((spread.percentile(50), spread.percentile(95)), (p50, p95), "{values:?}");
    }
}

#[test]
fn great_values_are_kept_to_a_thousandth() {
    for value in [4096, 4097, 60_000, 123_456_789, u64::MAX] {
        let kept = of([value]).max().unwrap();
        assert!(kept <= value && value - kept <= value / 1000, "{value} became {kept}");
    }
    for value in [0, 1, 999, 1500, 4095] {
        assert_eq!(of([value]).max(), Some(value));
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_values() {
    let spread = of((0..2_000_000).map(|value| value * 1009));
    assert_eq!(spread.count(), 2_000_000);
    assert!(spread.counts.len() < 60_000, "{}", spread.counts.len());
}
