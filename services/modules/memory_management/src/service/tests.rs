use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use nexy_telemetry::{Capture, capture};
use nexy_types::{BoxFuture, HardwareId, Module, ModuleState};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, advance},
};
use tokio_util::sync::CancellationToken;

use super::{Full, Handle, Memory, Settings};
use crate::{
    Append, Error, Exchange, MemoryRepository, Remembered, UnixMillis, UsageReport, UsageRepository,
};

const IDLE: Duration = Duration::from_secs(7200);
const NEVER: Duration = Duration::from_secs(3600);

/// A store in memory whose writes and reads must be allowed one by one.
#[derive(Default)]
struct Fake {
    kept: Mutex<Vec<(HardwareId, Remembered)>>,
    usage: Mutex<Vec<UsageReport>>,
    broken: Mutex<Option<&'static str>>,
    slow: Mutex<Duration>,
    writes: Option<Semaphore>,
}

struct World {
    fake: Arc<Fake>,
    handle: Handle,
    memory: Option<Memory>,
    time: Arc<AtomicI64>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    log: Capture,
}

fn settings() -> Settings {
    Settings {
        max_short_term_size: 100,
        short_term_idle: IDLE,
        read_timeout: Duration::from_millis(350),
        write_timeout: Duration::from_secs(2),
        write_queue: 3,
        drain_timeout: Duration::from_secs(1),
    }
}

fn device(name: &str) -> HardwareId {
    HardwareId::parse(name).unwrap()
}

fn exchange(prompt: &str) -> Exchange {
    Exchange { prompt: prompt.to_owned(), reply: "yes".to_owned() }
}

fn report() -> UsageReport {
    UsageReport {
        device: device("mac"),
        session: None,
        source: "browser\0".to_owned(),
        model: "flash".to_owned(),
        input_tokens: 1,
        output_tokens: 2,
    }
}

impl Fake {
    fn holding_writes() -> Self {
        Self { writes: Some(Semaphore::new(0)), ..Self::default() }
    }

    fn allow(&self, writes: usize) {
        self.writes.as_ref().unwrap().add_permits(writes);
    }

    async fn gate(&self) -> Result<(), Error> {
        let slow = *self.slow.lock().unwrap();
        tokio::time::sleep(slow).await;
        match *self.broken.lock().unwrap() {
            Some(reason) => Err(Error::Store(reason)),
            None => Ok(()),
        }
    }

    async fn write_gate(&self) -> Result<(), Error> {
        if let Some(allowed) = &self.writes {
            allowed.acquire().await.unwrap().forget();
        }
        self.gate().await
    }
}

impl MemoryRepository for Fake {
    fn load<'a>(
        &'a self,
        device: &'a HardwareId,
        newer_than: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<Remembered>, Error>> {
        Box::pin(async move {
            self.gate().await?;
            let kept = self.kept.lock().unwrap();
            let own = kept.iter().filter(|(of, entry)| of == device && entry.at > newer_than);
            Ok(own.map(|(_, entry)| entry.clone()).collect())
        })
    }

    fn append<'a>(&'a self, append: &'a Append) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.write_gate().await?;
            self.kept.lock().unwrap().push((append.device.clone(), append.entry.clone()));
            Ok(())
        })
    }

    fn forget(&self, newer_than: UnixMillis) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.gate().await?;
            self.kept.lock().unwrap().retain(|(_, entry)| entry.at > newer_than);
            Ok(())
        })
    }
}

impl UsageRepository for Fake {
    fn record<'a>(
        &'a self,
        report: &'a UsageReport,
        _at: UnixMillis,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.write_gate().await?;
            self.usage.lock().unwrap().push(report.clone());
            Ok(())
        })
    }
}

impl World {
    fn new(fake: Fake) -> Self {
        let (fake, time) = (Arc::new(fake), Arc::new(AtomicI64::new(1_000_000_000)));
        let shown = Arc::clone(&time);
        let clock = Arc::new(move || UnixMillis(shown.load(Ordering::Relaxed)));
        let memory = Memory::with_clock(settings(), fake.clone(), clock);
        Self {
            fake,
            handle: memory.handle(),
            memory: Some(memory),
            time,
            stop: CancellationToken::new(),
            tasks: JoinSet::new(),
            log: capture(),
        }
    }

    fn running(fake: Fake) -> Self {
        let mut world = Self::new(fake);
        let memory = world.memory.take().unwrap();
        world.tasks.spawn(memory.run(world.stop.clone()));
        world
    }

