use nexy_types::ErrorType;

use super::*;

fn parse(rows: &[(&'static str, &str)]) -> Result<Options, Refusal> {
    let mut metadata = MetadataMap::new();
    for (name, value) in rows {
        metadata.insert(*name, value.parse().unwrap());
    }
    Options::parse(&metadata)
}

#[test]
fn nothing_asked_is_the_default() {
    assert_eq!(parse(&[]).unwrap(), Options::default());
}

#[test]
fn what_is_asked_is_read() {
    let options = parse(&[
        ("nexy-actions", "action_message"),
        ("nexy-events", "turn"),
        ("nexy-timezone", "Europe/Moscow"),
        ("nexy-language", "ru-RU"),
        ("nexy-voice", "ru-RU-SvetlanaNeural"),
        ("nexy-speech-rate", "2.5"),
    ])
    .unwrap();
    assert_eq!(options.actions, Some(Actions::Over(ActionsTransport::ActionMessage)));
    assert!(options.turn_events);
    assert_eq!(options.timezone.as_deref(), Some("Europe/Moscow"));
    assert_eq!(options.language.unwrap().as_str(), "ru-RU");
    assert_eq!(options.voice.as_deref(), Some("ru-RU-SvetlanaNeural"));
    assert_eq!(options.speech_rate.unwrap(), SpeechRate::new(2.5).unwrap());
}

#[test]
fn a_value_that_makes_no_sense_is_refused_by_name() {
    let rows = [
        ("nexy-actions", "yes"),
        ("nexy-events", "all"),
        ("nexy-timezone", "Mars/Olympus"),
        ("nexy-language", "en_US!"),
        ("nexy-voice", ""),
        ("nexy-speech-rate", "9"),
        ("nexy-speech-rate", "fast"),
    ];
    for (name, value) in rows {
        let refusal = parse(&[(name, value)]).unwrap_err();
        assert_eq!(refusal.error, ErrorType::ValidationFailed);
        assert!(refusal.message.contains(name), "{}", refusal.message);
    }
}

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
        let mut metadata = MetadataMap::new();
        let value = tonic::metadata::MetadataValue::try_from(text.as_bytes()).unwrap();
        metadata.insert("grpc-timeout", value);
        assert_eq!(deadline(&metadata), expected, "{text:?}");
    }
}
