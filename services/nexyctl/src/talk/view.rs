use std::time::Duration;

use super::turn::{Line, Summary, Verdict};
use crate::{
    action::Action,
    failure::Failure,
    screen::{Look, Tone, clean},
};

/// A line as it is written on a screen of that look.
pub(crate) fn render(line: &Line, look: Look) -> String {
    match (line, look) {
        (Line::Said(text), _) => clean(text),
        (Line::Note(text), Look::Plain) => clean(text),
        (Line::Note(text), _) => look.paint(Tone::Faint, &clean(text)),
        (Line::Action(action), Look::Plain) => clean(&spoken_action(action)),
        (Line::Action(action), _) => card(action, look),
        (Line::Failure(failure), _) => failure_lines(failure, look),
        (Line::Summary(summary), Look::Plain) => spoken_summary(summary),
        (Line::Summary(summary), _) => look.paint(Tone::Faint, &progress(summary)),
    }
}

/// The line that is rewritten while a reply runs, and stays as its last.
pub(crate) fn progress(summary: &Summary) -> String {
    if summary.is_waiting() {
        return "… waiting for the reply".to_owned();
    }
    let parts = [
        Some(format!("{:.1} s audio", summary.audio.as_secs_f64())),
        summary.first_text.map(|at| format!("first text {}", short(at))),
        summary.first_audio.map(|at| format!("first audio {}", short(at))),
        summary.total.map(|at| format!("total {}", short(at))),
        summary.providers.as_deref().map(clean),
        match summary.verdict {
            Verdict::Running | Verdict::Complete => None,
            Verdict::Failed => Some("not complete".to_owned()),
            Verdict::Interrupted => Some("interrupted".to_owned()),
        },
    ];
    format!("♪ {}", parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

/// The same as [`progress`], in sentences.
fn spoken_summary(summary: &Summary) -> String {
    let parts = [
        Some(match summary.verdict {
            Verdict::Running => "The reply is running.".to_owned(),
            Verdict::Complete => "The reply is complete.".to_owned(),
            Verdict::Failed => "The reply is not complete.".to_owned(),
            Verdict::Interrupted => "The reply was interrupted.".to_owned(),
        }),
        Some(format!("Audio: {:.1} seconds.", summary.audio.as_secs_f64())),
        summary.first_text.map(|at| format!("First text after {}.", long(at))),
        summary.first_audio.map(|at| format!("First audio after {}.", long(at))),
        summary.total.map(|at| format!("Total {}.", long(at))),
        summary.providers.as_deref().map(|providers| {
            format!("Providers: {}.", clean(providers).replace('=', " ").replace(';', ", "))
        }),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// An action as a card. It is open to the right, so that no guess about the
/// width of a character can break it.
fn card(action: &Action, look: Look) -> String {
    let mut lines =
        vec![format!("┌ Action: {}", look.paint(Tone::Strong, &clean(&action.command)))];
    for (name, value) in action.arguments() {
        lines.push(format!("│ {}: {}", clean(name), clean(&value).replace('\n', "\n│   ")));
    }
    lines.push("└".to_owned());
    lines.join("\n")
}

fn spoken_action(action: &Action) -> String {
    let arguments: String =
        action.arguments().map(|(name, value)| format!(", {name} {value}")).collect();
    format!("Action: {}{arguments}", action.command)
}

/// A failure and what helps.
fn failure_lines(failure: &Failure, look: Look) -> String {
    let title = clean(&failure.title());
    let title = match look {
        Look::Plain => format!("Failed: {title}"),
        Look::Piped | Look::Terminal(_) => look.paint(Tone::Bad, &format!("✗ {title}")),
    };
    match failure.advice() {
        Some(advice) => format!("{title}\n{advice}"),
        None => title,
    }
}

fn short(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

fn long(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{} milliseconds", time.as_millis())
    } else {
        format!("{:.1} seconds", time.as_secs_f64())
    }
}
