use bytes::Bytes;
use serde_json::json;

use super::*;

fn settings() -> ConsentSettings {
    ConsentSettings {
        english: "Shall I?".to_owned(),
        russian: "Сделать?".to_owned(),
        max_args_bytes: 40,
    }
}

fn action(args: Value) -> Action {
    let Value::Object(args) = args else { panic!("not an object") };
    Action { command: "send_mail".to_owned(), args }
}

fn question(prompt: &str, waiting: Option<Action>) -> Question {
    Question { waiting, ..crate::turn::tests::question(prompt) }
}

fn shown(prompt: &str, waiting: Option<Action>) -> Question {
    Question { screenshot: Some(Bytes::new()), ..question(prompt, waiting) }
}

fn check(question: &Question, action: &Action) -> Result<(), Hold> {
    Consent::of(question, &settings()).check(action)
}

#[test]
fn only_what_was_asked_about_is_agreed_to() {
    let mail = action(json!({"to": "Ada", "copies": 1}));
    let rows = [
        (None, Err(Hold::Unasked)),
        (Some(mail.clone()), Ok(())),
        // The order of keys means nothing.
        (Some(action(json!({"copies": 1, "to": "Ada"}))), Ok(())),
        (Some(action(json!({"to": "Eve", "copies": 1}))), Err(Hold::Changed)),
        (Some(action(json!({"to": "Ada"}))), Err(Hold::Changed)),
        (Some(action(json!({"to": "Ada", "copies": 1, "cc": "Eve"}))), Err(Hold::Changed)),
        (Some(Action { command: "pay".to_owned(), ..mail.clone() }), Err(Hold::Changed)),
    ];
    for (waiting, expected) in rows {
        assert_eq!(check(&question("Go ahead", waiting), &mail), expected);
    }
    let long = action(json!({"text": "x".repeat(40)}));
    assert_eq!(check(&question("Send it", None), &long), Err(Hold::TooLong));
}

#[test]
fn a_word_that_refuses_keeps_it_back_whatever_the_model_thinks() {
    let mail = action(json!({"to": "Ada"}));
    for words in [
        "No",
        "no, don\u{2019}t",
        "Please don't send it",
        "I WOULDN'T",
        "wait",
        "yes, no, stop!",
        "Нет",
        "не надо",
        "Ни в коем случае",
        "да нет, подожди",
    ] {
        let asked = question(words, Some(mail.clone()));
        assert_eq!(check(&asked, &mail), Err(Hold::Unagreed), "{words}");
    }
    // Whole words only.
    for words in ["Do it now, I know what I want", "Отправляй, небо свидетель", "Klar", "👍"]
    {
        assert_eq!(check(&question(words, Some(mail.clone())), &mail), Ok(()), "{words}");
    }
}

#[test]
fn beside_a_screenshot_the_users_own_words_must_agree() {
    let mail = action(json!({"to": "Ada"}));
    for (words, expected) in [
        ("What is on my screen?", Err(Hold::Unagreed)),
        ("Where is the OK button?", Err(Hold::Unagreed)),
        ("Что на экране?", Err(Hold::Unagreed)),
        ("Does it say yesterday?", Err(Hold::Unagreed)),
        ("Yes, but do not send it", Err(Hold::Unagreed)),
        ("Yes.", Ok(())),
        ("Oh YEAH, send it", Ok(())),
        ("Да, отправляй", Ok(())),
        ("Ага", Ok(())),
    ] {
        assert_eq!(check(&shown(words, Some(mail.clone())), &mail), expected, "{words}");
    }
}

#[test]
fn a_reply_that_asks_needs_no_other_question() {
    let asked = |reply: &str, language: Option<&str>| {
        let mut question = question("Write to Ada", None);
        question.listener.language = language.and_then(Language::parse);
        Consent::of(&question, &settings()).question_after(reply).map(str::to_owned)
    };
    for reply in [
        "Shall I write to Ada?",
        "Отправить «привет»?",
        "Send \"hi?\"",
        "送信しますか？",
        "Now? 🙂",
    ] {
        assert_eq!(asked(reply, None), None, "{reply}");
    }
    for reply in
        ["Writing.", "Shall I? I will.", "Why? Because…", "Sent!", "Sending", "はい？そう。"]
    {
        assert_eq!(asked(reply, None).as_deref(), Some("Shall I?"), "{reply}");
    }
    assert_eq!(asked("Отправляю.", Some("en")).as_deref(), Some("Сделать?"));
    assert_eq!(asked("Writing.", Some("ru")).as_deref(), Some("Shall I?"));
    assert_eq!(asked("", Some("ru")).as_deref(), Some("Сделать?"));
    assert_eq!(asked("", None).as_deref(), Some("Shall I?"));
}

#[test]
fn an_action_is_spelled_out_by_its_plain_values() {
    let args = json!({"to": "Ada", "copies": 2, "urgent": true, "cc": ["Eve"], "at": null});
    let text = spelled_out(&action(args));
    let mut parts: Vec<&str> = text.trim_end_matches('.').split(", ").collect();
    assert_eq!(parts.remove(0), "send mail");
    parts.sort_unstable();
    assert_eq!(parts, ["2", "Ada", "true"]);
    assert_eq!(spelled_out(&action(json!({}))), "send mail.");
}
