use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use super::*;

/// What was written to a screen.
#[derive(Clone, Default)]
pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn screen(&self, look: Look) -> Screen {
        Screen::new(self.clone(), look)
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_with(look: Look) -> String {
    let paper = Paper::default();
    let mut screen = paper.screen(look);
    screen.progress("half way").unwrap();
    screen.progress("nearly").unwrap();
    screen.progress("nearly").unwrap();
    screen.line("done").unwrap();
    screen.line("bye").unwrap();
    paper.text()
}

#[test]
fn a_progress_line_is_replaced_and_taken_away_on_a_terminal() {
    let text = write_with(Look::Terminal(Colour::Off));
    assert_eq!(text, "half way\r\u{1b}[2Knearly\r\u{1b}[2Kdone\nbye\n");
}

#[test]
fn nothing_is_rewritten_for_pipes_and_screen_readers() {
    assert_eq!(write_with(Look::Piped), "done\nbye\n");
    assert_eq!(write_with(Look::Plain), "done\nbye\n");
}

#[test]
fn colours_are_for_terminals_that_show_them() {
    assert_eq!(Look::Terminal(Colour::On).paint(Tone::Bad, "x"), "\u{1b}[31mx\u{1b}[0m");
    for look in [Look::Terminal(Colour::Off), Look::Piped, Look::Plain] {
        assert_eq!(look.paint(Tone::Bad, "x"), "x");
    }
}

#[test]
fn text_of_a_server_cannot_steer_the_terminal() {
    assert_eq!(clean("a\u{1b}[2Jb\r\tc\nd\u{7}"), "a[2Jb c\nd");
}

#[test]
fn columns_stand_under_each_other() {
    let rows = [vec!["a".to_owned(), "long".to_owned()], vec!["bcd".to_owned(), "x".to_owned()]];
    assert_eq!(table(&rows), ["a    long", "bcd  x"]);
}

#[test]
fn a_view_takes_the_place_of_the_last_one_on_a_terminal_only() {
    let written = |look| {
        let paper = Paper::default();
        let mut screen = paper.screen(look);
        screen.view(&["a".to_owned(), "b".to_owned()]).unwrap();
        screen.view(&["c".to_owned()]).unwrap();
        paper.text()
    };
    assert_eq!(written(Look::Terminal(Colour::On)), "\u{1b}[H\u{1b}[2Ja\nb\n\u{1b}[H\u{1b}[2Jc\n");
    assert_eq!(written(Look::Piped), "a\nb\n\nc\n\n");
}
