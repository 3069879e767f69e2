//! The client in the field: it declares `StreamAudio` unary→stream, knows no
//! field above 15, and must go on working.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use http::uri::PathAndQuery;
use nexy_proto::streaming::{StreamRequest, StreamResponse};
use nexy_testkit::{
    chat_server::Script,
    stack::{Action, Reply, Stack, question},
};
use serde_json::json;
use tonic::{
    Code, Request, Response, Status, Streaming,
    client::Grpc,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use crate::support::{
    AT_ONCE, Fakes, STREAM_AUDIO, active_streams, ask, assert_refused, assert_status, assert_whole,
    eventually, interrupt, with_metadata,
};

/// What code generated from
/// `rpc StreamAudio(StreamRequest) returns (stream StreamResponse)` does.
struct Shipped(Grpc<Channel>);

// === impl Shipped ===

impl Shipped {
    async fn connect(stack: &Stack) -> anyhow::Result<Self> {
        let url = format!("http://127.0.0.1:{}", stack.ports.gateway_grpc);
        Ok(Self(Grpc::new(Endpoint::from_shared(url)?.connect().await?)))
    }

    async fn stream_audio(
        &mut self,
        request: Request<StreamRequest>,
    ) -> Result<Response<Streaming<StreamResponse>>, Status> {
        self.0.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
        let codec = ProstCodec::<StreamRequest, StreamResponse>::default();
        self.0.server_streaming(request, PathAndQuery::from_static(STREAM_AUDIO), codec).await
    }

    async fn ask(
        &mut self,
        question: StreamRequest,
        metadata: &[(&'static str, &str)],
    ) -> anyhow::Result<Reply> {
        let began = Instant::now();
        let answer = self.stream_audio(with_metadata(question, metadata)?).await?;
        Ok(Reply::collect(answer.into_inner(), began).await)
    }
}

#[tokio::test]
async fn a_client_that_declares_one_request_gets_the_whole_reply() -> anyhow::Result<()> {
    let call = ["{\"app_name\":", "\"Safari\"}"];
    let reply = Script::text(["Opening ", "Safari now. ", "Just a moment, please."]);
    let fakes = Fakes::saying(reply.and_tool_call("open_app", &call)).await?;
    let stack = fakes.stack().env("FORWARD_ASSISTANT_ACTIONS", "true").start().await?;
    let mut client = Shipped::connect(&stack).await?;
    for transport in [None, Some("action_message")] {
        let asked = question("device-1", "Open Safari");
        let session = asked.session_id.clone();
        let metadata = transport.map(|transport| ("nexy-actions", transport));
        let reply = client.ask(asked, metadata.as_slice()).await?;
        assert_whole(&reply);
        assert_eq!(reply.text(), "Opening Safari now. Just a moment, please.");
        assert!(reply.events.is_empty(), "a field that shipped clients do not know");
        let payload = json!({
            "session_id": session, "command": "open_app", "args": { "app_name": "Safari" },
        });
        let expected = match transport {
            None => {
                Action::McpPrefix(json!({ "event": "mcp.command_request", "payload": payload }))
            }
            Some(_) => Action::Message(payload),
        };
        assert_eq!(reply.actions, [expected]);

        assert_eq!(reply.trailer("nexy-session-id"), Some(session.as_str()));
        assert_eq!(reply.trailer("nexy-providers"), Some("llm=openai;tts=openai"));
        assert_eq!(reply.trailer("nexy-degraded"), None);
        let ms = |name: &str| reply.trailer(name).and_then(|text| text.parse::<u64>().ok());
        let (text, audio) = (ms("nexy-first-text-ms"), ms("nexy-first-audio-ms"));
        assert!(text.is_some() && text <= audio && audio <= ms("nexy-total-ms"));
    }
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_client_that_declares_one_request_is_refused_and_interrupted_like_any_other()
-> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::endless("On and on. ", Duration::from_millis(10))).await?;
    let stack = fakes.stack().start().await?;
    let mut client = Shipped::connect(&stack).await?;
    let nobody = client.ask(question(" ", "Talk"), &[]).await?;
    assert_refused(&nobody, Code::InvalidArgument, "validation_failed");

    let asked = question("device-1", "Talk");
    let session = asked.session_id.clone();
    let began = Instant::now();
    let mut responses = client.stream_audio(Request::new(asked.clone())).await?.into_inner();
    let mut reply = Reply::default();
    while reply.chunks.len() < 10 {
        reply.take(responses.message().await?.context("a frame")?, began);
    }
    let (answer, rest) =
        tokio::join!(interrupt(&stack, "device-1"), Reply::collect(responses, began));
    let answer = answer?;
    assert_eq!((answer.success, answer.interrupted_sessions), (true, vec![session]));
    // There may have been nothing on its way any more.
    assert_status(rest.status.as_ref().context("a status")?, Code::Cancelled, "cancelled_by_user");
    assert!(rest.ends.is_empty() && rest.errors.is_empty(), "{:?}", rest.outline);
    assert!(fakes.chat.wait_disconnect(AT_ONCE).await.is_some(), "the model is let go");

    // The same session, over the same connection and over another one.
    fakes.chat.state().set_default(Script::text(["Yes, I am here."]));
    assert_whole(&client.ask(asked.clone(), &[]).await?);
    assert_whole(&ask(&stack, asked).await?);
    stack.stop(&[]).await
}

#[tokio::test]
async fn a_client_that_declares_one_request_and_hangs_up_leaves_nothing_behind()
-> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::endless("On and on. ", Duration::from_millis(10))).await?;
    let stack = fakes.stack().start().await?;
    let mut client = Shipped::connect(&stack).await?;
    let mut responses =
        client.stream_audio(Request::new(question("device-1", "Talk"))).await?.into_inner();
    responses.message().await?.context("a frame")?;
    drop(responses);
    assert!(fakes.chat.wait_disconnect(AT_ONCE).await.is_some(), "the model is let go");
    eventually("the permit is given back", async || Ok(active_streams(&stack).await? == 0)).await?;
    stack.stop(&[]).await
}
