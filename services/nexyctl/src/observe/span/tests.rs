use super::*;

#[test]
fn reads_what_people_write() {
    for (text, seconds) in
        [("60s", 60), ("90", 90), ("10m", 600), ("24h", 86_400), ("7d", 604_800), ("1h30m", 5400)]
    {
        assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
    }
}

#[test]
fn refuses_everything_else() {
    for text in ["", "0s", "-5s", "h", "5x", "5 m", "1.5h", "99999999999999999999s", "9999999999h"]
    {
        assert!(span(text).is_err(), "{text:?}");
    }
}

#[test]
fn writes_what_it_reads() {
    for text in ["1s", "10m", "1h30m", "7d", "1d1h1m1s"] {
        assert_eq!(span(text).map(written).as_deref(), Ok(text));
    }
    assert_eq!(written(Duration::ZERO), "0s");
}
