//! What the offline assistant says.

use nexy_types::Command;
use serde::Serialize;

use super::{
    Tongue,
    Tongue::{English, Russian},
    app::{AppAction, AppRequest, Target},
    arithmetic::Outcome,
    clock,
    topic::Topic,
    understand::{Intent, Understood},
};
use crate::{ChatRequest, Exchange, Screen};

/// The form in which a model asks for an action, see Docs/PROTOCOL.md.
#[derive(Serialize)]
struct Action<'a> {
    session_id: &'static str,
    command: &'static str,
    args: Arguments<'a>,
    text: String,
}

#[derive(Serialize)]
struct Arguments<'a> {
    app_name: &'a str,
}

/// The whole reply.
pub(super) fn say(understood: &Understood<'_>, request: &ChatRequest) -> String {
    let tongue = understood.tongue;
    match &understood.intent {
        Intent::Topic(topic) => on_topic(*topic, tongue, request),
        Intent::App(app) => on_app(*app, tongue, &request.commands),
        Intent::Sum(outcome) => on_sum(*outcome, tongue),
        Intent::Unknown => on_unknown(tongue, request),
    }
}

fn on_topic(topic: Topic, tongue: Tongue, request: &ChatRequest) -> String {
    let pick = |english: &str, russian: &str| in_tongue(tongue, english, russian).to_owned();
    match topic {
        Topic::Time => clock::time(&request.now, tongue),
        Topic::Date(day) => clock::date(&request.now, day, tongue),
        Topic::Greeting => pick("Hello! How can I help?", "Здравствуйте! Чем могу помочь?"),
        Topic::HowAreYou => pick("I am ready. How can I help?", "Всё в порядке. Чем могу помочь?"),
        Topic::Thanks => pick("You are welcome.", "Пожалуйста."),
        Topic::Farewell => pick("Goodbye.", "До свидания."),
        Topic::WhoAreYou => [
            in_tongue(tongue, "I am Nexy, a voice assistant.", "Я Нэкси, голосовой помощник."),
            why_offline(tongue, request.outages),
            &abilities(tongue, &request.commands),
        ]
        .join(" "),
        Topic::Help => abilities(tongue, &request.commands),
        Topic::LastQuestion => last(request, |exchange| &exchange.user)
            .map(|said| match tongue {
                English => format!("You said: {said}"),
                Russian => format!("Вы сказали: {said}"),
            })
            .unwrap_or_else(|| {
                pick("I remember nothing from before this.", "Я не помню ничего до этих слов.")
            }),
        Topic::LastReply => last(request, |exchange| &exchange.assistant)
            .map(|said| match tongue {
                English => format!("I said: {said}"),
                Russian => format!("Мой ответ: {said}"),
            })
            .unwrap_or_else(|| pick("I have not said anything yet.", "Ответов ещё не было.")),
        Topic::Screen => [blind(tongue), why_offline(tongue, request.outages)].join(" "),
    }
}

fn on_app(request: AppRequest<'_>, tongue: Tongue, commands: &[Command]) -> String {
    let AppRequest { action, target } = request;
    let app_name = match (is_on(commands, action), target) {
        (true, Target::App(name)) => name,
        (false, target) => return actions_are_off(action, target, tongue),
        (true, Target::Unsaid) => {
            return match (action, tongue) {
                (AppAction::Open, English) => "Which app should I open?",
                (AppAction::Close, English) => "Which app should I close?",
                (AppAction::Open, Russian) => "Какое приложение открыть?",
                (AppAction::Close, Russian) => "Какое приложение закрыть?",
            }
            .to_owned();
        }
        (true, Target::Several) => {
            return in_tongue(
                tongue,
                "Without a language model I do only one thing at a time. Please ask for one app.",
                "Без языковой модели я делаю только одно дело за раз. Назовите, пожалуйста, одно приложение.",
            )
            .to_owned();
        }
    };
    let text = match (action, tongue) {
        (AppAction::Open, English) => format!("Opening {app_name}."),
        (AppAction::Close, English) => format!("Closing {app_name}."),
        (AppAction::Open, Russian) => format!("Открываю {app_name}."),
        (AppAction::Close, Russian) => format!("Закрываю {app_name}."),
    };
    let reply =
        Action { session_id: "", command: command(action), args: Arguments { app_name }, text };
    serde_json::to_string(&reply).unwrap_or(reply.text)
}

