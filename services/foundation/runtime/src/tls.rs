//! TLS of the gRPC ports, and between the services.
//!
//! Between services both sides prove who they are. A certificate is checked
//! against the *name* of the service that it is for ([`Name`]), never against
//! the address that was connected to: workers are many, and found by addresses
//! that change. A port of a worker or of the update server takes the gateway
//! and nobody else.
//!
//! Files are looked at again as connections come. A new certificate holds from
//! the next connection on, and those that are open go on; one that is no good
//! is reported, and the old one stays in use.
//!
//! Not here: making certificates, which is `nexyctl`'s.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use rustls::{ClientConfig, ServerConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use self::reload::Reloading;

mod configs;
mod named;
#[cfg(test)]
pub(crate) mod pki;
mod reload;

/// The services, as their certificates for one another name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// Asks the others.
    Gateway,
    /// Answers the gateway.
    Worker,
    /// Answers the gateway.
    Update,
}

/// Where a side of a connection has its certificates, all PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Who may have issued the certificate of the other side; `None` when the
    /// other side needs none.
    pub ca: Option<PathBuf>,
    /// The chain to show.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The side that is connected to.
#[derive(Debug, Clone)]
pub struct Acceptor(Arc<Reloading<ServerConfig>>);

/// The side that connects.
#[derive(Debug, Clone)]
pub struct Connector {
    configs: Arc<Reloading<ClientConfig>>,
    peer: ServerName<'static>,
}

// === impl Name ===

impl Name {
    /// Every service.
    pub const ALL: [Self; 3] = [Self::Gateway, Self::Worker, Self::Update];

    /// The DNS name in its certificate; it resolves to nothing.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "nexy-gateway",
            Self::Worker => "nexy-worker",
            Self::Update => "nexy-update",
        }
    }

    /// The same, as a verifier takes it.
    ///
    /// # Errors
    /// Never for the names there are.
    pub fn server_name(self) -> anyhow::Result<ServerName<'static>> {
        Ok(ServerName::try_from(self.as_str())?)
    }
}

// === impl Files ===

impl Files {
    /// Those of the gateway's public port, if they are set.
    fn public(settings: &nexy_config::Settings) -> Option<Self> {
        let grpc = &settings.grpc;
        let (certificate, key) = (grpc.tls_certificate.clone()?, grpc.tls_key.clone()?);
        Some(Self { ca: None, certificate, key })
    }

    /// Those between services, if they are set.
    fn internal(settings: &nexy_config::Settings) -> Option<Self> {
        let tls = &settings.internal_tls;
        let (ca, certificate, key) = (tls.ca.clone()?, tls.certificate.clone()?, tls.key.clone()?);
        Some(Self { ca: Some(ca), certificate, key })
    }
}

// === impl Acceptor ===

impl Acceptor {
    /// For the gateway's public port; `None` when it speaks plaintext.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn public(settings: &nexy_config::Settings) -> anyhow::Result<Option<Self>> {
        let every = settings.grpc.tls_reload_interval;
        Files::public(settings).map(|files| Self::new(files, Name::Gateway, every)).transpose()
    }

    /// For the port of a service that only the gateway asks; `None` when they
    /// speak plaintext.
    ///
    /// # Errors
    /// When a file cannot be used, or the certificate is not this service's.
    pub fn internal(settings: &nexy_config::Settings, own: Name) -> anyhow::Result<Option<Self>> {
        let every = settings.grpc.tls_reload_interval;
        Files::internal(settings).map(|files| Self::new(files, own, every)).transpose()
    }

    /// Reads the files now, and again when they have changed.
    ///
    /// # Errors
    /// When a file cannot be used, or the certificate is not this service's.
    pub fn new(files: Files, own: Name, every: Duration) -> anyhow::Result<Self> {
        let load = Box::new(move |files: &Files| configs::server(files, own));
        Reloading::new(files, load, every).map(|configs| Self(Arc::new(configs)))
    }

    /// Shakes hands with somebody who has connected.
    ///
    /// # Errors
    /// When they do not prove who they are, or do not accept us.
    pub(crate) async fn accept<IO>(&self, io: IO) -> io::Result<server::TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        TlsAcceptor::from(self.0.current().await).accept(io).await
    }
}

// === impl Connector ===

impl Connector {
    /// From the gateway to one of the others; `None` when they speak plaintext.
    ///
    /// # Errors
    /// When a file cannot be used, or the certificate is not the gateway's.
    pub fn internal(settings: &nexy_config::Settings, peer: Name) -> anyhow::Result<Option<Self>> {
        let every = settings.grpc.tls_reload_interval;
        Files::internal(settings).map(|files| Self::new(files, peer, every)).transpose()
    }

    /// Reads the files now, and again when they have changed.
    ///
    /// # Errors
    /// When a file cannot be used, or the certificate is not the gateway's.
    pub fn new(files: Files, peer: Name, every: Duration) -> anyhow::Result<Self> {
        let configs = Reloading::new(files, Box::new(configs::client), every)?;
        Ok(Self { configs: Arc::new(configs), peer: peer.server_name()? })
    }

    /// Shakes hands with whom we have connected to.
    ///
    /// # Errors
    /// When they are not the service that we meant, or do not accept us.
    pub(crate) async fn connect(&self, io: TcpStream) -> io::Result<client::TlsStream<TcpStream>> {
        TlsConnector::from(self.configs.current().await).connect(self.peer.clone(), io).await
    }
}

#[cfg(test)]
mod tests;
