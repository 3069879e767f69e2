//! The whole product as real processes on loopback.
//!
//! Each part has a port of its own for as long as its stack lives, so that it
//! can be stopped and started again at the same address.

mod binaries;
mod line;
mod ports;
mod process;
mod reply;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use nexy_proto::{
    streaming::{StreamRequest, streaming_service_client::StreamingServiceClient},
    worker::worker_client::WorkerClient,
};
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

pub use self::{
    binaries::{binary, workspace_root},
    line::Line,
    ports::{Ports, free_port},
    process::{Process, resident_kib},
    reply::{Action, Reply},
};

/// How long a process may take to come up or to leave.
const LIFE_SIGN: Duration = Duration::from_secs(20);

/// A running product.
#[derive(Debug)]
pub struct Stack {
    /// Where each part listens.
    pub ports: Ports,
    /// `None` while it is stopped.
    pub gateway: Option<Process>,
    /// `None` while it is stopped.
    pub worker: Option<Process>,
    /// `None` while it is stopped.
    pub update: Option<Process>,
    /// nginx with TLS; `None` when not asked for.
    pub ingress: Option<Process>,
    environment: Vec<(String, String)>,
    internal_tls: bool,
    dir: TempDir,
}

/// What a stack is made of.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    environment: Vec<(String, String)>,
    ingress: bool,
    internal_tls: bool,
    without_worker: bool,
}

// === impl Builder ===

impl Builder {
    /// Sets a variable for every process; the last one of a name wins.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Puts nginx with TLS in front.
    #[must_use]
    pub fn with_ingress(mut self) -> Self {
        self.ingress = true;
        self
    }

    /// Has the services prove to one another who they are.
    #[must_use]
    pub fn with_internal_tls(mut self) -> Self {
        self.internal_tls = true;
        self
    }

    /// Leaves the worker to be started later.
    #[must_use]
    pub fn without_worker(mut self) -> Self {
        self.without_worker = true;
        self
    }

    /// Starts everything and waits until it serves.
    ///
    /// # Errors
    /// When a process does not come up; its last lines are in the error.
    pub async fn start(self) -> anyhow::Result<Stack> {
        let dir = tempfile::tempdir().context("make a data folder")?;
        let ports = Ports::free()?;
        let mut environment = base_environment(&ports, dir.path());
        environment.extend(self.environment);
        let mut stack = Stack {
            ports,
            gateway: None,
            worker: None,
            update: None,
            ingress: None,
            environment,
            internal_tls: self.internal_tls,
            dir,
        };
        if self.internal_tls {
            make_certificates(&stack.certificates()).await?;
        }
        stack.start_update().await?;
        if !self.without_worker {
            stack.start_worker().await?;
        }
        stack.start_gateway().await?;
        if self.ingress {
            stack.start_ingress().await?;
        }
        if !self.without_worker {
            stack.wait_ready().await?;
        }
        Ok(stack)
    }
}

// === impl Stack ===

