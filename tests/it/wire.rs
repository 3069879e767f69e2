//! Peers of another version: servers and clients that write bytes of their own
//! instead of the messages of this version.

use std::{convert::Infallible, sync::Arc};

use anyhow::Context as _;
use axum::{Router, extract::Request as HttpRequest, routing::post};
use bytes::{Buf as _, BufMut as _};
use http::uri::PathAndQuery;
use nexy_proto::worker::{ModuleStatus, StatusResponse};
use prost::Message;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    service::Routes,
    transport::{Endpoint, Server},
};
use tower::service_fn;

/// What a later version adds to a message: a field of every wire type of proto3.
/// Messages concatenated are messages merged, so its bytes behind those of a
/// message are that message with unknown fields.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Additions {
    #[prost(uint64, tag = "900")]
    number: u64,
    #[prost(fixed64, tag = "901")]
    time: u64,
    #[prost(string, tag = "902")]
    text: String,
    #[prost(fixed32, tag = "903")]
    flags: u32,
    #[prost(message, optional, boxed, tag = "904")]
    nested: Option<Box<Self>>,
    #[prost(double, repeated, tag = "905")]
    list: Vec<f64>,
    /// An enum that this version does not have.
    #[prost(int32, tag = "906")]
    kind: i32,
}

/// Messages as they are on the wire.
#[derive(Debug, Clone, Copy, Default)]
struct Raw;

/// A server that answers a request with these messages, one of them where a call
/// is unary, which is the same on the wire; or with an error.
type Answer = Arc<dyn Fn(&[u8]) -> Result<Vec<Vec<u8>>, Status> + Send + Sync>;

/// The methods of a peer, each with its answer.
#[derive(Default)]
pub(crate) struct Peer(Router);

/// A peer that is being served. Dropping it ends it.
pub(crate) struct Served {
    pub(crate) addr: String,
    _server: JoinSet<()>,
}

/// A message of a later version than ours.
pub(crate) fn newer(message: &impl Message) -> Vec<u8> {
    [message.encode_to_vec(), additions().encode_to_vec()].concat()
}

pub(crate) fn additions() -> Additions {
    let one = Additions {
        number: u64::MAX,
        time: 1,
        text: "later".to_owned(),
        flags: u32::MAX,
        nested: None,
        list: vec![0.5, -0.5],
        kind: 17,
    };
    Additions { nested: Some(Box::new(one.clone())), ..one }
}

/// Calls a method with bytes, and collects what it answers.
pub(crate) async fn call(addr: &str, path: &str, message: Vec<u8>) -> Result<Vec<Vec<u8>>, Status> {
    let unknown = |error: &dyn std::fmt::Display| Status::unknown(error.to_string());
    let endpoint = Endpoint::from_shared(format!("http://{addr}")).map_err(|e| unknown(&e))?;
    let mut grpc = Grpc::new(endpoint.connect().await.map_err(|e| unknown(&e))?);
    grpc.ready().await.map_err(|e| unknown(&e))?;
    let path = PathAndQuery::try_from(path).map_err(|e| unknown(&e))?;
    let answer = grpc.server_streaming(Request::new(message), path, Raw).await?;
    let (mut answers, mut messages) = (answer.into_inner(), Vec::new());
    while let Some(message) = answers.message().await? {
        messages.push(message);
    }
    Ok(messages)
}

// === impl Peer ===

impl Peer {
    /// A worker that is ready.
    pub(crate) fn worker() -> Self {
        Self::default().on("/nexy.worker.v1.Worker/Status", |_| {
            let module = ModuleStatus { state: "ready".to_owned(), ..ModuleStatus::default() };
            let status = StatusResponse { modules: vec![module], ..StatusResponse::default() };
            vec![status.encode_to_vec()]
        })
    }

    /// Answers a method like this.
    pub(crate) fn on(
        self,
        path: &str,
        answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.route(path, Arc::new(move |asked| Ok(answer(asked))))
    }

    /// Refuses a method like this.
    pub(crate) fn refusing(
        self,
        path: &str,
        refusal: impl Fn() -> Status + Send + Sync + 'static,
    ) -> Self {
        self.route(path, Arc::new(move |_| Err(refusal())))
    }

    fn route(self, path: &str, answer: Answer) -> Self {
        let handler = move |request: HttpRequest| serve(request, Arc::clone(&answer));
        Self(self.0.route(path, post(handler)))
    }

    pub(crate) async fn serve(self) -> anyhow::Result<Served> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr().context("find the port")?.to_string();
        let serving = Server::builder()
            .add_routes(Routes::from(self.0))
            .serve_with_incoming(TcpListenerStream::new(listener));
        let mut server = JoinSet::new();
        server.spawn(async move {
            // It ends only with this task.
            let _ended = serving.await;
        });
        Ok(Served { addr, _server: server })
    }
}

async fn serve(
    request: HttpRequest,
    answer: Answer,
) -> Result<http::Response<axum::body::Body>, Infallible> {
    let method = service_fn(move |request: Request<Vec<u8>>| {
        let answered = answer(request.get_ref());
        let stream = |messages: Vec<_>| tokio_stream::iter(messages.into_iter().map(Ok));
        std::future::ready(answered.map(|messages| Response::new(stream(messages))))
    });
    let mut grpc = tonic::server::Grpc::new(Raw);
    let response = grpc.server_streaming(method, request).await;
    Ok(response.map(axum::body::Body::new))
}

// === impl Raw ===

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).to_vec()))
    }
}
