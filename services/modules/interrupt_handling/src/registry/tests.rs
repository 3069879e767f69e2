use tokio::task::JoinSet;

use super::*;

const SOON: Duration = Duration::from_millis(50);

fn device(name: &str) -> HardwareId {
    HardwareId::parse(name).unwrap()
}

fn session(last: char) -> SessionId {
    SessionId::parse(&format!("00000000-0000-4000-8000-00000000000{last}")).unwrap()
}

/// Drops the guard as soon as its turn is stopped, like a well-behaved owner.
fn owner(turn: RunningTurn) -> JoinSet<()> {
    let mut owner = JoinSet::new();
    owner.spawn(async move { turn.stop().cancelled().await });
    owner
}

#[tokio::test(start_paused = true)]
async fn names_a_turn_once_however_long_its_client_does_not_read() {
    let interrupts = Interrupts::default();
    let turn = interrupts.register(device("a"), session('1'), TurnNumber(1));
    assert_eq!(interrupts.interrupt(&device("a"), SOON).await, [session('1')]);
    turn.fall_silent();
    let began = tokio::time::Instant::now();
    assert!(interrupts.interrupt(&device("a"), SOON).await.is_empty());
    assert_eq!(began.elapsed(), SOON, "its end is waited for all the same");
    let _next = owner(interrupts.register(device("a"), session('1'), TurnNumber(2)));
    assert_eq!(interrupts.interrupt(&device("a"), SOON).await, [session('1')]);
}

#[tokio::test(start_paused = true)]
async fn stops_only_the_turns_of_its_device() {
    let interrupts = Interrupts::default();
    let _a = owner(interrupts.register(device("a"), session('1'), TurnNumber(1)));
    let _a_too = owner(interrupts.register(device("a"), session('2'), TurnNumber(2)));
    let b = interrupts.register(device("b"), session('3'), TurnNumber(3));

    let mut stopped = interrupts.interrupt(&device("a"), SOON).await;
    stopped.sort_by(|x, y| x.as_str().cmp(y.as_str()));

    assert_eq!(stopped, [session('1'), session('2')]);
    assert!(!b.is_interrupted());
    assert_eq!(interrupts.running(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_running_is_an_empty_answer_however_often_it_is_asked() {
    let interrupts = Interrupts::default();
    for _ in 0..3 {
        assert!(interrupts.interrupt(&device("a"), SOON).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_starts_after_the_interrupt_runs() {
    let interrupts = Interrupts::default();
    let _old = owner(interrupts.register(device("a"), session('1'), TurnNumber(1)));
    interrupts.interrupt(&device("a"), SOON).await;
    let new = interrupts.register(device("a"), session('1'), TurnNumber(2));
    assert!(!new.is_interrupted());
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_completed_in_the_same_moment_was_not_stopped() {
    let interrupts = Interrupts::default();
    let turn = interrupts.register(device("a"), session('1'), TurnNumber(1));
    let who = device("a");
    let (stopped, ()) = tokio::join!(interrupts.interrupt(&who, SOON), async {
        turn.stop().cancelled().await;
        turn.complete();
    });
    assert!(stopped.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_does_not_go_is_named_when_the_time_is_up() {
    let interrupts = Interrupts::default();
    let stuck = interrupts.register(device("a"), session('1'), TurnNumber(1));
    let began = tokio::time::Instant::now();
    assert_eq!(interrupts.interrupt(&device("a"), SOON).await, [session('1')]);
    assert_eq!(began.elapsed(), SOON);
    drop(stuck);
    assert_eq!(interrupts.running(), 0);
}
