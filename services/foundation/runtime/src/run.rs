//! The life of a service process.
//!
//! The shutdown has numbered phases, the same as in Docs/OPERATIONS.md:
//!
//! 0. readiness off, and work that comes all the same is taken, for
//!    `server.lame_duck_seconds` (none, unless set);
//! 1. readiness off, GOAWAY to every connection, no new work;
//! 2. running work finishes, for at most `server.drain_seconds`;
//! 3. what still runs is cut;
//! 4. the final metrics aggregate, logs and traces are flushed;
//! 5. the service closes its store.
//!
//! A second signal skips to phase 3. The exit code is 0 also when work had to
//! be cut: leaving on request is a success.

use std::{future::Future, io, process::ExitCode, sync::Arc, time::Duration};

use clap::{CommandFactory as _, FromArgMatches as _};
use nexy_config::{Live, Problems, Provenance, Settings, Sources};
use nexy_telemetry::{Guard, metrics::Window};
use tokio::{
    runtime::Runtime,
    time::{Instant, timeout},
};

use crate::{
    Endpoint, Resources, Shutdown,
    arguments::Arguments,
    decisions::{Cause, ConfigInvalid, Failed, Listening, MetricsSnapshot, ShutdownPhase},
    healthcheck, ops,
    reload::{Overlay, Reloader},
    signals::{Signal, Signals},
    telemetry,
};

/// Wrong configuration (`EX_USAGE` of sysexits.h).
const EXIT_CONFIG: u8 = 64;
/// A port or a module could not be had (`EX_UNAVAILABLE`).
const EXIT_UNAVAILABLE: u8 = 69;
/// The service broke while it served (`EX_SOFTWARE`).
const EXIT_SOFTWARE: u8 = 70;

/// How long cut work, the flush and the store may each take to end. Not a
/// setting: it only bounds what has been told to stop already.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What the bootstrap runs.
pub trait Service: Sized + Send + Sync + 'static {
    /// The service's name: its binary, and `service.name` in traces.
    const NAME: &'static str;
    /// The version compiled in; `server.version` overrides it.
    const VERSION: &'static str;

    /// The ports to bind.
    fn endpoints(settings: &Settings) -> Vec<Endpoint>;

    /// Builds the service on bound ports. Nothing is served yet.
    fn build(
        settings: Arc<Settings>,
        resources: Resources,
    ) -> impl Future<Output = anyhow::Result<Self>> + Send;

    /// Serves until [`Shutdown::drain`] is cancelled and running work is done
    /// or [`Shutdown::force`] is cancelled.
    fn serve(&self, shutdown: Shutdown) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Phase 5: closes what outlives the last request.
    fn close(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Runs a service from its command line to its exit code.
pub fn run<S: Service>() -> ExitCode {
    crate::install_tls_provider();
    let command = Arguments::command().name(S::NAME).version(S::VERSION);
    let arguments = match Arguments::from_arg_matches(&command.get_matches()) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let sources = Sources::from_process(arguments.config, arguments.sets);
    let overlay = Overlay::now(&sources);
    let loaded = Settings::load(&sources);
    if arguments.check_config {
        return check_config(&loaded);
    }
    let threads = loaded.as_ref().map_or(0, |(settings, _)| settings.server.runtime_threads);
    let Ok(runtime) = runtime(threads) else { return ExitCode::from(EXIT_UNAVAILABLE) };
    let started = start::<S>(loaded, (sources, overlay), arguments.healthcheck);
    let code = runtime.block_on(started);
    runtime.shutdown_timeout(LAST_WORDS);
    code
}

/// A runtime of so many threads. Of none: half as many as there are CPUs to run on.
/// A turn is many short tasks, and on a thread of its own each of them first waits
/// for that thread to wake up (Docs/adr/0014).
fn runtime(threads: usize) -> io::Result<Runtime> {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, |cpus| cpus.get() / 2).max(1),
        threads => threads,
    };
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}

