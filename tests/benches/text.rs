//! What the reply parser, the segmenter and the spoken form cost: see
//! Docs/PERFORMANCE.md.
//!
//! `cargo bench -p nexy-tests --bench text [-- --check]` runs each on one core
//! and prints its figure with its target. With `--check` a miss is a failure.
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

#[path = "text/replies.rs"]
mod replies;

use std::{hint::black_box, process::ExitCode, time::Instant};

use nexy_assistant_response::{Part, ReplyParser};
use nexy_tests::report::{Report, Target};
use nexy_text_filtering::{Segmenter, Settings, spoken};
use nexy_types::Language;

/// Of the parser and of the segmenter, in MB/s.
const THROUGHPUT: Target = Target::Above(100.0);

/// Of each figure; the median is told.
const ROUNDS: usize = 7;

/// What goes through in each round at least, in bytes.
const ROUND_BYTES: usize = 20_000_000;

/// Turns in each round.
const ROUND_TURNS: u32 = 5_000;

/// What `config/unified_config.yaml` sets.
const SEGMENTS: Settings =
    Settings { min_chars: 15, min_words: 3, first_sentence_min_words: 2, force_flush_max_chars: 0 };

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        println!("figures of unoptimised binaries mean nothing: use `cargo bench`");
        return ExitCode::SUCCESS;
    }
    let mut report = Report::default();
    throughput(&mut report);
    turns(&mut report);
    println!("{report}");
    let is_check = std::env::args().any(|argument| argument == "--check");
    if is_check && report.has_misses() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn throughput(report: &mut Report) {
    let (english, russian) = (replies::english(), replies::russian());
    let parsed = [
        ("English prose", english.clone()),
        ("Russian prose", russian.clone()),
        ("English object", replies::object(&english)),
        ("Russian object", replies::object(&russian)),
        ("Russian object, all in \\u", replies::ascii_object(&russian)),
    ];
    for (what, reply) in &parsed {
        told(report, &format!("parser: {what}"), reply, parse);
    }
    for (what, reply) in [("English prose", &english), ("Russian prose", &russian)] {
        told(report, &format!("segmenter: {what}"), reply, segment);
        let flushed = Settings { force_flush_max_chars: 200, ..SEGMENTS };
        let segment = |pieces: &[&str]| segment_with(flushed, pieces);
        told(report, &format!("segmenter, at most 200 characters: {what}"), reply, segment);
    }
    for (what, language, reply) in [
        ("English prose", Language::english(), &english),
        ("Russian prose", Language::russian(), &russian),
    ] {
        let segments = segments(&[reply]);
        let bytes = segments.iter().map(String::len).sum();
        let speed = megabytes_per_second(bytes, || {
            for segment in &segments {
                black_box(spoken(black_box(segment), &language));
            }
        });
        report.add(format!("spoken form: {what}"), "MB/s", Target::None, speed);
    }
}

/// Adds the speed of one way through a reply, in tokens and in large pieces.
fn told(report: &mut Report, what: &str, reply: &str, run: impl Fn(&[&str])) {
    for (how, pieces) in
        [("tokens", replies::tokens(reply)), ("4 KiB pieces", replies::chunks(reply))]
    {
        let speed = megabytes_per_second(reply.len(), || run(black_box(&pieces)));
        report.add(format!("{what}, {how}"), "MB/s", THROUGHPUT, speed);
    }
}

/// The whole of what a turn's text costs, but for models, voices and frames.
fn turns(report: &mut Report) {
    for (what, language, reply) in [
        ("English", Language::english(), replies::ENGLISH_TURN),
        ("Russian", Language::russian(), replies::RUSSIAN_TURN),
    ] {
        let object = replies::object(reply);
        for (form, reply) in [("plain", reply), ("as an object", object.as_str())] {
            let tokens = replies::turn_tokens(reply);
            let seconds = median(|| {
                for _ in 0..ROUND_TURNS {
                    black_box(turn(black_box(&tokens), &language));
                }
            });
            let micros = seconds * 1e6 / f64::from(ROUND_TURNS);
            let what = format!("a turn of {} tokens, {what}, {form}", tokens.len());
            report.add(what, "µs", Target::None, micros);
        }
    }
}

/// What is said of a reply.
fn turn(tokens: &[&str], language: &Language) -> Vec<String> {
    let mut parser = ReplyParser::new();
    let mut segmenter = Segmenter::new(SEGMENTS);
    let mut said = Vec::new();
    let mut take = |parser: &mut ReplyParser, segmenter: &mut Segmenter| {
        while let Some(part) = parser.next_part() {
            if let Part::Speech(text) = part {
                said.extend(segmenter.push(&text).iter().map(|text| spoken(text, language)));
            }
        }
    };
    for token in tokens {
        parser.push(token);
        take(&mut parser, &mut segmenter);
    }
    parser.finish();
    take(&mut parser, &mut segmenter);
    said.extend(segmenter.finish().map(|text| spoken(&text, language)));
    said
}

fn parse(pieces: &[&str]) {
    let mut parser = ReplyParser::new();
    let drain = |parser: &mut ReplyParser| while black_box(parser.next_part()).is_some() {};
    for piece in pieces {
        parser.push(piece);
        drain(&mut parser);
    }
    parser.finish();
    drain(&mut parser);
}

fn segment(pieces: &[&str]) {
    segment_with(SEGMENTS, pieces);
}

fn segment_with(settings: Settings, pieces: &[&str]) {
    let mut segmenter = Segmenter::new(settings);
    for piece in pieces {
        black_box(segmenter.push(piece));
    }
    black_box(segmenter.finish());
}

fn segments(pieces: &[&str]) -> Vec<String> {
    let mut segmenter = Segmenter::new(SEGMENTS);
    let mut segments: Vec<_> = pieces.iter().flat_map(|piece| segmenter.push(piece)).collect();
    segments.extend(segmenter.finish());
    segments
}

/// The speed of work that reads so many bytes each time.
fn megabytes_per_second(bytes: usize, work: impl Fn()) -> f64 {
    let times = ROUND_BYTES.div_ceil(bytes);
    let seconds = median(|| (0..times).for_each(|_| work()));
    (times * bytes) as f64 / 1e6 / seconds
}

/// What a round takes, in seconds: the median of some, after one that does not
/// count.
fn median(round: impl Fn()) -> f64 {
    round();
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            round();
            started.elapsed().as_secs_f64()
        })
        .collect();
    rounds.sort_unstable_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}
