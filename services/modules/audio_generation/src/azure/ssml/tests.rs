use nexy_types::SpeechRate;

use super::{Spoken, change, document, escaped};

#[test]
fn writes_a_document() {
    let spoken = Spoken {
        locale: "en-US".to_owned(),
        voice: "en-US-AriaNeural",
        rate: SpeechRate::new(1.5).unwrap(),
        text: &escaped("Tom & Jerry"),
    };
    assert_eq!(
        document(&spoken),
        "<speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" xml:lang=\"en-US\">\
         <voice name=\"en-US-AriaNeural\"><prosody rate=\"+50%\">Tom &amp; Jerry</prosody></voice>\
         </speak>"
    );
}

#[test]
fn escapes_markup_and_drops_what_xml_cannot_hold() {
    for (text, expected) in [
        ("plain", "plain"),
        ("Привет, 世界 👋", "Привет, 世界 👋"),
        ("1 < 2 > 0 & \"x\" 'y'", "1 &lt; 2 &gt; 0 &amp; &quot;x&quot; &apos;y&apos;"),
        ("</voice><voice name='x'>", "&lt;/voice&gt;&lt;voice name=&apos;x&apos;&gt;"),
        ("&amp;", "&amp;amp;"),
        ("a\0b\u{1}c\u{B}d\u{1B}e\u{FFFE}f\u{FFFF}g", "abcdefg"),
        ("tab\tline\nreturn\r", "tab\tline\nreturn\r"),
        ("\u{FFFD}\u{10FFFF}", "\u{FFFD}\u{10FFFF}"),
    ] {
        assert_eq!(escaped(text), expected);
    }
}

#[test]
fn tells_the_rate_as_a_change() {
    for (factor, expected) in [
        (0.5, "-50%"),
        (0.999, "+0%"),
        (1.0, "+0%"),
        (1.25, "+25%"),
        (2.5, "+150%"),
        (3.0, "+200%"),
    ] {
        assert_eq!(change(SpeechRate::new(factor).unwrap()), expected);
    }
}
