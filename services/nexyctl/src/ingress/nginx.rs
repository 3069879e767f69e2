//! The nginx program: what it can do, and how it is told to do it.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

/// Where distributions put it, off the search path of ordinary users.
const USUAL_PLACES: [&str; 3] =
    ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"];
/// The modules of a default build that the ingress has no use for, and that
/// nevertheless make a folder each at start.
const SPARE_MODULES: [&str; 3] = ["fastcgi", "uwsgi", "scgi"];
/// For commands that only look or send a signal.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(15);

/// `nginx/1.22.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u16,
    pub(crate) minor: u16,
    pub(crate) patch: u16,
}

/// What `nginx -V` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Build {
    pub(crate) version: Version,
    spare_modules: Vec<&'static str>,
}

/// A signal of `nginx -s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Read the configuration again; running calls go on.
    Reload,
    /// Finish running calls and leave.
    Quit,
    /// Leave.
    Stop,
}

/// One nginx with its run directory.
#[derive(Debug, Clone)]
pub(crate) struct Nginx {
    program: PathBuf,
    run_dir: PathBuf,
    build: Build,
}

// === impl Version ===

impl Version {
    /// The first with `http2 on;`, and the last that takes `listen … http2`
    /// without a warning is the one before.
    pub(crate) const HTTP2_DIRECTIVE: Self = Self { major: 1, minor: 25, patch: 1 };

    /// From `nginx version: nginx/1.22.1`, also with another name before the
    /// slash or words after the number.
    fn parse(line: &str) -> Option<Self> {
        let (_, number) = line.lines().find(|line| line.contains("version:"))?.split_once('/')?;
        let mut parts = number
            .split(|c: char| !c.is_ascii_digit() && c != '.')
            .next()?
            .split('.')
            .map(str::parse::<u16>);
        let mut next = || parts.next()?.ok();
        Some(Self { major: next()?, minor: next()?, patch: next()? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor, patch } = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

// === impl Build ===

impl Build {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let version = Version::parse(text)?;
        let has = |module: &&str| !text.contains(&format!("--without-http_{module}_module"));
        Some(Self { version, spare_modules: SPARE_MODULES.into_iter().filter(has).collect() })
    }

    pub(crate) fn spare_modules(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.spare_modules.iter().copied()
    }
}

// === impl Order ===

impl Order {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reload => "reload",
            Self::Quit => "quit",
            Self::Stop => "stop",
        }
    }
}

// === impl Nginx ===

impl Nginx {
    /// Finds the program and asks what it is.
    ///
    /// # Errors
    /// When there is none, or it does not answer like nginx.
    pub(crate) async fn find(program: &Path, run_dir: PathBuf) -> anyhow::Result<Self> {
        let candidates = std::iter::once(program).chain(USUAL_PLACES.into_iter().map(Path::new));
        for candidate in candidates {
            let output = match run(Command::new(candidate).arg("-V")).await {
                Ok(output) => output,
                Err(error) if is_missing(&error) => continue,
                Err(error) => return Err(error),
            };
            let text = String::from_utf8_lossy(&output.stderr);
            let build = Build::parse(&text)
                .with_context(|| format!("read the version of {}", candidate.display()))?;
            return Ok(Self { program: candidate.to_owned(), run_dir, build });
        }
        bail!("nginx is not installed ({} was not found)", program.display())
    }

    pub(crate) fn build(&self) -> &Build {
        &self.build
    }

    pub(crate) fn run_dir(&self) -> &Path {
        &self.run_dir
    }

    /// Writes a configuration and puts it in place if nginx accepts it.
    ///
    /// # Errors
    /// nginx's own words when it does not; the one in place stays.
    pub(crate) async fn install(&self, text: &str) -> anyhow::Result<()> {
        fs::create_dir_all(&self.run_dir)
            .with_context(|| format!("make {}", self.run_dir.display()))?;
        let (path, new) = (self.config(), self.run_dir.join("nginx.conf.new"));
        fs::write(&new, text).with_context(|| format!("write {}", new.display()))?;
        let output = run(self.command(&new).arg("-t")).await?;
        ensure!(
            output.status.success(),
            "nginx refuses the configuration: {}",
            complaints(&output)
        );
        fs::rename(&new, &path).with_context(|| format!("write {}", path.display()))
    }

    /// Starts it in the foreground, apart from the terminal's process group: a
    /// Ctrl-C is passed on as an orderly stop.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(&self) -> anyhow::Result<Child> {
        self.command(&self.config())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("start nginx")
    }

    /// Sends a signal to the running one.
    ///
    /// # Errors
    /// When it is not running.
    pub(crate) async fn order(&self, order: Order) -> anyhow::Result<()> {
        let output = run(self.command(&self.config()).args(["-s", order.as_str()])).await?;
        ensure!(
            output.status.success(),
            "tell nginx to {}: {}",
            order.as_str(),
            complaints(&output)
        );
        Ok(())
    }

    /// Ends an nginx that outlived a killed `nexyctl` and still holds the
    /// ports; says whether there was one.
    pub(crate) async fn end_leftover(&self) -> bool {
        if !self.is_leftover_running() || self.order(Order::Stop).await.is_err() {
            return false;
        }
        let gone = async {
            while self.is_leftover_running() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(COMMAND_TIMEOUT, gone).await.is_ok()
    }

    /// A pid alone proves nothing, because pids are used again: the process
    /// must have been started with our configuration.
    fn is_leftover_running(&self) -> bool {
        let Ok(pid) = fs::read_to_string(self.run_dir.join("nginx.pid")) else { return false };
        let Ok(command) = fs::read(format!("/proc/{}/cmdline", pid.trim())) else { return false };
        String::from_utf8_lossy(&command).contains(&*self.config().to_string_lossy())
    }

    fn config(&self) -> PathBuf {
        self.run_dir.join("nginx.conf")
    }

    /// `-e`: without it nginx opens its compiled-in log, which belongs to root.
    fn command(&self, config: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-e", "stderr", "-p"]).arg(&self.run_dir).arg("-c").arg(config);
        command
    }
}

/// Ends what a killed master left: its workers go on without it and hold the
/// ports. A process group's number is not used again while it has members.
pub(super) async fn end_group(group: u32) {
    let kill = format!("kill -TERM -{group}");
    // An error says that nobody was left.
    let _nobody = run(Command::new("/bin/sh").arg("-c").arg(kill)).await;
}

async fn run(command: &mut Command) -> anyhow::Result<Output> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    timeout(COMMAND_TIMEOUT, command.output())
        .await
        .with_context(|| format!("wait {COMMAND_TIMEOUT:?} for nginx"))?
        .context("run nginx")
}

fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// What nginx wrote, on one line.
fn complaints(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}
