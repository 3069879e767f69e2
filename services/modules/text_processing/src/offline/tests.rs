use futures_util::StreamExt;
use nexy_types::{Argument, ArgumentKind, Command, Risk};

use super::*;
use crate::{Exchange, Screen};

fn command(name: &str) -> Command {
    Command {
        name: name.to_owned(),
        description: String::new(),
        arguments: vec![Argument {
            name: "app_name".to_owned(),
            kind: ArgumentKind::String,
            required: true,
            description: String::new(),
        }],
        risk: Risk::Acts,
    }
}

fn request(prompt: &str) -> ChatRequest {
    ChatRequest {
        system: String::new(),
        history: vec![Exchange {
            user: "Where is Paris?".to_owned(),
            assistant: "In France.".to_owned(),
        }],
        prompt: prompt.to_owned(),
        screen: Screen::NotSent,
        commands: vec![command("open_app"), command("close_app")],
        language: Language::english(),
        now: "2026-11-20T15:05:00+03:00[Europe/Moscow]".parse().unwrap(),
        outages: false,
    }
}

fn check(prompt: &str, expected: &str) {
    assert_eq!(answer(&request(prompt)), expected, "{prompt:?}");
}

fn check_app(prompt: &str, command: &str, app: &str, text: &str) {
    let expected = format!(
        r#"{{"session_id":"","command":"{command}","args":{{"app_name":"{app}"}},"text":"{text}"}}"#
    );
    check(prompt, &expected);
}

const UNKNOWN: &str = "I am the offline assistant, and I cannot answer that. \
    No language model is configured on this server. \
    I can tell the time and the date, do sums, repeat what was said, and open and close apps.";
const UNKNOWN_RUSSIAN: &str = "Я автономный помощник и не могу на это ответить. \
    На этом сервере не настроена языковая модель. \
    Я могу назвать время и дату, считать, повторить сказанное, открывать и закрывать приложения.";

#[test]
fn time_and_date_are_told() {
    let date = "Today is Friday, November 20, 2026.";
    let russian_date = "Сегодня пятница, 20 ноября 2026 года.";
    let rows = [
        ("What time is it?", "It is 3:05 PM."),
        ("what's the time", "It is 3:05 PM."),
        ("What’s the time right now?", "It is 3:05 PM."),
        ("Hey Nexy, could you please tell me the time?", "It is 3:05 PM."),
        ("Do you know what time it is?", "It is 3:05 PM."),
        ("Hello! What time is it now, please?", "It is 3:05 PM."),
        ("Который час?", "Сейчас 15 часов 5 минут."),
        ("Сколько сейчас времени?", "Сейчас 15 часов 5 минут."),
        ("Нэкси, подскажи, пожалуйста, сколько времени", "Сейчас 15 часов 5 минут."),
        ("What is the date?", date),
        ("what's the date today", date),
        ("What's today's date?", date),
        ("What day is it today?", date),
        ("What day of the week is it?", date),
        ("What year is it?", date),
        ("What day is tomorrow?", "Tomorrow is Saturday, November 21, 2026."),
        ("What day was it yesterday?", "Yesterday was Thursday, November 19, 2026."),
        ("Какое сегодня число?", russian_date),
        ("какой сегодня день недели", russian_date),
        ("Какой завтра день?", "Завтра суббота, 21 ноября 2026 года."),
        ("Какой вчера был день?", "Вчера был четверг, 19 ноября 2026 года."),
    ];
    for (prompt, expected) in rows {
        check(prompt, expected);
    }
}

#[test]
fn small_talk_is_answered() {
    let rows = [
        ("Hello", "Hello! How can I help?"),
        ("Hey Nexy!", "Hello! How can I help?"),
        ("Good morning, Nexy", "Hello! How can I help?"),
        ("Привет!", "Здравствуйте! Чем могу помочь?"),
        ("Добрый день, Нэкси", "Здравствуйте! Чем могу помочь?"),
        ("How are you?", "I am ready. How can I help?"),
        ("Как дела?", "Всё в порядке. Чем могу помочь?"),
        ("Thank you!", "You are welcome."),
        ("Thanks, Nexy", "You are welcome."),
        ("Большое спасибо", "Пожалуйста."),
        ("Goodbye", "Goodbye."),
        ("До свидания", "До свидания."),
        ("What did I just say?", "You said: Where is Paris?"),
        ("Что я только что сказал?", "Вы сказали: Where is Paris?"),
        ("Can you repeat that?", "I said: In France."),
        ("Повтори, пожалуйста", "Мой ответ: In France."),
        (
            "What can you do?",
            "I can tell the time and the date, do sums, repeat what was said, \
             and open and close apps.",
        ),
        (
            "Who are you?",
            "I am Nexy, a voice assistant. No language model is configured on this server. \
             I can tell the time and the date, do sums, repeat what was said, \
             and open and close apps.",
        ),
        (
            "Что ты умеешь?",
            "Я могу назвать время и дату, считать, повторить сказанное, \
             открывать и закрывать приложения.",
        ),
        (
            "What's on my screen?",
            "I cannot see images. No language model is configured on this server.",
        ),
    ];
    for (prompt, expected) in rows {
        check(prompt, expected);
    }
}

