//! One project of the compose file, with ports and a name of its own.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use nexy_testkit::stack::{Ports, binary, workspace_root};
use serde_json::Value;
use tempfile::TempDir;

use super::LOOK_AGAIN;

/// How long one command of the engine may take, in seconds.
const COMMAND_SECONDS: u32 = 180;

/// How long the images may take to build on a slow machine, in seconds.
const BUILD_SECONDS: u32 = 2400;

/// The images that the stack and this test run.
const IMAGES: [&str; 5] =
    ["nexy-gateway", "nexy-worker", "nexy-update", "nexy-nginx", "nexy-tools"];

/// Built by itself, because `make images` leaves it out where Prometheus' own
/// image is there.
const STAND_IN: (&str, &str) = ("nexy-prometheus", "prometheus");

/// Variables of the caller that the engine's client needs.
const PASSED_ON: [&str; 6] =
    ["PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "NEXY_TAG"];

/// An empty file in place of somebody's .env.
const NO_SETTINGS: &str = "no-settings";

/// A running stack. Dropping it removes it, its networks and its volumes.
pub(super) struct Project {
    pub(super) ports: PublishedPorts,
    name: String,
    /// The command of whichever compose is installed.
    compose: Vec<&'static str>,
    environment: Vec<(String, String)>,
    scratch: TempDir,
}

/// Ports of this machine.
pub(super) struct PublishedPorts {
    pub(super) tls: u16,
    pub(super) plain: u16,
    pub(super) traces: u16,
    pub(super) metrics: u16,
}

/// Whether there is an engine to test with.
pub(super) fn is_asked_for() -> bool {
    variable("NEXY_TEST_COMPOSE").as_deref() == Some("1")
}

#[expect(clippy::disallowed_methods, reason = "a switch of the tests, not of the product")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

// === impl Project ===

impl Project {
    /// Starts everything; does not wait for health.
    pub(super) fn up() -> anyhow::Result<Self> {
        let free = Ports::free()?;
        let ports = PublishedPorts {
            tls: free.tls,
            plain: free.plain,
            traces: free.gateway_http,
            metrics: free.worker_http,
        };
        let mut environment: Vec<(String, String)> = PASSED_ON
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), variable(name)?)))
            .collect();
        for (name, port) in [
            ("INGRESS_TLS_PORT", ports.tls),
            ("INGRESS_HTTP_PORT", ports.plain),
            ("TRACES_PORT", ports.traces),
            ("METRICS_PORT", ports.metrics),
        ] {
            environment.push((name.to_owned(), port.to_string()));
        }
        let scratch = tempfile::tempdir()?;
        std::fs::write(scratch.path().join(NO_SETTINGS), "")?;
        let project = Self {
            ports,
            name: format!("nexytest{}", std::process::id()),
            compose: installed_compose()?,
            environment,
            scratch,
        };
        project.build_what_is_missing()?;
        project.compose(&["up", "-d", "--no-build"])?;
        Ok(project)
    }

    /// Waits until the engine calls a container healthy.
    pub(super) fn wait_healthy(&self, service: &str, within: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + within;
        loop {
            let state = self.inspect(service)?["State"].take();
            if state["Health"]["Status"] == "healthy" {
                return Ok(());
            }
            if Instant::now() > until {
                bail!("{service} is not healthy after {within:?}: {state}");
            }
            std::thread::park_timeout(LOOK_AGAIN);
        }
    }

    /// Asks one question through the door, again until the reply is as wanted.
    pub(super) fn talk_until(
        &self,
        within: Duration,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let until = Instant::now() + within;
        loop {
            let reply = self.talk()?;
            if is_wanted(&reply) {
                return Ok(reply);
            }
            if Instant::now() > until {
                bail!("not the wanted reply after {within:?}: {reply}");
            }
            std::thread::park_timeout(LOOK_AGAIN);
        }
    }

    /// Everything that `docker inspect` tells of a container.
    pub(super) fn inspect(&self, service: &str) -> anyhow::Result<Value> {
        let told = self.docker(&["inspect", &self.container(service)?])?;
        let mut told: Value = serde_json::from_str(&told).context("read docker inspect")?;
        Ok(told[0].take())
    }

    /// The numbers of the users that a container's processes run as.
    pub(super) fn users(&self, service: &str) -> anyhow::Result<Vec<u32>> {
        let table = self.docker(&["top", &self.container(service)?, "-eo", "uid,pid,comm"])?;
        let user = |line: &str| line.split_whitespace().next().unwrap_or_default().parse();
        table.lines().skip(1).map(user).collect::<Result<_, _>>().context("read docker top")
    }

    /// Addresses and ports of this machine that lead to a container.
    pub(super) fn published(&self, service: &str) -> anyhow::Result<Vec<(String, u16)>> {
        let ports = self.inspect(service)?["NetworkSettings"]["Ports"].take();
        let bindings = ports.as_object().into_iter().flat_map(|ports| ports.values());
        bindings
            .flat_map(|bindings| bindings.as_array().cloned().unwrap_or_default())
            .map(|binding| {
                let text = |name: &str| binding[name].as_str().unwrap_or_default().to_owned();
                Ok((text("HostIp"), text("HostPort").parse()?))
            })
            .collect()
    }

    /// Ends a container as a crash would. The engine takes that for a wish and
    /// does not start it again.
    pub(super) fn kill(&self, service: &str) -> anyhow::Result<()> {
        self.docker(&["kill", &self.container(service)?]).map(drop)
    }

    pub(super) fn start(&self, service: &str) -> anyhow::Result<()> {
        self.docker(&["start", &self.container(service)?]).map(drop)
    }

    /// The last lines of every container.
    pub(super) fn logs(&self) -> String {
        let logs = self.compose(&["logs", "--no-color", "--tail=40"]);
        logs.unwrap_or_else(|error| format!("no logs: {error:#}"))
    }

    fn build_what_is_missing(&self) -> anyhow::Result<()> {
        let tag = variable("NEXY_TAG").unwrap_or_else(|| "local".to_owned());
        let is_missing =
            |image: &str| self.docker(&["image", "inspect", &format!("{image}:{tag}")]).is_err();
        if IMAGES.iter().any(|image| is_missing(image)) {
            self.run(BUILD_SECONDS, &["deploy/local/images.sh"])?;
        }
        let (image, service) = STAND_IN;
        if is_missing(image) {
            self.compose(&["build", service])?;
        }
        Ok(())
    }

    /// One reply, as `nexyctl talk --json` tells it.
    fn talk(&self) -> anyhow::Result<Value> {
        let nexyctl = binary("nexyctl")?;
        let server = format!("https://localhost:{}", self.ports.tls);
        let trust = self.certificate()?;
        let output = self
            .command(COMMAND_SECONDS, &[&nexyctl.display().to_string(), "talk", "--json"])
            .args(["--server", &server, "--ca", &trust.display().to_string()])
            .arg("Hello! What can you do?")
            .output()
            .context("run nexyctl talk")?;
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(said.trim()).with_context(|| {
            format!("nexyctl said {said:?} and {:?}", String::from_utf8_lossy(&output.stderr))
        })
    }

    /// The certificate that the door made for itself.
    fn certificate(&self) -> anyhow::Result<PathBuf> {
        let file = self.scratch.path().join("certificate.pem");
        if !file.exists() {
            let inside = "/var/lib/nexy/tls/certificate.pem";
            std::fs::write(&file, self.compose(&["exec", "-T", "nginx", "cat", inside])?)?;
        }
        Ok(file)
    }

    fn container(&self, service: &str) -> anyhow::Result<String> {
        // Compose v2 leaves out what has stopped, unless it is asked for.
        let id = self.compose(&["ps", "--all", "-q", service])?.trim().to_owned();
        ensure!(!id.is_empty(), "there is no container of {service}");
        Ok(id)
    }

    fn compose(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = self.compose.clone();
        let no_settings = self.scratch.path().join(NO_SETTINGS).display().to_string();
        command.extend(["--env-file", &no_settings, "-p", &self.name]);
        command.extend(["-f", "docker-compose.yml", "-f", "deploy/compose/no-registry.yml"]);
        command.extend(arguments);
        self.run(COMMAND_SECONDS, &command)
    }

    fn docker(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = vec!["docker"];
        command.extend(arguments);
        self.run(COMMAND_SECONDS, &command)
    }

    fn run(&self, seconds: u32, command: &[&str]) -> anyhow::Result<String> {
        let output = self.command(seconds, command).output().context("run timeout")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{command:?} ended with {}: {errors}", output.status);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A command that is killed when it takes too long.
    fn command(&self, seconds: u32, command: &[&str]) -> Command {
        let mut timed = Command::new("timeout");
        timed
            .args(["--kill-after=5", &seconds.to_string()])
            .args(command)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .current_dir(workspace_root());
        timed
    }
}

impl Drop for Project {
    #[expect(clippy::print_stderr, reason = "a test's own words on what it leaves behind")]
    fn drop(&mut self) {
        if let Err(error) = self.compose(&["down", "-v", "--remove-orphans", "-t", "10"]) {
            eprintln!("the stack {} is still there: {error:#}", self.name);
        }
    }
}

/// The second version as the engine's plug-in, or the first as a program.
fn installed_compose() -> anyhow::Result<Vec<&'static str>> {
    for candidate in [vec!["docker", "compose"], vec!["docker-compose"]] {
        let tried = Command::new("timeout").arg("20").args(&candidate).arg("version").output();
        if tried.is_ok_and(|tried| tried.status.success()) {
            return Ok(candidate);
        }
    }
    bail!("neither `docker compose` nor docker-compose is installed")
}
