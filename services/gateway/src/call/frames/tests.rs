use futures_util::StreamExt as _;
use nexy_interrupt_handling::Interrupts;
use nexy_proto::streaming::TurnEvent;
use nexy_types::{ErrorType, HardwareId, SessionId, TurnNumber};

use super::*;

fn text(turn: &Audible, words: &str) -> Frame {
    let content = Some(Content::TextChunk(words.to_owned()));
    Frame::of_turn(turn, StreamResponse { content })
}

fn event() -> Frame {
    Frame::of_call(StreamResponse { content: Some(Content::TurnEvent(TurnEvent::default())) })
}

async fn send(sender: &FrameSender, frames: impl IntoIterator<Item = Frame>) {
    let mut pending: VecDeque<_> = frames.into_iter().collect();
    while !pending.is_empty() {
        sender.send_first(&mut pending).await.unwrap();
    }
}

fn stopped() -> End {
    End::Refused(Refusal::new(ErrorType::CancelledByUser, "stopped"))
}

fn failed() -> End {
    End::Failed(Refusal::new(ErrorType::Unavailable, "no model"))
}

async fn read(stream: FrameStream) -> (Vec<Content>, Option<Status>) {
    let (mut contents, mut status) = (Vec::new(), None);
    for item in stream.collect::<Vec<_>>().await {
        match item {
            Ok(response) => contents.push(response.content.unwrap()),
            Err(end) => status = Some(end),
        }
    }
    (contents, status)
}

#[tokio::test]
async fn a_good_end_waits_for_what_is_queued() {
    let (sender, stream) = queue(8, None);
    let turn = Audible::new();
    send(&sender, [text(&turn, "a"), text(&turn, "b")]).await;
    let mut trailers = MetadataMap::new();
    trailers.insert("nexy-total-ms", "5".parse().unwrap());
    sender.finish(End::Done, VecDeque::from([text(&turn, "c")]), &trailers);
    let (contents, status) = read(stream).await;
    assert_eq!(contents, ["a", "b", "c"].map(|text| Content::TextChunk(text.into())));
    let status = status.unwrap();
    assert_eq!(status.code(), Code::Ok);
    assert_eq!(status.metadata().get("nexy-total-ms").unwrap(), "5");
}

#[tokio::test]
async fn frames_of_a_stopped_turn_are_dropped_and_the_end_of_the_one_before_is_not() {
    let (sender, mut stream) = queue(8, None);
    let (whole, cut) = (Audible::new(), Audible::new());
    send(&sender, [text(&cut, "heard"), text(&whole, "whole"), text(&cut, "cut")]).await;
    stream.next().await.unwrap().unwrap();
    cut.silence();
    let rest = VecDeque::from([text(&cut, "cut"), event()]);
    sender.finish(stopped(), rest, &MetadataMap::new());
    let (contents, status) = read(stream).await;
    let expected = [Content::TextChunk("whole".into()), Content::TurnEvent(TurnEvent::default())];
    assert_eq!(contents, expected);
    assert_eq!(status.unwrap().code(), Code::Cancelled);
}

#[tokio::test]
async fn a_turn_that_failed_says_what_it_had_to_say() {
    let (sender, stream) = queue(8, None);
    let turn = Audible::new();
    send(&sender, [text(&turn, "a")]).await;
    let rest = VecDeque::from([text(&turn, "b"), event()]);
    sender.finish(failed(), rest, &MetadataMap::new());
    let (contents, status) = read(stream).await;
    let [a, b] = ["a", "b"].map(|text| Content::TextChunk(text.into()));
    assert_eq!(contents, [a, b, Content::TurnEvent(TurnEvent::default())]);
    assert_eq!(status.unwrap().code(), Code::Unavailable);
}

#[tokio::test]
async fn an_interrupt_silences_a_turn_that_failed_and_waits_for_its_end() {
    let (sender, mut stream) = queue(8, None);
    let (interrupts, audible) = (Interrupts::default(), Audible::new());
    let device = HardwareId::parse("a device").unwrap();
    let session = SessionId::parse("00000000-0000-4000-8000-000000000001").unwrap();
    let turn = interrupts.register(device.clone(), session.clone(), TurnNumber(1));
    send(&sender, [text(&audible, "heard"), text(&audible, "cut")]).await;
    stream.next().await.unwrap().unwrap();
    sender.hold_until_sent(turn, audible);
    let tail = sender.finish(failed(), VecDeque::new(), &MetadataMap::new());
    let reading = async {
        // The call's task and the interrupt go first.
        tokio::task::yield_now().await;
        read(stream).await
    };
    let within = std::time::Duration::from_secs(10);
    let interrupt = interrupts.interrupt(&device, within);
    let ((), stopped, (contents, status)) = tokio::join!(biased; tail.read(), interrupt, reading);
    assert_eq!((contents.len(), stopped), (0, vec![session]));
    assert_eq!(status.unwrap().code(), Code::Unavailable);
}

#[tokio::test]
async fn an_error_before_any_data_is_told_in_words_first() {
    let (sender, stream) = queue(8, None);
    let cut = Audible::new();
    send(&sender, [text(&cut, "never sent")]).await;
    cut.silence();
    sender.finish(stopped(), VecDeque::new(), &MetadataMap::new());
    let (contents, status) = read(stream).await;
    assert_eq!(contents, [Content::ErrorMessage("stopped".into())]);
    assert_eq!(status.unwrap().message(), "stopped");
}

#[tokio::test]
async fn a_call_that_panicked_ends_as_internal() {
    let (sender, stream) = queue(8, None);
    drop(sender);
    let (_, status) = read(stream).await;
    assert_eq!(status.unwrap().code(), Code::Internal);
}

#[tokio::test]
async fn the_sender_learns_that_the_client_is_gone() {
    let (sender, stream) = queue(1, None);
    drop(stream);
    sender.closed().await;
    let mut pending = VecDeque::from([event()]);
    assert!(sender.send_first(&mut pending).await.is_err());
}