impl Stack {
    /// A stack with the embedded defaults in the dev environment.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The folder of databases, certificates and updates.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts the gateway.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_gateway(&mut self) -> anyhow::Result<()> {
        self.gateway = Some(self.start("nexy-gateway", &[]).await?);
        Ok(())
    }

    /// Starts the worker.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_worker(&mut self) -> anyhow::Result<()> {
        self.worker = Some(self.start("nexy-worker", &[]).await?);
        Ok(())
    }

    /// Starts the update server.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_update(&mut self) -> anyhow::Result<()> {
        self.update = Some(self.start("nexy-update", &[]).await?);
        Ok(())
    }

    /// Starts nginx.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_ingress(&mut self) -> anyhow::Result<()> {
        // Before it says so, a port that is open may be that of `nginx -t`.
        let ingress = self.start("nexyctl", &["ingress"]).await?;
        let at = format!("127.0.0.1:{}", self.ports.tls);
        let opened = ports::wait_open(&at, LIFE_SIGN).await;
        opened.with_context(|| format!("wait for nginx: {:#?}", ingress.lines()))?;
        self.ingress = Some(ingress);
        Ok(())
    }

    /// Waits until the gateway has a ready worker.
    ///
    /// # Errors
    /// When it has none within the time.
    pub async fn wait_ready(&self) -> anyhow::Result<()> {
        let url = format!("http://127.0.0.1:{}/ready", self.ports.gateway_http);
        ports::wait_http_ok(&url, LIFE_SIGN).await.context("wait for a ready gateway")
    }

    /// A client of the gateway's own port.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn client(&self) -> anyhow::Result<StreamingServiceClient<Channel>> {
        let endpoint =
            Endpoint::from_shared(format!("http://127.0.0.1:{}", self.ports.gateway_grpc))?;
        Ok(StreamingServiceClient::new(endpoint.connect().await?))
    }

    /// A client of the public door, with the stack's own certificate trusted.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn tls_client(&self) -> anyhow::Result<StreamingServiceClient<Channel>> {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.certificate()?))
            .domain_name("localhost");
        let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{}", self.ports.tls))?
            .tls_config(tls)?;
        Ok(StreamingServiceClient::new(endpoint.connect().await?))
    }

    /// A client of the worker's internal port.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn worker_client(&self) -> anyhow::Result<WorkerClient<Channel>> {
        let endpoint =
            Endpoint::from_shared(format!("http://127.0.0.1:{}", self.ports.worker_grpc))?;
        Ok(WorkerClient::new(endpoint.connect().await?))
    }

    /// The PEM that a client of the public door has to trust.
    ///
    /// # Errors
    /// When nginx has not been started.
    pub fn certificate(&self) -> anyhow::Result<String> {
        let tls = self.data_dir().join("tls");
        std::fs::read_to_string(tls.join("certificate.pem"))
            .with_context(|| format!("find the certificate in {}", tls.display()))
    }

    /// Asks one question of the gateway's own port and collects the reply.
    ///
    /// # Errors
    /// When the call cannot be made at all.
    pub async fn ask(&self, prompt: &str) -> anyhow::Result<Reply> {
        let mut client = self.client().await?;
        Reply::of(&mut client, question("test-device", prompt)).await
    }

    /// The folder of the certificates that the services show one another.
    #[must_use]
    pub fn certificates(&self) -> PathBuf {
        self.data_dir().join("internal")
    }

    /// The variables that every process of this stack gets.
    #[must_use]
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// The decision log of everything so far.
    ///
    /// # Errors
    /// When a process wrote anything else.
    pub fn decisions(&self) -> anyhow::Result<Vec<Line>> {
        self.log()
            .iter()
            .filter(|line| !is_access_line(line))
            .map(|line| Line::parse(line))
            .collect()
    }

    /// Tells every process to leave and fails when one does not leave in peace,
    /// wrote what is no decision line, or warned of anything but these decisions.
    ///
    /// # Errors
    /// What is wrong with which process or line.
    pub async fn stop(mut self, expected: &[&str]) -> anyhow::Result<()> {
        // The gateway first: it would miss the others.
        let parts = [&mut self.gateway, &mut self.worker, &mut self.update, &mut self.ingress];
        for process in parts.into_iter().flatten() {
            process.leave(LIFE_SIGN).await?;
        }
        let lines = self.decisions()?;
        let unexpected: Vec<_> = lines
            .iter()
            .filter(|line| line.is_loud() && !expected.contains(&line.decision.as_str()))
            .collect();
        ensure!(unexpected.is_empty(), "unexpected warnings: {unexpected:#?}");
        Ok(())
    }

    /// Everything that every process wrote so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        [&self.gateway, &self.worker, &self.update, &self.ingress]
            .into_iter()
            .flatten()
            .flat_map(Process::lines)
            .collect()
    }

    async fn start(&self, name: &str, arguments: &[&str]) -> anyhow::Result<Process> {
        let mut environment = self.environment.clone();
        if self.internal_tls {
            let service = name.trim_start_matches("nexy-");
            environment.extend(internal_tls(&self.certificates().join(service)));
        }
        let process = Process::spawn(name, arguments, &environment)?;
        process.wait_for("decision=listening", LIFE_SIGN).await?;
        Ok(process)
    }
}

