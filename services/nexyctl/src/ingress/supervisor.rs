//! Keeps one nginx running with a configuration that is true.

use std::{
    fs,
    io::{self, Write as _},
    process::{ExitCode, ExitStatus},
    sync::mpsc::{self, SyncSender},
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use jiff::Timestamp;
use nexy_runtime::signals::{Signal, Signals};
use nexy_telemetry::emit;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::Child,
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    Settings,
    certificate::{Files, SelfSigned},
    decisions::{CertificateMade, Leaving, Listening, NginxEnded, NginxLine, Reloaded, Unresolved},
    nginx::{self, Nginx, Order},
    probe,
    template::Rendering,
    upstreams::Addresses,
};

/// nginx ended by a signal, or was never started (`EX_UNAVAILABLE`).
const EXIT_UNAVAILABLE: u8 = 69;
/// How long nginx may take to leave once nothing holds it, and how much longer
/// than the services it waits: their last words pass through it.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Lines of the access log that may wait for a slow reader; more are dropped.
const UNPRINTED_LINES: usize = 4096;

/// When the files of the certificate were last written.
type Stamp = [Option<SystemTime>; 2];

/// An nginx, its settings and what its configuration was made of.
#[derive(Debug)]
pub(super) struct Supervisor {
    settings: Settings,
    nginx: Nginx,
    self_signed: Option<SelfSigned>,
    certificate: Files,
    addresses: Addresses,
    stamp: Stamp,
    /// Why the newest configuration is not in use; it is tried again each time.
    refused: Option<String>,
}

// === impl Supervisor ===

impl Supervisor {
    /// Makes what is missing and puts a configuration that nginx accepts in
    /// place.
    ///
    /// # Errors
    /// When nginx does not accept it, or a file cannot be written.
    pub(super) async fn prepare(settings: Settings, nginx: Nginx) -> anyhow::Result<Self> {
        let self_signed = settings.self_signed()?;
        let certificate = settings.certificate_files()?;
        let addresses =
            Addresses::default().refreshed(&settings.upstreams, settings.resolve_interval).await;
        let mut supervisor = Self {
            settings,
            nginx,
            self_signed,
            certificate,
            addresses,
            stamp: [None; 2],
            refused: None,
        };
        supervisor.renew_certificate()?;
        supervisor.stamp = supervisor.current_stamp();
        supervisor.nginx.install(&supervisor.render()?).await?;
        Ok(supervisor)
    }

    /// Serves until a signal comes or nginx ends.
    ///
    /// # Errors
    /// When nginx cannot be started or waited for.
    pub(super) async fn run(mut self, mut signals: Signals) -> anyhow::Result<ExitCode> {
        if self.nginx.end_leftover().await {
            emit(&Leaving { phase: "leftover_ended", signal: None });
        }
        let mut child = self.nginx.start()?;
        let mut output = JoinSet::new();
        if let (Some(lines), Some(complaints)) = (child.stdout.take(), child.stderr.take()) {
            let printer = printer().context("pass the access log on")?;
            output.spawn(pass_on(lines, printer));
            output.spawn(wrap(complaints));
        }
        self.announce();
        let group = child.id();
        let status = self.supervise(&mut child, &mut signals).await?;
        if !status.success() {
            emit(&NginxEnded { status: status.to_string() });
            if let Some(group) = group {
                nginx::end_group(group).await;
            }
        }
        // Its last lines; nothing writes to the pipes any more.
        let _complete = timeout(LAST_WORDS, output.join_all()).await;
        emit(&Leaving { phase: "closed", signal: None });
        Ok(exit_code(status))
    }

