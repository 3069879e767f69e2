//! Ports with TLS, and who is let in.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::{io::AsyncReadExt as _, io::AsyncWriteExt as _, net::TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;
use crate::tls::{
    Acceptor, Connector, Files, Name,
    pki::{Pki, Valid, replace},
};

const AT_ONCE: Duration = Duration::ZERO;

impl Served {
    /// As the worker's internal port is.
    async fn mutual(pki: &Pki) -> Self {
        let acceptor = Acceptor::new(pki.issue(Name::Worker), Name::Worker, AT_ONCE).unwrap();
        Self::over(acceptor, settings()).await
    }

    /// What the gateway says to it.
    async fn asked(&self, connector: &Connector) -> Result<(), Status> {
        let peer = Peer { tls: Some(connector.clone()), ..peers::peer() };
        let mut client = HealthClient::new(peer.channel(&self.at.to_string()).unwrap());
        let asking = client.check(HealthCheckRequest::default());
        timeout(SOON, asking).await.expect("an answer or an error").map(drop)
    }
}

fn gateway(pki: &Pki) -> Connector {
    Connector::new(pki.issue(Name::Gateway), Name::Worker, AT_ONCE).unwrap()
}

/// A client that checks nothing about itself. Read errors are the server's no:
/// in TLS 1.3 the client is done before its certificate is looked at.
async fn raw(
    served: &Served,
    ca: &Files,
    own: Option<&Files>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca.ca.as_ref().unwrap()).unwrap()).unwrap();
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = vec![CertificateDer::from_pem_file(&own.certificate).unwrap()];
            let key = PrivateKeyDer::from_pem_file(&own.key).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let socket = TcpStream::connect(served.at).await.unwrap();
    let name = Name::Worker.server_name().unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await
}

#[tokio::test]
async fn the_gateway_is_served_by_a_worker_of_the_same_ca() {
    let pki = Pki::new();
    let served = Served::mutual(&pki).await;
    served.asked(&gateway(&pki)).await.unwrap();
}

#[tokio::test]
async fn a_worker_of_another_ca_or_another_service_is_not_believed() {
    let (pki, stranger) = (Pki::new(), Pki::new());
    let own = gateway(&pki);
    let update = Connector::new(pki.issue(Name::Gateway), Name::Update, AT_ONCE).unwrap();
    let before = refused("refused_by_peer");
    let foreign = Served::mutual(&stranger).await;
    assert!(foreign.asked(&own).await.is_err());
    let worker = Served::mutual(&pki).await;
    assert!(worker.asked(&update).await.is_err());
    // The client knows before the server does.
    let counted = async {
        while refused("refused_by_peer") < before + 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, counted).await.unwrap();
}

#[tokio::test]
async fn only_the_gateway_with_a_good_certificate_is_let_in() {
    let (pki, stranger) = (Pki::new(), Pki::new());
    let served = Served::mutual(&pki).await;
    let known = pki.issue(Name::Gateway);
    let foreign = stranger.issue(Name::Gateway);
    let expired = pki.issue_for("nexy-gateway.old", Valid::NoLonger);
    let other = pki.issue(Name::Update);
    let rows = [
        ("no_certificate", None),
        ("unknown_issuer", Some(&foreign)),
        ("expired", Some(&expired)),
        ("wrong_name", Some(&other)),
    ];
    for (reason, own) in rows {
        let before = refused(reason);
        let mut stream = raw(&served, &known, own).await.unwrap();
        let answer = timeout(SOON, stream.read(&mut [0; 64])).await.expect("an end");
        assert!(answer.is_err(), "{reason}: {answer:?}");
        assert!(refused(reason) > before, "{reason}");
    }
    let mut welcome = raw(&served, &known, Some(&known)).await.unwrap();
    welcome.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    assert!(timeout(SOON, welcome.read(&mut [0; 64])).await.unwrap().unwrap() > 0);
}

#[tokio::test]
async fn a_renewal_is_picked_up_while_a_call_goes_on() {
    let (old, new) = (Pki::new(), Pki::new());
    let (ours, theirs) = (old.issue(Name::Gateway), old.issue(Name::Worker));
    let acceptor = Acceptor::new(theirs.clone(), Name::Worker, AT_ONCE).unwrap();
    let served = Served::over(acceptor, settings()).await;
    let connector = Connector::new(ours.clone(), Name::Worker, AT_ONCE).unwrap();
    let peer = Peer { tls: Some(connector.clone()), ..peers::peer() };
    let mut client = HealthClient::new(peer.channel(&served.at.to_string()).unwrap());
    let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert!(watch.message().await.unwrap().is_some());

    // One side is renewed, and does not know the other any more.
    replace(&theirs, &new.issue(Name::Worker));
    assert!(served.asked(&connector).await.is_err());
    replace(&ours, &new.issue(Name::Gateway));
    served.asked(&connector).await.unwrap();
    assert!(served.asked(&gateway(&old)).await.is_err(), "the old ones are of no use any more");

    served.say(ServingStatus::NotServing).await;
    assert!(timeout(SOON, watch.message()).await.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn a_plaintext_client_of_a_tls_port_gets_an_error_soon() {
    let served = Served::mutual(&Pki::new()).await;
    let before = refused("not_tls");
    let peer = peers::peer();
    let mut client = HealthClient::new(peer.channel(&served.at.to_string()).unwrap());
    let asking = client.check(HealthCheckRequest::default());
    assert!(timeout(SOON, asking).await.expect("an error, and no wait").is_err());
    assert!(refused("not_tls") > before);
}

#[tokio::test]
async fn a_tls_client_of_a_plaintext_port_gets_an_error_soon() {
    let served = Served::with(settings()).await;
    assert!(served.asked(&gateway(&Pki::new())).await.is_err());
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_given_up_while_others_are_served() {
    let pki = Pki::new();
    let acceptor = Acceptor::new(pki.issue(Name::Worker), Name::Worker, AT_ONCE).unwrap();
    let terms = Settings { handshake_timeout: Duration::from_secs(1), ..settings() };
    let served = Served::over(acceptor, terms).await;
    let before = refused("too_slow");
    let mut silent = TcpStream::connect(served.at).await.unwrap();
    let mut slow = TcpStream::connect(served.at).await.unwrap();
    // The head of a ClientHello that never comes.
    slow.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    served.asked(&gateway(&pki)).await.unwrap();
    for socket in [&mut silent, &mut slow] {
        let end = timeout(SOON, socket.read(&mut [0; 64])).await.expect("it is closed");
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
    assert!(refused("too_slow") >= before + 2);
}

#[tokio::test]
async fn a_public_port_asks_nobody_for_a_certificate() {
    let pki = Pki::new();
    let known = pki.issue(Name::Worker);
    let acceptor =
        Acceptor::new(Files { ca: None, ..known.clone() }, Name::Gateway, AT_ONCE).unwrap();
    let served = Served::over(acceptor, settings()).await;
    let mut stream = raw(&served, &known, None).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    assert!(timeout(SOON, stream.read(&mut [0; 64])).await.unwrap().unwrap() > 0);
}
