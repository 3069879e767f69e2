use super::*;

#[test]
fn a_reason_is_written_down_once_a_minute_with_how_often_it_was() {
    let refusals = Refusals::default();
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(refusals.due(Reason::TooSlow, at(0)), Some(1));
    assert_eq!(refusals.due(Reason::TooSlow, at(1)), None);
    assert_eq!(refusals.due(Reason::TooSlow, at(59)), None);
    assert_eq!(refusals.due(Reason::TooMany, at(59)), Some(1));
    assert_eq!(refusals.due(Reason::TooSlow, at(60)), Some(3));
    assert_eq!(refusals.due(Reason::TooSlow, at(61)), None);
}
