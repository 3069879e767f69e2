//! A local server that puts TLS, and HTTP/2, in front of the routes of any fake.
//!
//! It shows what plain HTTP cannot: what a client makes of a certificate, whether
//! requests share a connection, and what happens to them when that connection is
//! told to end, breaks, or falls silent.

use std::{
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Context as _;
use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::{ServerConfig, pki_types::PrivateKeyDer, version::TLS13};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// Orders that a connection may still have to take.
const ORDERS: usize = 16;

/// Who vouches for servers.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 too.
    Http2,
}

/// A running server on 127.0.0.1. Dropping it cuts its connections.
pub struct HttpsServer {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    orders: broadcast::Sender<Order>,
    _serving: JoinSet<()>,
}

/// What becomes of the connections that are open now.
#[derive(Debug, Clone, Copy)]
enum Order {
    GoAway,
    Cut,
    FallSilent,
}

/// What all connections of a server share.
#[derive(Clone)]
struct Serving {
    tls: TlsAcceptor,
    routes: Router,
    accepted: Arc<AtomicUsize>,
}

/// The authority that clients under test trust: one for the process, because a
/// client learns whom to trust when it is made.
///
/// # Errors
/// When there is no randomness to make a key of.
pub fn trusted() -> anyhow::Result<&'static Authority> {
    static TRUSTED: LazyLock<Option<Authority>> = LazyLock::new(|| Authority::new().ok());
    TRUSTED.as_ref().context("make the authority of the tests")
}

// === impl Authority ===

impl Authority {
    /// An authority that nobody trusts yet.
    ///
    /// # Errors
    /// When there is no randomness to make a key of.
    pub fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    /// Its certificate.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// TLS 1.3 with a certificate for this host.
    fn server(&self, host: &str, version: Version) -> anyhow::Result<TlsAcceptor> {
        let key = KeyPair::generate()?;
        let certificate =
            CertificateParams::new(vec![host.to_owned()])?.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let mut config = ServerConfig::builder_with_protocol_versions(&[&TLS13])
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = match version {
            Version::Http1 => vec![b"http/1.1".to_vec()],
            Version::Http2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        };
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

// === impl HttpsServer ===

impl HttpsServer {
    /// Serves these routes as `localhost`, for clients that trust [`trusted`].
    ///
    /// # Errors
    /// When no port can be bound or no certificate made.
    pub async fn start(routes: Router, version: Version) -> anyhow::Result<Self> {
        Self::of(trusted()?, "localhost", routes, version).await
    }

    /// Serves these routes with a certificate of this authority for this host;
    /// where it listens does not change.
    ///
    /// # Errors
    /// When no port can be bound or no certificate made.
    pub async fn of(
        authority: &Authority,
        host: &str,
        routes: Router,
        version: Version,
    ) -> anyhow::Result<Self> {
        crate::install_tls_provider();
        let tls = authority.server(host, version)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let accepted = Arc::new(AtomicUsize::new(0));
        let serving = Serving { tls, routes, accepted: Arc::clone(&accepted) };
        let orders = broadcast::Sender::new(ORDERS);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, serving, orders.clone()));
        Ok(Self { address, accepted, orders, _serving: tasks })
    }

    /// Where it listens, e.g. `https://localhost:40123`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Connections whose handshake was completed so far.
    #[must_use]
    pub fn accepted_connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Takes no more requests on the connections that are open, and ends each
    /// when its replies are whole: GOAWAY.
    pub fn go_away(&self) {
        self.order(Order::GoAway);
    }

    /// Cuts the connections that are open, without a word.
    pub fn cut(&self) {
        self.order(Order::Cut);
    }

    /// The connections that are open are read and written no more, but not
    /// closed: as a client sees it, the way to the server is gone.
    pub fn fall_silent(&self) {
        self.order(Order::FallSilent);
    }

    fn order(&self, order: Order) {
        // An error only says that nobody is connected.
        let _nobody = self.orders.send(order);
    }
}

async fn accept(listener: TcpListener, serving: Serving, orders: broadcast::Sender<Order>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, serving.clone(), orders.subscribe()));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, serving: Serving, mut orders: broadcast::Receiver<Order>) {
    // The fake must not add delays of its own to small writes.
    let _ = stream.set_nodelay(true);
    let Ok(stream) = serving.tls.accept(stream).await else { return };
    serving.accepted.fetch_add(1, Ordering::SeqCst);
    let http = auto::Builder::new(TokioExecutor::new());
    let service = TowerToHyperService::new(serving.routes);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Ok(Order::GoAway) => connection.as_mut().graceful_shutdown(),
                Ok(Order::Cut) | Err(_) => return,
                Ok(Order::FallSilent) => std::future::pending().await,
            },
            _ended = connection.as_mut() => return,
        };
    }
}