/// Makes what the services show one another, unless it is there and good.
///
/// # Errors
/// When it cannot be made.
pub async fn make_certificates(folder: &Path) -> anyhow::Result<()> {
    let folder = folder.display().to_string();
    let mut making = Process::spawn("nexyctl", &["cert", "internal", "--dir", &folder], &[])?;
    let status = making.wait_exit(LIFE_SIGN).await?;
    ensure!(status.success(), "make certificates: {:#?}", making.lines());
    Ok(())
}

/// The variables that name the certificates of one service in its folder.
#[must_use]
pub fn internal_tls(folder: &Path) -> [(String, String); 3] {
    let row = |variable: &str, file: &str| {
        (format!("INTERNAL_TLS_{variable}"), folder.join(file).display().to_string())
    };
    [row("CA", "ca.pem"), row("CERTIFICATE", "certificate.pem"), row("KEY", "key.pem")]
}

/// A question of a device in a session of its own.
#[must_use]
pub fn question(device: &str, prompt: &str) -> StreamRequest {
    StreamRequest {
        prompt: prompt.to_owned(),
        hardware_id: device.to_owned(),
        session_id: uuid::Uuid::new_v4().to_string(),
        ..StreamRequest::default()
    }
}

/// nginx writes one JSON object for each request beside the ingress's own lines.
fn is_access_line(line: &str) -> bool {
    line.starts_with("{\"ts\":")
}

fn base_environment(ports: &Ports, data: &Path) -> Vec<(String, String)> {
    let updates = data.join("updates");
    let rows = [
        ("NEXY_ENV", "dev".to_owned()),
        ("NEXY_DATA_DIR", data.display().to_string()),
        ("UPDATE_DIR", updates.display().to_string()),
        ("GRPC_HOST", "127.0.0.1".to_owned()),
        ("HTTP_HOST", "127.0.0.1".to_owned()),
        ("UPDATE_HOST", "127.0.0.1".to_owned()),
        ("WORKER_HOST", "127.0.0.1".to_owned()),
        ("INGRESS_LISTEN_HOST", "127.0.0.1".to_owned()),
        ("GRPC_PORT", ports.gateway_grpc.to_string()),
        ("HTTP_PORT", ports.gateway_http.to_string()),
        ("WORKER_PORT", ports.worker_grpc.to_string()),
        ("WORKER_HTTP_PORT", ports.worker_http.to_string()),
        ("WORKER_ADDRS", format!("127.0.0.1:{}", ports.worker_grpc)),
        ("UPDATE_PORT", ports.update_http.to_string()),
        ("UPDATE_GRPC_PORT", ports.update_grpc.to_string()),
        ("UPDATE_GRPC_ADDR", format!("127.0.0.1:{}", ports.update_grpc)),
        ("INGRESS_TLS_PORT", ports.tls.to_string()),
        ("INGRESS_HTTP_PORT", ports.plain.to_string()),
        ("INGRESS_GATEWAY_GRPC_ADDR", format!("127.0.0.1:{}", ports.gateway_grpc)),
        ("INGRESS_GATEWAY_HTTP_ADDR", format!("127.0.0.1:{}", ports.gateway_http)),
        ("INGRESS_UPDATE_HTTP_ADDR", format!("127.0.0.1:{}", ports.update_http)),
        ("SERVER_VERSION", "1.2.3".to_owned()),
        ("SERVER_BUILD", "test".to_owned()),
        // The limits of a person at a keyboard; tests are quicker.
        ("BACKPRESSURE_MAX_RATE", "0".to_owned()),
    ];
    rows.map(|(name, value)| (name.to_owned(), value)).to_vec()
}
