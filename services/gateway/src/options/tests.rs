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