    async fn supervise(
        &mut self,
        child: &mut Child,
        signals: &mut Signals,
    ) -> anyhow::Result<ExitStatus> {
        let mut ticks = interval(self.settings.resolve_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut probes = interval(self.settings.probe_interval);
        probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                // Without nginx there is nothing to supervise.
                status = child.wait() => return status.context("wait for nginx"),
                signal = signals.recv() => match signal {
                    Signal::Hangup => self.reload().await,
                    Signal::Terminate | Signal::Interrupt => {
                        return self.leave(child, signals, signal).await;
                    }
                },
                // The world may have changed.
                _ = ticks.tick() => self.refresh().await,
                // A gateway may want no more calls, or be back.
                _ = probes.tick() => self.probe().await,
            }
        }
    }

    /// Looks at names and files; reloads when something is new.
    async fn refresh(&mut self) {
        let addresses = self
            .addresses
            .refreshed(&self.settings.upstreams, self.settings.resolve_interval)
            .await;
        if let Err(error) = self.renew_certificate() {
            self.refuse(format!("{error:#}"));
        }
        let stamp = self.current_stamp();
        if addresses == self.addresses && stamp == self.stamp && self.refused.is_none() {
            return;
        }
        self.addresses = addresses;
        self.stamp = stamp;
        self.reload().await;
    }

    async fn probe(&mut self) {
        let within = self.settings.probe_interval;
        let leaving = probe::leaving(&self.addresses.gateway_grpc, within).await;
        if leaving != self.addresses.leaving {
            self.addresses.leaving = leaving;
            self.reload().await;
        }
    }

    async fn reload(&mut self) {
        let reloading = async {
            self.nginx.install(&self.render()?).await?;
            self.nginx.order(Order::Reload).await
        };
        match reloading.await {
            Ok(()) => {
                self.refused = None;
                emit(&Reloaded { accepted: true, reason: None });
            }
            Err(error) => self.refuse(format!("{error:#}")),
        }
    }

    /// nginx goes on with what it has. The same reason is said once.
    fn refuse(&mut self, reason: String) {
        if self.refused.as_ref() != Some(&reason) {
            emit(&Reloaded { accepted: false, reason: Some(reason.clone()) });
            self.refused = Some(reason);
        }
    }

    /// Finishes running calls for as long as the services do, then cuts them. A
    /// second signal skips the wait.
    async fn leave(
        &self,
        child: &mut Child,
        signals: &mut Signals,
        asked: Signal,
    ) -> anyhow::Result<ExitStatus> {
        emit(&Leaving { phase: "drain", signal: Some(asked.as_str()) });
        // An error says that it has ended already, which the wait finds out.
        let _ended = self.nginx.order(Order::Quit).await;
        tokio::select! {
            biased;
            status = child.wait() => return status.context("wait for nginx"),
            _ = signals.recv() => {}
            () = tokio::time::sleep(self.settings.drain + LAST_WORDS) => {}
        }
        emit(&Leaving { phase: "force", signal: None });
        let _ended = self.nginx.order(Order::Stop).await;
        if let Ok(status) = timeout(LAST_WORDS, child.wait()).await {
            return status.context("wait for nginx");
        }
        child.start_kill().context("kill nginx")?;
        child.wait().await.context("wait for nginx")
    }

    fn render(&self) -> anyhow::Result<String> {
        Rendering {
            settings: &self.settings,
            build: self.nginx.build(),
            addresses: &self.addresses,
            certificate: &self.certificate,
            run_dir: self.nginx.run_dir(),
        }
        .render()
    }

    fn renew_certificate(&self) -> anyhow::Result<()> {
        if let Some(own) = &self.self_signed
            && own.ensure(Timestamp::now())?
        {
            emit(&CertificateMade { certificate: own.files().certificate.to_string_lossy() });
        }
        Ok(())
    }

    fn current_stamp(&self) -> Stamp {
        [&self.certificate.certificate, &self.certificate.key]
            .map(|path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
    }

    fn announce(&self) {
        let Settings { listen_host, http_port, tls_port, .. } = &self.settings;
        emit(&Listening {
            service: "nexy-ingress",
            version: env!("CARGO_PKG_VERSION"),
            nginx: self.nginx.build().version.to_string(),
            http: format!("{listen_host}:{http_port}"),
            tls: format!("{listen_host}:{tls_port}"),
            certificate: self.certificate.certificate.to_string_lossy(),
            sha256: self.certificate.fingerprint(),
            self_signed: self.self_signed.is_some(),
        });
        let names = self.addresses.unresolved(&self.settings.upstreams);
        if !names.is_empty() {
            emit(&Unresolved { names });
        }
    }
}

/// The access log is JSON already. Whole lines, so that lines of the decision
/// log come between and not within.
async fn pass_on(pipe: impl AsyncRead + Unpin, printer: SyncSender<Vec<u8>>) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        // nginx must not stand still because nobody reads its log.
        let _dropped = printer.try_send(std::mem::take(&mut line));
    }
}

/// A thread of its own: standard output may block for as long as it likes, and
/// must not keep the process from leaving. It ends with its last sender.
fn printer() -> io::Result<SyncSender<Vec<u8>>> {
    let (sender, lines) = mpsc::sync_channel::<Vec<u8>>(UNPRINTED_LINES);
    std::thread::Builder::new().name("access-log".to_owned()).spawn(move || {
        for line in lines {
            let _unread = io::stdout().lock().write_all(&line);
        }
    })?;
    Ok(sender)
}

async fn wrap(complaints: impl AsyncRead + Unpin) {
    let mut lines = BufReader::new(complaints).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        emit(&NginxLine::parse(&line));
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(EXIT_UNAVAILABLE);
    ExitCode::from(code)
}
