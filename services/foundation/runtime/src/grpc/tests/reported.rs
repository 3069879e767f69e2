//! The lines of calls that end in no ordinary way.

use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, Waker},
};

use http::{Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::StreamBody;
use nexy_telemetry::capture;
use tonic::body::Body;
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::*;

const PATH: &str = "/test.Test/Call";

fn observe() -> ObserveLayer {
    ObserveLayer::new("test", &[Rpc { path: PATH, name: "Call", logged: Logged::Call }])
}

fn request() -> Request<Body> {
    Request::builder().uri(PATH).body(Body::empty()).unwrap()
}

/// The end of the only call.
#[track_caller]
fn assert_ended(lines: &[String], end: &str, ctx: &str) {
    let [start, ended] = lines else { panic!("not a start and an end: {lines:#?}") };
    assert!(start.contains(&format!("method={PATH} decision=start")), "{start}");
    let expected = format!("method={PATH} decision={end} ctx={ctx}");
    assert!(ended.contains(&expected), "{ended}");
}

const INTERNAL: &str =
    "{\"error_type\":\"internal\",\"error_classified\":\"permanent\",\"grpc_code\":\"INTERNAL\"";

#[tokio::test]
async fn a_handler_that_panics_has_failed_and_was_not_given_up() {
    let log = capture();
    let handler = service_fn(|_: Request<Body>| async {
        if true {
            panic!("a bug");
        }
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let mut calls = tokio::task::JoinSet::new();
    calls.spawn(observe().layer(handler).oneshot(request()));
    assert!(calls.join_next().await.unwrap().unwrap_err().is_panic());
    assert_ended(&log.lines(), "error", INTERNAL);
}

#[tokio::test]
async fn an_answer_that_panics_has_failed_and_was_not_given_up() {
    let log = capture();
    let handler = service_fn(|_: Request<Body>| async {
        let frames = stream::poll_fn(|_| -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("a bug")
        });
        Ok::<_, Infallible>(Response::new(Body::new(StreamBody::new(frames))))
    });
    let answer = observe().layer(handler).oneshot(request()).await.unwrap();
    let mut body = Box::pin(answer.into_body());
    let mut cx = Context::from_waker(Waker::noop());
    let polled = catch_unwind(AssertUnwindSafe(|| body.as_mut().poll_frame(&mut cx).is_ready()));
    assert!(polled.is_err());
    // As a task does with what has panicked.
    drop(body);
    assert_ended(&log.lines(), "error", INTERNAL);
}

#[tokio::test]
async fn a_client_that_vanishes_has_given_up() {
    let log = capture();
    let handler = service_fn(|_: Request<Body>| async {
        let frames = stream::pending::<Result<Frame<Bytes>, Infallible>>();
        Ok::<_, Infallible>(Response::new(Body::new(StreamBody::new(frames))))
    });
    let answer = observe().layer(handler).oneshot(request()).await.unwrap();
    let mut body = Box::pin(answer.into_body());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(body.as_mut().poll_frame(&mut cx).is_pending());
    drop(body);
    assert_ended(&log.lines(), "abort", "{\"grpc_code\":\"CANCELLED\"");
}
