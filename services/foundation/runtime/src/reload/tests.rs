use std::fs;

use nexy_config::Settings;
use nexy_telemetry::capture;
use tempfile::TempDir;

use super::*;

/// Longer than the tests, which look by themselves.
const NEVER: Duration = Duration::from_secs(3600);

/// A process with an overlay file.
struct Process {
    folder: TempDir,
    live: Arc<Live>,
    reloader: Reloader,
}

// === impl Process ===

impl Process {
    fn new(every: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nexy.yaml");
        fs::write(&path, "features: {use_fallback_manager: false}").unwrap();
        let sources = Sources::for_tests([("NEXY_CONFIG", path.display().to_string())]);
        let overlay = Overlay::now(&sources);
        let (settings, _) = Settings::load(&sources).unwrap();
        let live = Arc::new(Live::new(sources, settings.flags()));
        let reloader = Reloader::new(Arc::clone(&live), overlay, every);
        Self { folder, live, reloader }
    }

    fn write(&self, yaml: &str) {
        fs::write(self.folder.path().join("nexy.yaml"), yaml).unwrap();
    }

    /// Looks as often; whether there is something to reload at the last look.
    async fn finds(&mut self, looks: u32) -> bool {
        let watch = self.reloader.watch.as_mut().unwrap();
        for _ in 1..looks {
            assert!(!watch.look().await);
        }
        watch.look().await
    }
}

#[tokio::test]
async fn a_change_of_the_file_is_found_at_the_second_look() {
    let mut process = Process::new(NEVER);
    assert!(!process.finds(5).await);
    process.write("features: {use_fallback_manager: true}");
    assert!(process.finds(2).await);

    let log = capture();
    process.reloader.reload(Cause::File).await;
    assert!(process.live.snapshot().fail_over());
    let lines = log.lines().join("\n");
    assert!(lines.contains(
        "decision=flag_changed ctx={\"name\":\"features.use_fallback_manager\",\
         \"from\":\"false\",\"to\":\"true\",\"cause\":\"file\"}"
    ));
    assert!(lines.ends_with("decision=config_reloaded ctx={\"accepted\":true,\"cause\":\"file\"}"));
    assert!(!process.finds(5).await);
}

#[tokio::test]
async fn a_file_that_is_being_written_is_left_until_it_is_whole() {
    let mut process = Process::new(NEVER);
    for half in ["", "features: {use_", "features: {use_fallback_manager: "] {
        process.write(half);
        assert!(!process.finds(1).await, "{half}");
    }
    process.write("features: {use_fallback_manager: true}");
    assert!(process.finds(2).await);
    process.reloader.reload(Cause::File).await;

    // Changed, and back before anybody could tell.
    process.write("features: {use_fallback_manager: false}");
    assert!(!process.finds(1).await);
    process.write("features: {use_fallback_manager: true}");
    assert!(!process.finds(5).await);
}

#[tokio::test]
async fn a_bad_file_is_refused_once_and_changes_nothing() {
    let mut process = Process::new(NEVER);
    let path = process.folder.path().join("nexy.yaml");
    process.write("features: {use_fallback_manager: true}\ngrpc: {port: 0}");
    assert!(process.finds(2).await);
    let log = capture();
    process.reloader.reload(Cause::File).await;
    assert!(!process.live.snapshot().fail_over());
    let [line] = &log.lines()[..] else { panic!("{:?}", log.lines()) };
    assert!(line.contains("level=WARN scope=runtime decision=config_reloaded"), "{line}");
    assert!(line.contains("\"accepted\":false") && line.contains("grpc.port"), "{line}");
    assert!(!process.finds(5).await, "said once");

    fs::remove_file(path).unwrap();
    assert!(process.finds(2).await);
    process.reloader.reload(Cause::File).await;
    assert!(log.lines()[1].contains("\"accepted\":false"));
    assert!(!process.live.snapshot().fail_over());

    process.write("features: {use_fallback_manager: true}");
    assert!(process.finds(2).await);
    process.reloader.reload(Cause::File).await;
    assert!(process.live.snapshot().fail_over());
}

#[tokio::test]
async fn a_signal_reloads_at_once_and_leaves_nothing_to_find() {
    let mut process = Process::new(NEVER);
    process.write("features: {use_fallback_manager: true}");
    process.reloader.reload(Cause::Signal).await;
    assert!(process.live.snapshot().fail_over());
    assert!(!process.finds(5).await);
}

#[tokio::test]
async fn what_was_written_while_the_process_started_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nexy.yaml");
    fs::write(&path, "").unwrap();
    let sources = Sources::for_tests([("NEXY_CONFIG", path.display().to_string())]);
    let overlay = Overlay::now(&sources);
    fs::write(&path, "features: {use_fallback_manager: false}").unwrap();
    let (settings, _) = Settings::load(&sources).unwrap();
    let live = Arc::new(Live::new(sources, settings.flags()));
    let mut reloader = Reloader::new(live, overlay, Duration::from_millis(1));
    tokio::time::timeout(Duration::from_secs(10), reloader.changed()).await.expect("found");
}

#[tokio::test]
async fn without_a_period_nothing_is_watched() {
    let mut process = Process::new(Duration::ZERO);
    process.write("features: {use_fallback_manager: true}");
    assert!(process.reloader.watch.is_none());
    let waiting = tokio::time::timeout(Duration::from_millis(50), process.reloader.changed());
    assert!(waiting.await.is_err());
    process.reloader.reload(Cause::Signal).await;
    assert!(process.live.snapshot().fail_over());
}