#[test]
fn sums_are_done() {
    let rows = [
        ("2+2", "That is 4."),
        ("What is 2 + 2?", "That is 4."),
        ("Hey Nexy, what's twelve times twelve, please?", "That is 144."),
        ("How much is 15 percent of 80?", "That is 12."),
        ("Calculate (3 + 4) × 2", "That is 14."),
        ("what is 10 divided by 4", "That is 2.5."),
        ("what is 10 divided by 3", "That is about 3.3333."),
        ("0.1 + 0.2", "That is 0.3."),
        ("3 minus 8", "That is minus 5."),
        ("What is 1 / 0?", "Nothing can be divided by zero."),
        ("Сколько будет 2 плюс 2?", "Получается 4."),
        ("сколько будет семь умножить на восемь", "Получается 56."),
        ("Посчитай 7 разделить на 2", "Получается 3,5."),
        ("Сколько будет 15 процентов от 80?", "Получается 12."),
        ("Раздели 1 на 0", UNKNOWN_RUSSIAN),
        ("5 делить на 0", "На ноль делить нельзя."),
    ];
    for (prompt, expected) in rows {
        check(prompt, expected);
    }
}

#[test]
fn apps_are_opened_and_closed_under_the_name_that_was_said() {
    let rows = [
        ("Open Telegram", "open_app", "Telegram", "Opening Telegram."),
        ("open Telegram.", "open_app", "Telegram", "Opening Telegram."),
        ("Please launch Google Chrome", "open_app", "Google Chrome", "Opening Google Chrome."),
        ("please open the Telegram app, please!", "open_app", "Telegram", "Opening Telegram."),
        ("Hey Nexy, can you open up Safari for me?", "open_app", "Safari", "Opening Safari."),
        ("I want you to open the app store", "open_app", "app store", "Opening app store."),
        ("Start Xcode", "open_app", "Xcode", "Opening Xcode."),
        ("start the calculator app", "open_app", "calculator", "Opening calculator."),
        ("Open “Notepad++”.", "open_app", "Notepad++", "Opening Notepad++."),
        ("open 1Password", "open_app", "1Password", "Opening 1Password."),
        ("open window app", "open_app", "window", "Opening window."),
        ("Open Яндекс", "open_app", "Яндекс", "Opening Яндекс."),
        ("Close Safari", "close_app", "Safari", "Closing Safari."),
        ("quit Spotify now", "close_app", "Spotify", "Closing Spotify."),
        ("Открой Телеграм", "open_app", "Телеграм", "Открываю Телеграм."),
        ("Открой, пожалуйста, Telegram!", "open_app", "Telegram", "Открываю Telegram."),
        ("открой Microsoft Teams", "open_app", "Microsoft Teams", "Открываю Microsoft Teams."),
        ("Нэкси, запусти приложение Заметки", "open_app", "Заметки", "Открываю Заметки."),
        ("Не мог бы ты открыть почту?", "open_app", "почту", "Открываю почту."),
        ("закрой Телеграм, пожалуйста", "close_app", "Телеграм", "Закрываю Телеграм."),
    ];
    for (prompt, command, app, text) in rows {
        check_app(prompt, command, app, text);
    }
}

#[test]
fn unclear_requests_for_apps_are_asked_back() {
    let several = "Without a language model I do only one thing at a time. \
                   Please ask for one app.";
    let rows = [
        ("open", "Which app should I open?"),
        ("Open it", "Which app should I open?"),
        ("close the app", "Which app should I close?"),
        ("закрой его", "Какое приложение закрыть?"),
        ("Open Telegram and tell me the time", several),
    ];
    for (prompt, expected) in rows {
        check(prompt, expected);
    }
}

#[test]
fn words_inside_other_sentences_trigger_nothing() {
    let prompts = [
        "I know",
        "I know what time means",
        "window",
        "Open the window",
        "open question",
        "That is an open question",
        "Open source is great",
        "open-source projects",
        "Where is the closest pharmacy?",
        "Close friends are important",
        "close call",
        "start over",
        "run away",
        "quit smoking",
        "Don't open Telegram",
        "I opened Telegram",
        "Open the file report.pdf",
        "close all apps",
        "Time flies",
        "What time is it in Tokyo?",
        "What time is the meeting?",
        "date night ideas",
        "hello world",
        "thank you notes for teachers",
        "what did I say to Ada yesterday",
        "what is 5",
        "two three",
        "is 2 + 2 equal to 5",
        "24/7 support",
        "Sing me a song",
        "",
        "???",
    ];
    for prompt in prompts {
        check(prompt, UNKNOWN);
    }
    let prompts = [
        "Закрой окно",
        "Не открывай Телеграм",
        "Открытый вопрос",
        "Времени нет",
        "Расскажи сказку",
        "Который час в Токио?",
    ];
    for prompt in prompts {
        check(prompt, UNKNOWN_RUSSIAN);
    }
}

