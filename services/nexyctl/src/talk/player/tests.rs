use bytes::Bytes;

use super::*;

fn frame() -> AudioFrame {
    let format = AudioFormat { sample_rate: 48_000, channels: 1, dtype: "int16".to_owned() };
    AudioFrame { data: Bytes::from_static(&[1, 2, 3, 4]), format }
}

fn program(name: &'static str, arguments: fn(&AudioFormat) -> Vec<String>) -> Program {
    Program { name, feed: Feed::Pipe, arguments }
}

#[test]
fn command_lines_say_rate_channels_and_format() {
    let format = frame().format;
    let lines =
        PROGRAMS.each_ref().map(|p| format!("{} {}", p.name, (p.arguments)(&format).join(" ")));
    insta::assert_snapshot!(lines.join("\n"), @"
    paplay --raw --format=s16le --rate=48000 --channels=1
    pw-play --raw --format=s16 --rate=48000 --channels=1 -
    aplay -q -t raw -f S16_LE -r 48000 -c 1
    ffplay -nodisp -autoexit -loglevel quiet -f s16le -sample_rate 48000 -i -
    play -q -t raw -e signed-integer -b 16 -L -r 48000 -c 1 -
    afplay 
    ");
}

#[test]
fn a_program_that_is_not_installed_is_passed_over() {
    let program = program("nexyctl-no-such-player", |_| Vec::new());
    assert!(Player::try_program(&program, &frame().format).unwrap().is_none());
}

#[tokio::test]
async fn what_is_handed_over_reaches_the_program() {
    let script = |_: &AudioFormat| vec!["-c".to_owned(), "test $(wc -c) -eq 8".to_owned()];
    let mut player = Player::try_program(&program("sh", script), &frame().format).unwrap().unwrap();
    for _ in 0..2 {
        player.hand_over(&mut Some(frame())).await;
    }
    player.finish().await.unwrap();
}

#[tokio::test]
async fn a_player_that_fails_is_not_passed_off_as_sound() {
    let script = |_: &AudioFormat| vec!["-c".to_owned(), "exit 3".to_owned()];
    let mut player = Player::try_program(&program("sh", script), &frame().format).unwrap().unwrap();
    player.hand_over(&mut Some(frame())).await;
    let error = player.finish().await.unwrap_err();
    assert!(format!("{error:#}").contains("sound device"), "{error:#}");
}
