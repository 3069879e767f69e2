//! How long a reply may be and take.

use super::*;

fn bench(model: ScriptedModel) -> Bench {
    let offline = Arc::new(ScriptedModel::saying("offline", "I am here for you."));
    Bench::new(vec![Arc::new(model), offline], vec![Arc::new(voice("espeak"))])
}

#[tokio::test(start_paused = true)]
async fn a_reply_without_an_end_is_read_no_further_than_it_may_be_long() {
    let endless: Vec<Step> = (0..1000).map(|_| Step::text("words without an end ")).collect();
    let model = Arc::new(ScriptedModel::new("openai", endless));
    let bench = Bench::new(vec![model.clone()], vec![Arc::new(voice("espeak"))]);
    let heard = bench.ask("Go on").await;
    assert_eq!(heard.error(), ErrorType::Unavailable);
    assert_eq!(model.open_replies(), 0);
    assert!(heard.ended.reply.len() <= 1000, "{}", heard.ended.reply.len());
}

#[tokio::test(start_paused = true)]
async fn models_get_no_more_time_than_is_left_of_the_turn() {
    let bench = bench(ScriptedModel::new(
        "openai",
        vec![Step::text("This was said. And"), Step::Delay(Duration::from_secs(1)), Step::Hang],
    ));
    let left = Duration::from_millis(700);
    let heard = bench.answer(Question { budget: Some(left), ..question("Hello") }).await;
    assert_eq!((heard.error(), heard.took), (ErrorType::Timeout, left));
    // Never more than the worker's own.
    let bench = self::bench(ScriptedModel::new("openai", vec![Step::Hang]));
    let much = Some(Duration::from_secs(3600));
    let heard = bench.answer(Question { budget: much, ..question("Hello") }).await;
    assert_eq!(heard.texts(), ["I am here for you."]);
}
