use http::HeaderValue;

use super::*;

#[test]
fn time_outs_are_read_as_grpc_writes_them() {
    let rows = [
        ("5S", Some(Duration::from_secs(5))),
        ("250m", Some(Duration::from_millis(250))),
        ("1H", Some(Duration::from_secs(3600))),
        ("99999999u", Some(Duration::from_micros(99_999_999))),
        ("123456789S", None),
        ("S", None),
        ("5", None),
        ("é", None),
        ("", None),
    ];
    for (text, expected) in rows {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", HeaderValue::from_bytes(text.as_bytes()).unwrap());
        assert_eq!(deadline(&headers), expected, "{text:?}");
    }
}

#[test]
fn a_call_without_a_time_out_may_take_any_time() {
    assert_eq!(deadline(&HeaderMap::new()), None);
}