async fn start<S: Service>(
    loaded: Result<(Settings, Provenance), Problems>,
    (sources, overlay): (Sources, Overlay),
    is_probe: bool,
) -> ExitCode {
    let (settings, _provenance) = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => return refuse::<S>(&problems).await,
    };
    if is_probe {
        return probe(&S::endpoints(&settings), settings.grpc.keepalive_timeout).await;
    }
    let started = telemetry::settings(S::NAME, &settings)
        .and_then(|settings| Ok(nexy_telemetry::init(settings)?));
    let guard = match started {
        Ok(guard) => guard,
        Err(error) => return mute::<S>(&error).await,
    };
    let code = live::<S>(Arc::new(settings), (sources, overlay), &guard).await;
    guard.flush(LAST_WORDS).await;
    code
}

/// From bound ports to the closed store.
async fn live<S: Service>(
    settings: Arc<Settings>,
    (sources, overlay): (Sources, Overlay),
    guard: &Guard,
) -> ExitCode {
    let shutdown = Shutdown::default();
    let live = Arc::new(Live::new(sources, settings.flags()));
    let (service, mut signals) = match bring_up::<S>(&settings, &live, &shutdown).await {
        Ok(up) => up,
        Err(error) => {
            return failed("start_failed", &error, EXIT_UNAVAILABLE);
        }
    };
    let serving = service.serve(shutdown.clone());
    tokio::pin!(serving);
    let reloader = Reloader::new(live, overlay, settings.server.config_watch_interval);
    let watch = watch_signals(&mut signals, reloader);
    let mut window = Window::new();
    let snapshots = log_snapshots(&mut window, settings.telemetry.snapshot_interval);
    let asked = tokio::select! {
        biased;
        // A signal starts the shutdown even when serving ends in the same moment.
        signal = watch => signal,
        // Serving ends unasked only when it breaks.
        result = &mut serving => {
            return match result {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed("serve_failed", &error, EXIT_SOFTWARE),
            };
        }
        // These two never end.
        () = snapshots => return ExitCode::from(EXIT_SOFTWARE),
        () = guard.export_metrics() => return ExitCode::from(EXIT_SOFTWARE),
    };
    leave(serving, &mut signals, &shutdown, asked, &settings.server).await;
    log_snapshot(&mut window);
    guard.flush(LAST_WORDS).await;
    // A store that does not close in time must not keep the process.
    let _closed_in_time = timeout(LAST_WORDS, service.close()).await;
    nexy_telemetry::emit(&ShutdownPhase { phase: "closed", signal: None, since: None });
    ExitCode::SUCCESS
}

async fn bring_up<S: Service>(
    settings: &Arc<Settings>,
    live: &Arc<Live>,
    shutdown: &Shutdown,
) -> anyhow::Result<(S, Signals)> {
    let endpoints = S::endpoints(settings);
    let resources = Resources::bind(&endpoints, Arc::clone(live), shutdown.clone()).await?;
    let signals = Signals::install()?;
    let addresses =
        resources.addresses().into_iter().map(|(name, at)| (name, at.to_string())).collect();
    let service = S::build(Arc::clone(settings), resources).await?;
    nexy_telemetry::emit(&Listening {
        service: S::NAME,
        version: settings.server.version.clone(),
        environment: settings.env.as_str(),
        endpoints: addresses,
    });
    Ok((service, signals))
}

/// Phases 0 to 3.
async fn leave<F: Future<Output = anyhow::Result<()>>>(
    mut serving: std::pin::Pin<&mut F>,
    signals: &mut Signals,
    shutdown: &Shutdown,
    asked: Signal,
    server: &nexy_config::Server,
) {
    let since = Instant::now();
    let phase = |phase, signal| {
        nexy_telemetry::emit(&ShutdownPhase { phase, signal, since: Some(since.elapsed()) });
    };
    if !server.lame_duck.is_zero() {
        phase("lame_duck", Some(asked.as_str()));
        shutdown.announce();
        tokio::select! {
            biased;
            // Broken, or nothing to serve: there is nothing to wait for.
            _ = &mut serving => return phase("drained", None),
            // A second signal is an order not to wait.
            _ = second_signal(signals) => {}
            // By now everybody knows.
            () = tokio::time::sleep(server.lame_duck) => {}
        }
    }
    phase("drain", Some(asked.as_str()));
    shutdown.begin();
    tokio::select! {
        biased;
        // Done before the time is up: nothing to cut.
        _ = &mut serving => return phase("drained", None),
        // A second signal is an order not to wait.
        _ = second_signal(signals) => {}
        // Time is up.
        () = tokio::time::sleep(server.drain) => {}
    }
    phase("force", None);
    shutdown.cut();
    let ended = timeout(LAST_WORDS, serving).await.is_ok();
    phase(if ended { "cut" } else { "abandoned" }, None);
}

