use super::*;

fn headers(rows: &[(&'static str, &'static str)]) -> HeaderMap {
    rows.iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
}

#[test]
fn retry_hints_are_read_in_every_form() {
    let at = "Fri, 20 Nov 2026 10:00:00 GMT";
    let later = "Fri, 20 Nov 2026 10:00:30 GMT";
    type Hint = (&'static str, &'static str);
    let rows: &[(&[Hint], Option<u64>)] = &[
        (&[], None),
        (&[("retry-after", "7")], Some(7_000)),
        (&[("retry-after", "1.5")], Some(1_500)),
        (&[("retry-after-ms", "250")], Some(250)),
        (&[("retry-after-ms", "250"), ("retry-after", "7")], Some(250)),
        (&[("retry-after-ms", "soon"), ("retry-after", "7")], Some(7_000)),
        (&[("date", at), ("retry-after", later)], Some(30_000)),
        (&[("date", later), ("retry-after", at)], Some(0)),
        (&[("retry-after", "-1")], None),
        (&[("retry-after", "NaN")], None),
        (&[("retry-after", "soon")], None),
        (&[("retry-after", "1e300")], None),
        (&[("retry-after", "1000000")], Some(86_400_000)),
    ];
    for (rows, expected) in rows {
        let hint = retry_after(&headers(rows));
        assert_eq!(hint, expected.map(Duration::from_millis), "{rows:?}");
    }
}

#[test]
fn statuses_become_what_the_caller_acts_on() {
    let rows = [
        (301, "rejected"),
        (400, "rejected"),
        (401, "unauthorized"),
        (402, "rejected"),
        (403, "unauthorized"),
        (404, "rejected"),
        (408, "unavailable"),
        (409, "unavailable"),
        (413, "rejected"),
        (422, "rejected"),
        (499, "unavailable"),
        (429, "rate_limited"),
        (500, "unavailable"),
        (503, "unavailable"),
        (529, "unavailable"),
    ];
    for (status, expected) in rows {
        assert_eq!(classify(status, Refusal::default()).as_str(), expected, "{status}");
    }
}
