use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::retry_after;

fn check(headers: &[(&str, &str)], expected: Option<Duration>) {
    let now = httpdate::parse_http_date("Fri, 20 Nov 2026 10:00:00 GMT").unwrap();
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap())
        })
        .collect();
    assert_eq!(retry_after(&headers, now), expected, "{headers:?}");
}

#[test]
fn reads_every_form_of_the_hint() {
    check(&[], None);
    check(&[("retry-after", "7")], Some(Duration::from_secs(7)));
    check(&[("retry-after", " 0.5 ")], Some(Duration::from_millis(500)));
    check(&[("retry-after-ms", "250")], Some(Duration::from_millis(250)));
    check(&[("retry-after-ms", "250"), ("retry-after", "7")], Some(Duration::from_millis(250)));
    check(&[("retry-after-ms", "soon"), ("retry-after", "7")], Some(Duration::from_secs(7)));
    check(&[("retry-after", "Fri, 20 Nov 2026 10:01:30 GMT")], Some(Duration::from_secs(90)));
    check(&[("retry-after", "Fri, 20 Nov 2026 09:00:00 GMT")], Some(Duration::ZERO));
}

#[test]
fn waits_a_day_at_most_and_trusts_no_clock_but_the_answers_own() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    check(&[("retry-after", "99999999")], Some(DAY));
    check(&[("retry-after-ms", "99999999999")], Some(DAY));
    check(&[("retry-after", "Fri, 20 Nov 2099 10:00:00 GMT")], Some(DAY));
    // Our clock is an hour behind theirs, or ahead of it.
    for (date, until) in [("11:00:00", "11:00:30"), ("09:00:00", "09:00:30")] {
        let stamp = |time: &str| format!("Fri, 20 Nov 2026 {time} GMT");
        let (date, until) = (stamp(date), stamp(until));
        check(&[("date", &date), ("retry-after", &until)], Some(Duration::from_secs(30)));
    }
}

#[test]
fn ignores_what_is_not_a_time() {
    for value in ["", "soon", "-1", "NaN", "inf", "1e300"] {
        check(&[("retry-after", value), ("retry-after-ms", value)], None);
    }
}

#[test]
fn reads_dates_against_the_real_clock() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(60));
    let headers = [(HeaderName::from_static("retry-after"), HeaderValue::try_from(date).unwrap())];
    let wait = retry_after(&headers.into_iter().collect(), SystemTime::now()).unwrap();
    assert!((Duration::from_secs(58)..=Duration::from_secs(60)).contains(&wait), "{wait:?}");
}