async fn second_signal(signals: &mut Signals) {
    while signals.recv().await == Signal::Hangup {}
}

/// Has flags follow their sources; returns the first signal that asks to leave.
async fn watch_signals(signals: &mut Signals, mut reloader: Reloader) -> Signal {
    loop {
        let cause = tokio::select! {
            biased;
            // Leaving comes before reading.
            signal = signals.recv() => match signal {
                Signal::Hangup => Cause::Signal,
                asked @ (Signal::Terminate | Signal::Interrupt) => return asked,
            },
            // Somebody has edited the overlay file.
            () = reloader.changed() => Cause::File,
        };
        reloader.reload(cause).await;
    }
}

async fn log_snapshots(window: &mut Window, every: Duration) {
    let mut ticks = tokio::time::interval_at(Instant::now() + every, every);
    loop {
        ticks.tick().await;
        log_snapshot(window);
    }
}

fn log_snapshot(window: &mut Window) {
    let snapshot = window.snapshot();
    nexy_telemetry::emit(&MetricsSnapshot(snapshot.clone()));
    ops::keep_snapshot(snapshot);
}

fn check_config(loaded: &Result<(Settings, Provenance), Problems>) -> ExitCode {
    use std::io::Write as _;
    match loaded {
        Ok(_) => ExitCode::SUCCESS,
        Err(problems) => {
            // Asked for by a person: plain lines, and nowhere else to report a
            // broken stderr to.
            let _unreported = writeln!(io::stderr(), "{}", problems.to_string().trim_end());
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

/// Says in the decision log why the process does not start.
async fn refuse<S: Service>(problems: &Problems) -> ExitCode {
    if let Ok(guard) = nexy_telemetry::init(telemetry::log_only(S::NAME, S::VERSION)) {
        for problem in problems.iter() {
            nexy_telemetry::emit(&ConfigInvalid { problem: problem.to_string() });
        }
        guard.flush(LAST_WORDS).await;
    }
    ExitCode::from(EXIT_CONFIG)
}

/// Says that the service cannot report as it is told to: it does not start.
async fn mute<S: Service>(error: &anyhow::Error) -> ExitCode {
    let Ok(guard) = nexy_telemetry::init(telemetry::log_only(S::NAME, S::VERSION)) else {
        return ExitCode::from(EXIT_SOFTWARE);
    };
    let code = failed("start_failed", error, EXIT_UNAVAILABLE);
    guard.flush(LAST_WORDS).await;
    code
}

async fn probe(endpoints: &[Endpoint], within: Duration) -> ExitCode {
    let Some(http) = endpoints.iter().find(|endpoint| endpoint.name == "http") else {
        return ExitCode::from(EXIT_SOFTWARE);
    };
    match healthcheck::ask(http, within).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            let _unreported = writeln!(io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn failed(decision: &'static str, error: &anyhow::Error, code: u8) -> ExitCode {
    nexy_telemetry::emit(&Failed { decision, reason: format!("{error:#}") });
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_on_as_many_threads_as_it_is_told_to() {
        assert_eq!(runtime(3).unwrap().metrics().num_workers(), 3);
    }

    #[test]
    fn leaves_half_of_the_cpus_to_its_neighbours() {
        let cpus = std::thread::available_parallelism().unwrap().get();
        let threads = runtime(0).unwrap().metrics().num_workers();
        assert!(threads == 1 || threads * 2 <= cpus, "{threads} threads on {cpus} CPUs");
    }
}
