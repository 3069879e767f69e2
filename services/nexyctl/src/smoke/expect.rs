use std::time::Duration;

use super::Outcome;
use crate::{
    connection::Answer,
    failure::Failure,
    reply::{AudioFormat, Event, Timed},
};

/// What came in answer to a question, as far as it is checked. Nothing of what
/// was said is kept.
#[derive(Debug, Default)]
pub(super) struct Heard {
    segments: usize,
    characters: usize,
    first_audio: Option<Duration>,
    audio: Duration,
    /// Length in bytes and label of each frame.
    frames: Vec<(usize, AudioFormat)>,
    end_messages: usize,
    degraded: Option<String>,
    failure: Option<Failure>,
}

/// The contract's `audio.streaming_chunk_size`, in bytes (Docs/PROTOCOL.md).
const FRAME_LIMIT: usize = 4096;
/// The contract's sample rate, in Hz.
const SAMPLE_RATE: u32 = 48_000;

// === impl Heard ===

impl Heard {
    pub(super) fn take(&mut self, timed: Timed) {
        match timed.event {
            Event::Text(text) => {
                self.segments += 1;
                self.characters += text.chars().count();
            }
            Event::Audio(frame) => {
                self.first_audio.get_or_insert(timed.at);
                self.audio += frame.duration();
                self.frames.push((frame.data.len(), frame.format));
            }
            Event::End => self.end_messages += 1,
            Event::Closed(trailers) => {
                self.degraded = trailers.get("nexy-degraded").map(str::to_owned);
            }
            Event::Failed(failure, _) => self.failure = Some(failure),
            Event::Action(_) | Event::Unreadable(_) | Event::Browser(_) | Event::ErrorText(_) => {}
        }
    }
}

/// One `end_message`, then status OK.
pub(super) fn complete(heard: &Heard) -> Outcome {
    if let Some(failure) = &heard.failure {
        anyhow::bail!(failure.title());
    }
    anyhow::ensure!(heard.end_messages == 1, "{} end_messages came", heard.end_messages);
    Ok("end_message and status OK".to_owned())
}

pub(super) fn text(heard: &Heard) -> Outcome {
    anyhow::ensure!(heard.characters > 0, "no text came");
    Ok(format!("{} characters in {} segments", heard.characters, heard.segments))
}

/// Mono 16-bit PCM at 48 kHz in whole samples, never empty, never too long.
pub(super) fn sound(heard: &Heard) -> Outcome {
    let degraded = heard.degraded.as_deref();
    anyhow::ensure!(
        !heard.frames.is_empty(),
        "no sound came{}",
        degraded.map(|what| format!(", the server did without: {what}")).unwrap_or_default()
    );
    for (length, format) in &heard.frames {
        anyhow::ensure!(
            (1..=FRAME_LIMIT).contains(length) && length.is_multiple_of(2),
            "a frame of {length} bytes came"
        );
        anyhow::ensure!(
            format.sample_rate == SAMPLE_RATE && format.channels == 1 && format.dtype == "int16",
            "a frame is labelled {} Hz, {} channels, {}",
            format.sample_rate,
            format.channels,
            format.dtype
        );
    }
    let first = heard.first_audio.unwrap_or_default().as_millis();
    Ok(format!("{:.1} s of sound, the first after {first} ms", heard.audio.as_secs_f64()))
}

/// `INVALID_ARGUMENT` with its details and a text that says what is wrong.
pub(super) fn refusal(heard: &Heard, needle: &str) -> Outcome {
    let Some(failure) = &heard.failure else { anyhow::bail!("it was not refused") };
    anyhow::ensure!(
        failure.code == "INVALID_ARGUMENT"
            && failure.error_type.as_deref() == Some("validation_failed"),
        "refused with {}, {}",
        failure.code,
        failure.title()
    );
    anyhow::ensure!(failure.message.contains(needle), "the text is: {}", failure.message);
    Ok(failure.code.clone())
}

pub(super) fn health(answer: &Answer) -> Outcome {
    let state = answer.json()?["status"].as_str().unwrap_or("nothing").to_owned();
    anyhow::ensure!(answer.status == 200, "HTTP {}, {state}", answer.status);
    anyhow::ensure!(state == "OK", "answers {state}");
    one_cache_control(answer)
}

pub(super) fn status(answer: &Answer) -> Outcome {
    anyhow::ensure!(answer.status == 200, "HTTP {}", answer.status);
    let json = answer.json()?;
    anyhow::ensure!(json["modules"].is_array(), "names no modules");
    Ok(format!("{} workers", json["workers"].as_array().map_or(0, Vec::len)))
}

pub(super) fn appcast(answer: &Answer) -> Outcome {
    anyhow::ensure!(answer.status == 200, "HTTP {}", answer.status);
    let kind = answer.header("content-type").join(", ");
    anyhow::ensure!(kind.contains("xml"), "is labelled {kind}");
    let body = answer.body.trim_start_matches('\u{feff}').trim_start();
    anyhow::ensure!(body.starts_with("<?xml") || body.starts_with("<rss"), "is not XML");
    one_cache_control(answer)
}

/// Anything but Prometheus text is private enough: the door answers strangers
/// in its own words.
pub(super) fn private(answer: &Answer) -> Outcome {
    let exposed = answer.body.lines().any(|line| line.starts_with("# TYPE"));
    anyhow::ensure!(!exposed, "metrics can be read from outside");
    Ok(format!("HTTP {}", answer.status))
}

fn one_cache_control(answer: &Answer) -> Outcome {
    match answer.header("cache-control").as_slice() {
        [one] => Ok(format!("HTTP {}, {one}", answer.status)),
        others => anyhow::bail!("{} Cache-Control headers came", others.len()),
    }
}

#[cfg(test)]
mod tests;
