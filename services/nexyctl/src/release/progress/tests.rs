use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{Progress, line};
use crate::screen::{Colour, Look, Screen};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is shown of a file that is read in four pieces.
fn shown(look: Look, silence: Duration) -> String {
    let paper = Paper::default();
    let mut screen = Screen::new(paper.clone(), look);
    let mut progress = Progress::new(&mut screen, "Checking Nexy.dmg".to_owned(), 400);
    progress.silence = silence;
    for _ in 0..4 {
        progress.advance(100).unwrap();
    }
    progress.end().unwrap();
    let bytes = paper.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_terminal_shows_a_bar_and_takes_it_away() {
    let text = shown(Look::Terminal(Colour::Off), Duration::MAX);
    for percent in [25, 50, 75, 100] {
        assert!(text.contains(&line("Checking Nexy.dmg", percent)), "{text:?}");
    }
    assert!(text.ends_with("\r\u{1b}[2K"), "{text:?}");
    assert_eq!(line("x", 50), format!("x [{}{}]  50 %", "=".repeat(12), " ".repeat(12)));
}

#[test]
fn a_screen_reader_is_told_now_and_then() {
    let all = "Checking Nexy.dmg: 25 %.\nChecking Nexy.dmg: 50 %.\nChecking Nexy.dmg: 75 %.\n\
               Checking Nexy.dmg: 100 %.\n";
    assert_eq!(shown(Look::Plain, Duration::ZERO), all);
    assert_eq!(shown(Look::Plain, Duration::MAX), "");
}

#[test]
fn a_pipe_is_left_in_peace() {
    assert_eq!(shown(Look::Piped, Duration::ZERO), "");
}

#[test]
fn an_empty_file_is_read_at_once() {
    let mut screen = Screen::new(Paper::default(), Look::Terminal(Colour::Off));
    let mut progress = Progress::new(&mut screen, String::new(), 0);
    progress.advance(0).unwrap();
    assert_eq!(progress.shown, 100);
}