fn actions_are_off(action: AppAction, target: Target<'_>, tongue: Tongue) -> String {
    let app = match target {
        Target::App(name) => name,
        Target::Unsaid => in_tongue(tongue, "an app", "приложение"),
        Target::Several => in_tongue(tongue, "apps", "приложения"),
    };
    match (action, tongue) {
        (AppAction::Open, English) => format!(
            "I understand you want to open {app}, but actions are turned off on this server."
        ),
        (AppAction::Close, English) => format!(
            "I understand you want to close {app}, but actions are turned off on this server."
        ),
        (AppAction::Open, Russian) => {
            format!(
                "Я понимаю, что вы хотите открыть {app}, но действия на этом сервере выключены."
            )
        }
        (AppAction::Close, Russian) => {
            format!(
                "Я понимаю, что вы хотите закрыть {app}, но действия на этом сервере выключены."
            )
        }
    }
}

fn on_sum(outcome: Outcome, tongue: Tongue) -> String {
    let too_large = in_tongue(
        tongue,
        "That number is too large for me.",
        "Это число для меня слишком большое.",
    );
    match outcome {
        Outcome::Value(value) => match value.spoken(tongue) {
            Some(number) => match (tongue, number.is_rounded) {
                (English, false) => format!("That is {}.", number.text),
                (English, true) => format!("That is about {}.", number.text),
                (Russian, false) => format!("Получается {}.", number.text),
                (Russian, true) => format!("Получается примерно {}.", number.text),
            },
            None => too_large.to_owned(),
        },
        Outcome::DivisionByZero => {
            in_tongue(tongue, "Nothing can be divided by zero.", "На ноль делить нельзя.")
                .to_owned()
        }
        Outcome::TooLarge => too_large.to_owned(),
    }
}

/// Says what this assistant is, why the question stays open, and what it can do.
fn on_unknown(tongue: Tongue, request: &ChatRequest) -> String {
    let who = in_tongue(
        tongue,
        "I am the offline assistant, and I cannot answer that.",
        "Я автономный помощник и не могу на это ответить.",
    );
    let mut sentences = vec![who, why_offline(tongue, request.outages)];
    if request.screen != Screen::NotSent {
        sentences.push(blind(tongue));
    }
    let abilities = abilities(tongue, &request.commands);
    sentences.push(&abilities);
    sentences.join(" ")
}

fn why_offline(tongue: Tongue, outages: bool) -> &'static str {
    match (tongue, outages) {
        (English, false) => "No language model is configured on this server.",
        (English, true) => "The language model cannot be reached right now.",
        (Russian, false) => "На этом сервере не настроена языковая модель.",
        (Russian, true) => "Языковая модель сейчас недоступна.",
    }
}

fn blind(tongue: Tongue) -> &'static str {
    in_tongue(tongue, "I cannot see images.", "Я не вижу изображений.")
}

fn abilities(tongue: Tongue, commands: &[Command]) -> String {
    let apps = match (is_on(commands, AppAction::Open), is_on(commands, AppAction::Close)) {
        (true, true) => {
            in_tongue(tongue, ", and open and close apps", ", открывать и закрывать приложения")
        }
        (true, false) => in_tongue(tongue, ", and open apps", ", открывать приложения"),
        (false, true) => in_tongue(tongue, ", and close apps", ", закрывать приложения"),
        (false, false) => "",
    };
    match tongue {
        English if apps.is_empty() => {
            "I can tell the time and the date, do sums, and repeat what was said.".to_owned()
        }
        Russian if apps.is_empty() => {
            "Я могу назвать время и дату, считать и повторить сказанное.".to_owned()
        }
        English => {
            format!("I can tell the time and the date, do sums, repeat what was said{apps}.")
        }
        Russian => format!("Я могу назвать время и дату, считать, повторить сказанное{apps}."),
    }
}

fn last(request: &ChatRequest, side: impl Fn(&Exchange) -> &String) -> Option<&str> {
    request.history.iter().rev().map(|exchange| side(exchange).trim()).find(|said| !said.is_empty())
}

fn command(action: AppAction) -> &'static str {
    match action {
        AppAction::Open => "open_app",
        AppAction::Close => "close_app",
    }
}

fn is_on(commands: &[Command], action: AppAction) -> bool {
    commands.iter().any(|known| known.name == command(action))
}

fn in_tongue<'a>(tongue: Tongue, english: &'a str, russian: &'a str) -> &'a str {
    match tongue {
        English => english,
        Russian => russian,
    }
}
