//! The gateway under a network that fails, in simulated time.
//!
//! The gateway's own server, calls, registries and channels run over a network
//! of [`turmoil`], between devices that hold what they hear against the contract
//! and workers that play scripts. Everything that goes wrong is chosen by a seed
//! ([`plan`]): delays, links that are cut, one way or both, or held; workers that
//! crash and come back, break off, hang or mix up turns; users who say stop, once
//! or several times, early or too late, interrupt with the next question, ask
//! twice, or go away.
//!
//! What holds all the time stands in [`heard`] and [`device`]. Once every fault
//! is over and everything is quiet, nothing is left: no stream, no turn that
//! could be interrupted, no work at a worker, and every session is served.
//!
//! `NEXY_SIMULATION_SEEDS=5000 cargo test -p nexy-gateway simulation` runs more,
//! `NEXY_SIMULATION_SEED=7` one of them again, with everything that happened.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use nexy_config::{Settings, Sources};
use turmoil::Sim;

use self::plan::{DEVICES, Plan, WORKERS, What};
use crate::coordinator::ModuleCoordinator;

mod call;
mod device;
mod heard;
mod judge;
mod network;
mod plan;
mod script;
mod services;

/// Seeds of a run that nobody asked more of.
const SEEDS: u64 = 2000;

/// The steps of simulated time.
const TICK: Duration = Duration::from_millis(8);

/// Until both sides have noticed whatever was lost, and nothing moves.
const QUIET: Duration = Duration::from_millis(1000);

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the hosts of one simulation share.
struct Board {
    plan: Plan,
    settings: Arc<Settings>,
    modules: Mutex<Option<Arc<ModuleCoordinator>>>,
    /// Turns that workers work on.
    working: AtomicUsize,
    devices_done: AtomicUsize,
    is_quiet: AtomicBool,
    violations: Mutex<Vec<String>>,
    counts: Mutex<Counts>,
    /// Everything that happened, for who wants to read it.
    story: Option<Mutex<Vec<String>>>,
}

/// How much of a simulation is told; telling takes as long as what is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    Nothing,
    Everything,
}

/// How often what happened, so that nobody takes calm for safety.
type Counts = BTreeMap<&'static str, u64>;

// === impl Board ===

impl Board {
    fn new(plan: Plan, settings: Arc<Settings>, telling: Telling) -> Self {
        Self {
            plan,
            settings,
            modules: Mutex::default(),
            working: AtomicUsize::new(0),
            devices_done: AtomicUsize::new(0),
            is_quiet: AtomicBool::new(false),
            violations: Mutex::default(),
            counts: Mutex::default(),
            story: (telling == Telling::Everything).then(Mutex::default),
        }
    }

    fn built(&self, modules: Arc<ModuleCoordinator>) {
        *lock(&self.modules) = Some(modules);
    }

    fn done(&self) {
        self.devices_done.fetch_add(1, Ordering::Relaxed);
    }

    fn are_devices_done(&self) -> bool {
        self.devices_done.load(Ordering::Relaxed) == DEVICES as usize
    }

    fn is_quiet(&self) -> bool {
        self.is_quiet.load(Ordering::Relaxed)
    }

    fn count(&self, what: &'static str) {
        *lock(&self.counts).entry(what).or_default() += 1;
    }

    fn violation(&self, what: String) {
        self.note("wrong", || what.clone());
        lock(&self.violations).push(what);
    }

    fn note(&self, who: &str, what: impl FnOnce() -> String) {
        let at = turmoil::sim_elapsed().unwrap_or_default();
        self.tell(|| format!("{at:>10.3?} {who}: {}", what()));
    }

    fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(story) = &self.story {
            lock(story).push(line());
        }
    }

    fn story(&self) -> String {
        self.story.as_ref().map(|story| lock(story).join("\n")).unwrap_or_default()
    }

    /// Nothing is left of what was.
    fn check_quiet(&self) {
        let Some(modules) = lock(&self.modules).clone() else {
            return self.violation("there is no gateway".to_owned());
        };
        let left = [
            ("streams", modules.admission.active()),
            ("turns that can be interrupted", modules.interrupts.running()),
            ("turns at workers", self.working.load(Ordering::Relaxed)),
        ];
        for (what, count) in left.into_iter().filter(|(_, count)| *count > 0) {
            self.violation(format!("{count} {what} are left though everything is quiet"));
        }
        self.is_quiet.store(true, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs one seed to its end, or to the first thing that is wrong.
fn run(plan: Plan, settings: &Arc<Settings>, telling: Telling) -> Arc<Board> {
    // The gateway chooses workers by it.
    fastrand::seed(plan.seed);
    let board = Arc::new(Board::new(plan, Arc::clone(settings), telling));
    let mut sim = turmoil::Builder::new()
        .rng_seed(board.plan.seed)
        .tick_duration(TICK)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(board.plan.slowest_ms))
        .simulation_duration(PATIENCE)
        .tcp_capacity(16)
        .build();
    let of = Arc::clone(&board);
    sim.host("gateway", move || services::gateway(Arc::clone(&of)));
    for number in 1..=WORKERS {
        let of = Arc::clone(&board);
        sim.host(plan::worker(number), move || services::worker(number, Arc::clone(&of)));
    }
    for number in 0..DEVICES {
        sim.client(plan::device(number + 1), device::run(number, Arc::clone(&board)));
    }
    let mut changes = Changes::of(&board.plan);
    let mut quiet_at = None;
    while lock(&board.violations).is_empty() {
        changes.make(&mut sim, &board);
        if changes.is_empty() && board.are_devices_done() && !board.is_quiet() {
            let quiet_at = *quiet_at.get_or_insert_with(|| sim.elapsed() + QUIET);
            if sim.elapsed() >= quiet_at {
                board.check_quiet();
            }
        }
        match sim.step() {
            Ok(false) => {}
            Ok(true) => break,
            Err(error) => board.violation(format!("the simulation broke off: {error}")),
        }
    }
    board
}

/// The faults that begin or end, next one last.
struct Changes(Vec<(Duration, What, bool)>);

// === impl Changes ===

impl Changes {
    fn of(plan: &Plan) -> Self {
        let both = plan.faults.iter().flat_map(|fault| {
            [(fault.from, fault.what.clone(), true), (fault.to, fault.what.clone(), false)]
        });
        let mut changes: Vec<_> = both.collect();
        changes.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
        Self(changes)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn make(&mut self, sim: &mut Sim<'_>, board: &Board) {
        while let Some((_, what, begins)) = self.0.pop_if(|(at, ..)| *at <= sim.elapsed()) {
            let verb = if begins { "begins" } else { "ends" };
            board.tell(|| format!("{:>10.3?} {what:?} {verb}", sim.elapsed()));
            match (&what, begins) {
                (What::Cut(a, b), true) => sim.partition(a.as_str(), b.as_str()),
                (What::Cut(a, b), false) => sim.repair(a.as_str(), b.as_str()),
                (What::CutOneWay(a, b), true) => sim.partition_oneway(a.as_str(), b.as_str()),
                (What::CutOneWay(a, b), false) => sim.repair_oneway(a.as_str(), b.as_str()),
                (What::Held(a, b), true) => sim.hold(a.as_str(), b.as_str()),
                (What::Held(a, b), false) => sim.release(a.as_str(), b.as_str()),
                (What::Crashed(host), true) => sim.crash(host.as_str()),
                (What::Crashed(host), false) => sim.bounce(host.as_str()),
            }
        }
    }
}

fn settings() -> Arc<Settings> {
    let sources = Sources::for_tests([
        ("NEXY_ENV", "dev"),
        ("WORKER_ADDRS", "worker-1:50052,worker-2:50052"),
        ("WORKER_STATUS_INTERVAL_MS", "250"),
        ("GRPC_REFLECTION", "false"),
        ("WORKER_CONNECT_TIMEOUT_MS", "200"),
        ("BACKPRESSURE_MAX_STREAMS", "100"),
        ("BACKPRESSURE_MAX_RATE", "0"),
    ]);
    Arc::new(Settings::load(&sources).unwrap().0)
}

#[expect(clippy::disallowed_methods, reason = "an input of this test, not of the product")]
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Runs these seeds, and panics with the first that is wrong.
fn check(seeds: impl Iterator<Item = u64>) -> Counts {
    let settings = settings();
    let mut counts = Counts::new();
    for seed in seeds {
        let board = run(Plan::of(seed), &settings, Telling::Nothing);
        if !lock(&board.violations).is_empty() {
            let board = run(Plan::of(seed), &settings, Telling::Everything);
            panic!(
                "{:#?}\n{}\n{:#?}\nagain: NEXY_SIMULATION_SEED={seed} \
                 cargo test -p nexy-gateway simulation",
                board.plan,
                board.story(),
                lock(&board.violations),
            );
        }
        for (what, count) in lock(&board.counts).iter() {
            *counts.entry(what).or_default() += count;
        }
    }
    counts
}

#[test]
fn the_contract_holds_whatever_the_network_and_the_workers_do() {
    if let Some(seed) = variable("NEXY_SIMULATION_SEED") {
        let board = run(Plan::of(seed), &settings(), Telling::Everything);
        println!("{:#?}\n{}", board.plan, board.story());
        println!("{:#?}", check(std::iter::once(seed)));
        return;
    }
    let seeds = variable("NEXY_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let lane = || {
        let mine = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        check(mine.take_while(|seed| *seed < seeds))
    };
    let lanes = std::thread::available_parallelism().map_or(1, usize::from);
    let counts = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
        let mut all = Counts::new();
        for lane in lanes {
            // The seed stands above.
            for (what, count) in lane.join().expect("a seed is wrong") {
                *all.entry(what).or_default() += count;
            }
        }
        all
    });
    println!("{seeds} seeds: {counts:#?}");
    for what in ["whole", "not whole", "interrupted", "barged in", "busy", "collected"] {
        assert!(counts.get(what).is_some_and(|count| *count > 0), "never seen: {what}");
    }
}

#[test]
fn a_seed_is_the_same_story_each_time() {
    let settings = settings();
    for seed in 0..3 {
        let [first, again] = [(); 2].map(|()| run(Plan::of(seed), &settings, Telling::Everything));
        assert_eq!(first.story(), again.story(), "seed {seed}");
    }
}
