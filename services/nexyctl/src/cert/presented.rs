use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use anyhow::Context as _;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::connection::Connection;

/// Writes down the chain that a server presents and accepts none: no handshake
/// that uses it ever ends well, so no data can travel over it.
struct Recorder {
    chain: OnceLock<Vec<CertificateDer<'static>>>,
    provider: CryptoProvider,
}

/// The certificates that a server presents, its own first. None is verified.
///
/// # Errors
/// When the server cannot be reached or does not speak TLS.
pub(super) async fn chain(connection: &Connection) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let url = connection.url();
    tokio::time::timeout(connection.timeout(), ask(connection))
        .await
        .with_context(|| format!("{url} did not answer in time"))?
}

async fn ask(connection: &Connection) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let url = connection.url();
    let recorder =
        Arc::new(Recorder { chain: OnceLock::new(), provider: ring::default_provider() });
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let name = ServerName::try_from(connection.host().to_owned())
        .with_context(|| format!("{url} is not a name that a certificate can have"))?;
    let stream = TcpStream::connect((connection.host(), connection.port()))
        .await
        .with_context(|| format!("cannot connect to {url}"))?;
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    match (recorder.chain.get(), shaken) {
        (Some(chain), _) => Ok(chain.clone()),
        (None, Err(error)) => Err(error).with_context(|| format!("{url} does not speak TLS")),
        (None, Ok(_)) => anyhow::bail!("{url} presented no certificate"),
    }
}

// === impl Recorder ===

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        // One recorder sees one handshake.
        let _ = self.chain.set(chain.map(|certificate| certificate.clone().into_owned()).collect());
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}