#[test]
fn actions_that_are_off_are_not_pretended() {
    let mut off = request("Open Telegram");
    off.commands.clear();
    assert_eq!(
        answer(&off),
        "I understand you want to open Telegram, but actions are turned off on this server."
    );
    off.prompt = "Закрой Телеграм".to_owned();
    assert_eq!(
        answer(&off),
        "Я понимаю, что вы хотите закрыть Телеграм, но действия на этом сервере выключены."
    );
    off.prompt = "What can you do?".to_owned();
    assert!(!answer(&off).contains("apps"));
    let mut half = request("close Safari");
    half.commands.truncate(1);
    assert!(answer(&half).contains("turned off"));
}

#[test]
fn names_cannot_break_the_json() {
    let reply = answer(&request(r#"open Foo\"bar"#));
    let json: serde_json::Value = serde_json::from_str(&reply).unwrap();
    assert_eq!(json["args"]["app_name"], r#"Foo\"bar"#);
}

#[test]
fn says_why_there_is_no_answer() {
    let mut outage = request("Tell me a story");
    outage.outages = true;
    assert!(answer(&outage).contains("The language model cannot be reached right now."));
    let mut screen = request("Tell me a story");
    screen.screen = Screen::Withheld;
    assert!(answer(&screen).contains("I cannot see images."));
    screen.prompt = "What time is it?".to_owned();
    assert_eq!(answer(&screen), "It is 3:05 PM.");
}

#[test]
fn an_empty_history_is_admitted() {
    let mut first = request("What did I just say?");
    first.history.clear();
    assert_eq!(answer(&first), "I remember nothing from before this.");
    first.prompt = "Repeat that".to_owned();
    assert_eq!(answer(&first), "I have not said anything yet.");
}

#[test]
fn the_listeners_language_decides_where_the_prompt_has_no_letters() {
    let mut sum = request("2 + 2");
    sum.language = Language::parse("ru-RU").unwrap();
    assert_eq!(answer(&sum), "Получается 4.");
    sum.prompt = "What time is it?".to_owned();
    assert_eq!(answer(&sum), "It is 3:05 PM.");
}

#[test]
fn the_clock_is_said_in_every_form() {
    let rows = [
        ("2026-01-01T00:00:00[UTC]", "It is 12 AM UTC.", "Сейчас ровно 0 часов UTC."),
        ("2026-01-01T00:30:00+03:00[Europe/Moscow]", "It is 12:30 AM.", "Сейчас 0 часов 30 минут."),
        ("2026-01-01T01:01:00+03:00[Europe/Moscow]", "It is 1:01 AM.", "Сейчас 1 час 1 минута."),
        (
            "2026-01-01T11:11:00+03:00[Europe/Moscow]",
            "It is 11:11 AM.",
            "Сейчас 11 часов 11 минут.",
        ),
        ("2026-01-01T12:00:00+03:00[Europe/Moscow]", "It is 12 PM.", "Сейчас ровно 12 часов."),
        (
            "2026-01-01T22:42:00+03:00[Europe/Moscow]",
            "It is 10:42 PM.",
            "Сейчас 22 часа 42 минуты.",
        ),
    ];
    for (now, english, russian) in rows {
        let now: jiff::Zoned = now.parse().unwrap();
        assert_eq!(clock::time(&now, Tongue::English), english);
        assert_eq!(clock::time(&now, Tongue::Russian), russian);
    }
}

#[tokio::test(start_paused = true)]
async fn speaks_a_word_at_a_time_and_finishes() {
    let pause = Duration::from_millis(40);
    let assistant = OfflineAssistant::new(Settings { token_delay: pause });
    let started = tokio::time::Instant::now();
    let reply = assistant.reply(Arc::new(request("Open Google Chrome"))).await.unwrap();
    let deltas: Vec<Delta> = reply.map(Result::unwrap).collect().await;
    let words: Vec<&str> = deltas
        .iter()
        .filter_map(|delta| if let Delta::Text(text) = delta { Some(text.as_str()) } else { None })
        .collect();
    assert!(words.len() > 2);
    assert_eq!(deltas.len(), words.len() + 1);
    assert_eq!(deltas.last(), Some(&Delta::Finished(FinishReason::Stop)));
    assert_eq!(words.concat(), answer(&request("Open Google Chrome")));
    assert_eq!(started.elapsed(), pause * u32::try_from(words.len()).unwrap());
}
