use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::binaries::binary;

/// How long to wait between two looks at something that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// One of the product's binaries, running. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
}

/// Memory of a process in RAM, in KiB: `VmRSS` of proc(5) `status`.
///
/// # Errors
/// When it is gone.
pub fn resident_kib(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("find VmRSS")?;
    let number = line.split_whitespace().nth(1).context("read VmRSS")?;
    Ok(number.parse()?)
}

// === impl Process ===

impl Process {
    /// Starts a binary with these variables and no others but the path of
    /// programs; its output is collected.
    ///
    /// # Errors
    /// When it cannot be built or started.
    pub fn spawn(
        name: &str,
        arguments: &[&str],
        environment: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(binary(name)?);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(environment.iter().cloned())
            // No stray config.env is picked up.
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("start {name}"))?;
        let lines = Arc::default();
        let readers = [collect(child.stdout.take(), &lines), collect(child.stderr.take(), &lines)];
        let readers = readers.into_iter().flatten().collect();
        Ok(Self { name: name.to_owned(), child, lines, readers })
    }

    /// Every line so far, of both outputs.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a line that contains a text.
    ///
    /// # Errors
    /// When it does not come in time, or the process ends before.
    pub async fn wait_for(&self, text: &str, within: Duration) -> anyhow::Result<String> {
        let until = Instant::now() + within;
        loop {
            let lines = self.lines();
            if let Some(line) = lines.iter().find(|line| line.contains(text)) {
                return Ok(line.clone());
            }
            if Instant::now() > until {
                let tail = lines.iter().rev().take(5).rev().cloned().collect::<Vec<_>>();
                bail!("{} never said {text:?}; last lines: {tail:#?}", self.name);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Sends a signal by name, e.g. `TERM`.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let status = Command::new("kill")
            .args([format!("-{signal}"), self.child.id().to_string()])
            .status()
            .context("run kill")?;
        anyhow::ensure!(status.success(), "signal {} with {signal}", self.name);
        Ok(())
    }

    /// Waits for the end of the process. All its lines are there afterwards.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn wait_exit(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.read_out();
                return Ok(status);
            }
            if Instant::now() > until {
                bail!("{} does not end within {within:?}", self.name);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Tells the process to leave, unless it has left, and waits until it did.
    ///
    /// # Errors
    /// When it does not leave in time, or its exit code is not 0.
    pub async fn leave(&mut self, within: Duration) -> anyhow::Result<()> {
        if self.child.try_wait()?.is_none() {
            self.signal("TERM")?;
        }
        let status = self.wait_exit(within).await?;
        anyhow::ensure!(status.success(), "{} left with {status}", self.name);
        Ok(())
    }

    /// Ends the process at once, as a crash would.
    pub fn kill(mut self) {
        self.end();
    }

    /// The memory that the process holds now, in KiB (`VmRSS` of proc(5)).
    ///
    /// # Errors
    /// When the process is gone.
    pub fn resident_kib(&self) -> anyhow::Result<u64> {
        resident_kib(self.child.id())
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn end(&mut self) {
        // Already gone is fine.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// The readers end with the process's outputs.
    fn read_out(&mut self) {
        for reader in self.readers.drain(..) {
            // One that panicked has read what it could.
            let _read = reader.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // nginx has children of its own: it is asked before it is killed.
        let is_running = matches!(self.child.try_wait(), Ok(None));
        if is_running && self.name == "nexyctl" && self.signal("TERM").is_ok() {
            let until = Instant::now() + Duration::from_secs(3);
            while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::park_timeout(LOOK_AGAIN);
            }
        }
        self.end();
    }
}

/// Ends with the output, that is with the process.
fn collect(
    output: Option<impl std::io::Read + Send + 'static>,
    lines: &Arc<Mutex<Vec<String>>>,
) -> Option<JoinHandle<()>> {
    let output = output?;
    let lines = Arc::clone(lines);
    Some(std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }))
}