    fn pass(&self, time: Duration) {
        self.time.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    async fn recalled(&self, name: &str) -> Vec<String> {
        let recollection = self.handle.recall(&device(name)).await;
        recollection.exchanges.into_iter().map(|exchange| exchange.prompt).collect()
    }

    /// Lets the loop do what it can do now.
    async fn settle(&self) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    /// Stops and waits for what the loop had left to do.
    async fn stop(&mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }

    fn logged(&self, decision: &str, part: &str) -> usize {
        let decision = format!(" decision={decision} ");
        self.log.lines().iter().filter(|l| l.contains(&decision) && l.contains(part)).count()
    }
}

#[tokio::test(start_paused = true)]
async fn an_exchange_is_recalled_before_during_and_after_its_write() {
    let mut world = World::running(Fake::holding_writes());
    world.handle.remember(device("mac"), exchange("first"));
    assert_eq!(world.recalled("mac").await, ["first"]);
    world.handle.remember(device("mac"), exchange("second"));
    assert_eq!(world.recalled("mac").await, ["first", "second"]);
    world.fake.allow(1);
    assert_eq!(world.recalled("mac").await, ["first", "second"]);
    world.fake.allow(1);
    world.stop().await;
    assert_eq!(world.recalled("mac").await, ["first", "second"]);
    assert_eq!(world.fake.kept.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn devices_do_not_see_each_other() {
    let mut world = World::running(Fake::default());
    world.handle.remember(device("a"), exchange("of a"));
    world.handle.remember(device("b"), exchange("of b"));
    world.stop().await;
    assert_eq!(world.recalled("a").await, ["of a"]);
    assert_eq!(world.recalled("b").await, ["of b"]);
    assert!(world.recalled("c").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_conversation_expires() {
    let world = World::new(Fake::default());
    world.handle.remember(device("mac"), exchange("old"));
    world.pass(IDLE / 2);
    world.handle.remember(device("mac"), exchange("new"));
    assert_eq!(world.recalled("mac").await, ["old", "new"]);
    world.pass(IDLE / 2);
    assert_eq!(world.recalled("mac").await, ["new"]);
}

#[tokio::test(start_paused = true)]
async fn expired_words_do_not_stay_in_the_store() {
    let mut world = World::running(Fake::default());
    world.handle.remember(device("mac"), exchange("old"));
    world.settle().await;
    assert_eq!(world.fake.kept.lock().unwrap().len(), 1);
    world.pass(IDLE);
    advance(IDLE).await;
    world.settle().await;
    world.stop().await;
    assert!(world.fake.kept.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_costs_the_read_timeout_and_no_more() {
    let world = World::new(Fake::default());
    *world.fake.slow.lock().unwrap() = NEVER;
    world.handle.remember(device("mac"), exchange("unwritten"));
    let began = Instant::now();
    assert_eq!(world.recalled("mac").await, ["unwritten"]);
    assert_eq!(began.elapsed(), settings().read_timeout);
    assert_eq!(world.logged("memory_unavailable", r#""reason":"timeout""#), 1);
}

#[tokio::test(start_paused = true)]
async fn a_broken_store_degrades_the_module_until_it_works_again() {
    let world = World::new(Fake::default());
    assert_eq!(world.handle.status().state, ModuleState::Ready);
    *world.fake.broken.lock().unwrap() = Some("corrupt");
    assert!(world.recalled("mac").await.is_empty());
    let status = world.handle.status();
    assert_eq!(status.state, ModuleState::Degraded);
    assert_eq!(status.reason.as_deref(), Some("cannot read: corrupt"));
    *world.fake.broken.lock().unwrap() = None;
    world.recalled("mac").await;
    assert_eq!(world.handle.status().state, ModuleState::Ready);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_only_reads_is_degraded_too() {
    let mut world = World::running(Fake::default());
    world.recalled("mac").await;
    *world.fake.broken.lock().unwrap() = Some("read_only");
    world.handle.remember(device("mac"), exchange("lost"));
    world.stop().await;
    *world.fake.broken.lock().unwrap() = None;
    world.recalled("mac").await;
    assert_eq!(world.handle.status().reason.as_deref(), Some("cannot write: read_only"));
    assert_eq!(world.logged("memory_dropped", r#""what":"exchange","reason":"read_only""#), 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_and_says_so() {
    let world = World::new(Fake::default());
    for n in 0..4 {
        world.handle.remember(device("mac"), exchange(&format!("{n}")));
    }
    assert_eq!(world.handle.record_usage(report()), Err(Full));
    assert_eq!(world.recalled("mac").await, ["0", "1", "2"]);
    assert_eq!(world.logged("memory_dropped", r#""what":"exchange","reason":"queue_full""#), 1);
    assert_eq!(world.logged("memory_dropped", r#""what":"usage","reason":"queue_full""#), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_is_given_up_and_the_next_one_is_made() {
    let mut world = World::running(Fake::holding_writes());
    world.handle.remember(device("mac"), exchange("hangs"));
    world.settle().await;
    advance(settings().write_timeout).await;
    world.settle().await;
    world.fake.allow(1);
    world.handle.remember(device("mac"), exchange("lands"));
    world.stop().await;
    assert_eq!(world.recalled("mac").await, ["lands"]);
    assert_eq!(world.logged("memory_dropped", r#""reason":"timeout""#), 1);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_writes_what_is_queued() {
    let mut world = World::running(Fake::default());
    world.handle.remember(device("mac"), exchange("last words"));
    world.handle.record_usage(report()).unwrap();
    world.stop().await;
    assert_eq!(world.fake.kept.lock().unwrap().len(), 1);
    assert_eq!(world.fake.usage.lock().unwrap()[0].source, "browser");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_over_a_dead_store_is_bounded() {
    let mut world = World::running(Fake::holding_writes());
    for n in 0..3 {
        world.handle.remember(device("mac"), exchange(&format!("{n}")));
    }
    let began = Instant::now();
    world.stop().await;
    assert!(began.elapsed() <= settings().drain_timeout + settings().write_timeout);
    assert_eq!(world.logged("memory_dropped", r#""reason":"timeout","count":1"#), 1);
    assert_eq!(world.logged("memory_dropped", r#""reason":"shutdown","count":2"#), 1);
    world.handle.remember(device("mac"), exchange("too late"));
    assert_eq!(world.logged("memory_dropped", r#""reason":"stopped""#), 1);
}
