//! Sockets of the simulated network, for the product's own servers and
//! channels.

use std::io;

use http::Uri;
use hyper_util::rt::TokioIo;
use nexy_runtime::grpc::Listen;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;
use turmoil::net::{TcpListener, TcpStream};

/// A port of a simulated host.
pub(super) struct Port(TcpListener);

// === impl Port ===

impl Port {
    pub(super) async fn bind(port: u16) -> io::Result<Self> {
        TcpListener::bind(("0.0.0.0", port)).await.map(Self)
    }
}

impl Listen for Port {
    type Socket = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        self.0.accept().await.map(|(socket, _)| socket)
    }
}

/// A channel over the simulated network.
pub(super) fn channel(endpoint: &Endpoint) -> Channel {
    endpoint.connect_with_connector_lazy(service_fn(|uri: Uri| async move {
        let nowhere = || io::Error::from(io::ErrorKind::AddrNotAvailable);
        let host = uri.host().ok_or_else(nowhere)?;
        let port = uri.port_u16().ok_or_else(nowhere)?;
        TcpStream::connect((host, port)).await.map(TokioIo::new)
    }))
}
