use super::*;

#[test]
fn closes_after_time_out_and_grace_since_the_last_move() {
    let start = Instant::now();
    let mut watch = IdleWatch::new(Duration::from_secs(60), Duration::from_secs(10), start);
    assert_eq!(watch.closes_at(), start + Duration::from_secs(70));
    let later = start + Duration::from_secs(69);
    watch.moved(later);
    assert_eq!(watch.closes_at(), later + Duration::from_secs(70));
}
