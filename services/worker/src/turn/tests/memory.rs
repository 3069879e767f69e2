//! What is remembered of turns that did not come to their end.

use super::*;

const TWO: &str = "There are two Annas: Anna Smith and Anna Brown. Which one do you mean?";

/// Says three segments, and then nothing for ever.
fn hanging() -> Vec<Step> {
    vec![Step::text(format!("{TWO} Say the")), Step::Hang]
}

fn bench(first: Vec<Step>) -> (Arc<ScriptedModel>, Bench) {
    let second = vec![Step::text("Calling Anna Smith."), Step::stop()];
    let model = Arc::new(ScriptedModel::queue("openai", [first, second]));
    let bench = Bench::new(vec![model.clone()], vec![Arc::new(voice("espeak"))]);
    (model, bench)
}

/// What the model was last told of the conversation.
#[track_caller]
fn history(model: &ScriptedModel) -> Vec<(String, String)> {
    let request = model.requests().pop().unwrap();
    let pair = |exchange: &nexy_text_processing::Exchange| {
        (exchange.user.clone(), exchange.assistant.clone())
    };
    request.history.iter().map(pair).collect()
}

fn cut_off() -> Vec<(String, String)> {
    vec![("Call Anna".to_owned(), format!("{TWO} […]"))]
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_a_cut_is_remembered_as_cut_off() {
    let (model, bench) = bench(hanging());
    let (out, mut events) = mpsc::channel(1);
    {
        let answer = bench.pipeline.answer(question("Call Anna"), &bench.flags, out);
        let mut texts = 0;
        tokio::select! {
            _ = answer => panic!("the turn cannot end"),
            () = async {
                while texts < 3 {
                    texts += usize::from(matches!(events.recv().await, Some(Event::Text(_))));
                }
                // The speaker has to see that it was sent.
                tokio::time::sleep(Duration::from_millis(10)).await;
            } => {}
        }
    }
    bench.ask("The first one").await;
    assert_eq!(history(&model), cut_off());
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_still_runs_is_known_to_the_next_one_and_only_once() {
    let (model, bench) = bench(hanging());
    let (out, mut events) = mpsc::channel(100);
    let answer = bench.pipeline.answer(question("Call Anna"), &bench.flags, out);
    let barging_in = async {
        while !matches!(events.recv().await, Some(Event::Audio(_))) {}
        tokio::time::sleep(Duration::from_millis(10)).await;
        bench.ask("The first one").await;
        assert_eq!(history(&model), cut_off());
    };
    tokio::select! {
        _ = answer => panic!("the turn cannot end"),
        () = barging_in => {}
    }
    // Both are over by now.
    bench.ask("And the other?").await;
    let remembered = history(&model);
    assert_eq!(remembered.len(), 2, "{remembered:?}");
    assert!(remembered.contains(&cut_off()[0]));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_failed_is_not_remembered() {
    let broken = vec![
        Step::text(format!("{TWO} Say the")),
        Step::Error(ModelError::Unavailable(Refusal::default())),
    ];
    let (model, bench) = bench(broken);
    assert!(bench.ask("Call Anna").await.ended.result.is_err());
    bench.ask("The first one").await;
    assert!(history(&model).is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_remembered_of_a_turn_that_has_said_nothing() {
    let (model, bench) = bench(vec![Step::Hang]);
    let (out, _events) = mpsc::channel(1);
    let answer = bench.pipeline.answer(question("Call Anna"), &bench.flags, out);
    let within = tokio::time::timeout(Duration::from_secs(1), answer).await;
    assert!(within.is_err());
    bench.ask("Hello").await;
    assert!(history(&model).is_empty());
}
