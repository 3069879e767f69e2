use super::*;

#[test]
fn sends_no_metadata_unless_asked_to() {
    let asker = Asker::new(None, None, &Wishes::default()).unwrap();
    let request = asker.request("Hello?", None);
    assert!(request.metadata().is_empty());
    let question = request.into_inner();
    assert_eq!(question.prompt, "Hello?");
    assert!(question.hardware_id.starts_with("nexyctl-"));
    assert!(SessionId::parse(&question.session_id).is_ok());
}

#[test]
fn asks_for_what_is_wished() {
    let wishes = Wishes {
        language: Language::parse("ru-RU"),
        rate: SpeechRate::new(1.5).ok(),
        actions: Some(Actions::ActionMessage),
        ..Wishes::default()
    };
    let request = Asker::new(None, None, &wishes).unwrap().request("x", None);
    let sent = |name: &str| request.metadata().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(sent("nexy-language"), "ru-RU");
    assert_eq!(sent("nexy-speech-rate"), "1.5");
    assert_eq!(sent("nexy-actions"), "action_message");
}

#[test]
fn knows_images_by_their_signature() {
    let rows: [(&[u8], bool); 5] = [
        (b"\x89PNG\r\n\x1a\nrest", true),
        (b"\xFF\xD8\xFF\xE0rest", true),
        (b"RIFF\0\0\0\0WEBPrest", true),
        (b"RIFF\0\0\0\0WAVErest", false),
        (b"", false),
    ];
    for (bytes, expected) in rows {
        assert_eq!(is_image(bytes), expected, "{bytes:?}");
    }
}

#[test]
fn a_file_that_is_no_image_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "hello").unwrap();
    let error = screenshot(&path).unwrap_err().to_string();
    assert!(error.ends_with("notes.txt: not a PNG, JPEG or WebP image"), "{error}");
}
