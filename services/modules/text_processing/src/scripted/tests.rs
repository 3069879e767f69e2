use futures_util::StreamExt;
use nexy_types::Language;

use super::*;
use crate::Screen;

fn request() -> Arc<ChatRequest> {
    Arc::new(ChatRequest {
        system: String::new(),
        history: Vec::new(),
        prompt: "hello".to_owned(),
        screen: Screen::NotSent,
        commands: Vec::new(),
        language: Language::english(),
        now: jiff::Zoned::default(),
        outages: false,
    })
}

#[tokio::test(start_paused = true)]
async fn plays_its_steps_in_order_and_on_time() {
    let pause = Duration::from_secs(3);
    let steps = vec![Step::text("a"), Step::Delay(pause), Step::text("b"), Step::stop()];
    let model = ScriptedModel::new("scripted", steps);
    let started = Instant::now();
    let items: Vec<_> = model.reply(request()).await.unwrap().collect().await;
    assert_eq!(started.elapsed(), pause);
    assert_eq!(items.len(), 3);
    assert_eq!(items[2], Ok(Delta::Finished(FinishReason::Stop)));
    assert_eq!(model.requests().len(), 1);
}

#[tokio::test]
async fn a_script_without_an_end_is_cut_off() {
    let model = ScriptedModel::new("scripted", vec![Step::text("a")]);
    let items: Vec<_> = model.reply(request()).await.unwrap().collect().await;
    assert_eq!(items, [Ok(Delta::Text("a".to_owned())), Err(Error::Truncated)]);
}

#[tokio::test]
async fn a_queue_is_played_in_order_and_its_last_script_stays() {
    let refused = vec![Step::Error(Error::Truncated)];
    let model = ScriptedModel::queue("scripted", [refused, vec![Step::stop()]]);
    assert!(model.reply(request()).await.is_err());
    assert!(model.reply(request()).await.is_ok());
    assert!(model.reply(request()).await.is_ok());
}

#[tokio::test]
async fn knows_which_replies_are_open() {
    let model = ScriptedModel::new("scripted", vec![Step::text("a"), Step::Hang]);
    let mut reply = model.reply(request()).await.unwrap();
    assert!(reply.next().await.is_some());
    assert_eq!(model.open_replies(), 1);
    drop(reply);
    assert_eq!(model.open_replies(), 0);
}
