use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use nexy_memory_management::{
    Append, Exchange, MemoryRepository, Remembered, UnixMillis, UsageReport, UsageRepository,
};
use nexy_types::{HardwareId, SessionId};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;

use super::{Database, Pool, Settings};
use crate::Error;

fn settings() -> Settings {
    Settings {
        max_connections: 4,
        acquire_timeout: Duration::from_secs(5),
        busy_timeout: Duration::from_secs(5),
    }
}

fn device(name: &str) -> HardwareId {
    HardwareId::parse(name).unwrap()
}

fn entry(at: i64, prompt: &str, reply: &str) -> Remembered {
    let exchange = Exchange { prompt: prompt.to_owned(), reply: reply.to_owned() };
    Remembered { at: UnixMillis(at), exchange }
}

async fn append(database: &Database, name: &str, entry: Remembered) {
    let append = Append {
        device: device(name),
        newer_than: UnixMillis(entry.at.0 - 1_000),
        entry,
        max_bytes: 100,
    };
    database.append(&append).await.unwrap();
}

async fn prompts(database: &Database, name: &str, newer_than: i64) -> Vec<String> {
    let loaded = database.load(&device(name), UnixMillis(newer_than)).await.unwrap();
    loaded.into_iter().map(|entry| entry.exchange.prompt).collect()
}

#[expect(clippy::disallowed_methods, reason = "tests alone take the server from the environment")]
fn postgres_url() -> Option<String> {
    std::env::var("NEXY_TEST_POSTGRES_URL").ok()
}

/// Runs a test on SQLite, and on PostgreSQL in a schema of its own when
/// `NEXY_TEST_POSTGRES_URL` names a server.
async fn on_each(test: impl AsyncFn(Arc<Database>)) {
    static SCHEMAS: AtomicU32 = AtomicU32::new(0);

    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/new/sub/nexy.db", directory.path().display());
    test(Database::open(&url, settings()).await.unwrap()).await;

    let Some(url) = postgres_url() else {
        eprintln!("SKIPPED on PostgreSQL: NEXY_TEST_POSTGRES_URL is not set");
        return;
    };
    let mut admin = PgConnection::connect(&url).await.unwrap();
    let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
    let schema = format!("nexy_test_{}_{number}", std::process::id());
    run(&mut admin, format!("CREATE SCHEMA {schema}")).await;
    let separator = if url.contains('?') { '&' } else { '?' };
    let own = format!("{url}{separator}options[search_path]={schema}");
    let database = Database::open(&own, settings()).await.unwrap();
    test(Arc::clone(&database)).await;
    database.close(Duration::from_secs(5)).await;
    run(&mut admin, format!("DROP SCHEMA {schema} CASCADE")).await;
}

async fn run(admin: &mut PgConnection, sql: String) {
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(admin).await.unwrap();
}

async fn open_error(url: &str) -> Error {
    let settings = Settings { acquire_timeout: Duration::from_millis(300), ..settings() };
    let error = Database::open(url, settings).await.unwrap_err();
    eprintln!("{url}: {error}");
    error
}

#[tokio::test]
async fn what_was_appended_is_loaded_in_order() {
    on_each(async |database| {
        assert!(prompts(&database, "mac", 0).await.is_empty());
        append(&database, "mac", entry(5_000, "first", "1")).await;
        append(&database, "mac", entry(5_001, "second", "2")).await;
        // The clock was set back: the order of writing stays.
        append(&database, "mac", entry(4_900, "third", "3")).await;
        assert_eq!(prompts(&database, "mac", 0).await, ["first", "second", "third"]);
        let loaded = database.load(&device("mac"), UnixMillis(5_000)).await.unwrap();
        assert_eq!(loaded, [entry(5_001, "second", "2")]);
    })
    .await;
}

#[tokio::test]
async fn expired_exchanges_go_with_the_next_one() {
    on_each(async |database| {
        append(&database, "mac", entry(5_000, "old", "")).await;
        append(&database, "mac", entry(5_500, "young", "")).await;
        append(&database, "other", entry(5_000, "of another", "")).await;
        append(&database, "mac", entry(6_000, "new", "")).await;
        assert_eq!(prompts(&database, "mac", 0).await, ["young", "new"]);
        assert_eq!(prompts(&database, "other", 0).await, ["of another"]);
    })
    .await;
}

#[tokio::test]
async fn the_oldest_go_when_there_are_too_many_bytes() {
    on_each(async |database| {
        for n in 0..5 {
            append(&database, "mac", entry(5_000 + n, &n.to_string(), &"x".repeat(29))).await;
        }
        append(&database, "other", entry(5_000, "of another", "")).await;
        assert_eq!(prompts(&database, "mac", 0).await, ["2", "3", "4"]);
        append(&database, "mac", entry(5_010, &"ж".repeat(50), "")).await;
        assert_eq!(prompts(&database, "mac", 0).await, ["ж".repeat(50)]);
        assert_eq!(prompts(&database, "other", 0).await, ["of another"]);
    })
    .await;
}

#[tokio::test]
async fn forgetting_reaches_every_device() {
    on_each(async |database| {
        append(&database, "a", entry(5_000, "old", "")).await;
        append(&database, "b", entry(5_000, "old", "")).await;
        append(&database, "b", entry(5_001, "new", "")).await;
        database.forget(UnixMillis(5_000)).await.unwrap();
        assert!(prompts(&database, "a", 0).await.is_empty());
        assert_eq!(prompts(&database, "b", 0).await, ["new"]);
    })
    .await;
}

#[tokio::test]
async fn any_text_comes_back_as_it_was() {
    on_each(async |database| {
        for text in [
            "Привет, как дела?",
            "漢字 and 👩‍🚀 and e\u{301}",
            "'; DROP TABLE exchanges; --",
            "$1 ? :name \\ \" \n \r\n \t \u{2028}",
            "",
        ] {
            append(&database, "mac", entry(5_000, text, text)).await;
            let loaded = database.load(&device("mac"), UnixMillis(0)).await.unwrap();
            assert_eq!(loaded.last(), Some(&entry(5_000, text, text)));
        }
    })
    .await;
}

#[tokio::test]
async fn devices_are_told_apart_to_the_letter() {
    on_each(async |database| {
        append(&database, "mac-1", entry(5_000, "lower", "")).await;
        append(&database, "MAC-1", entry(5_000, "upper", "")).await;
        append(&database, "mac-1 ", entry(5_000, "blank", "")).await;
        append(&database, "mac_1", entry(5_000, "wild", "")).await;
        assert_eq!(prompts(&database, "mac-1", 0).await, ["lower"]);
        assert_eq!(prompts(&database, "MAC-1", 0).await, ["upper"]);
        assert_eq!(prompts(&database, "mac-1 ", 0).await, ["blank"]);
        assert!(prompts(&database, "mac", 0).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn usage_is_stored_whole() {
    on_each(async |database| {
        let session = "3B241101-e2bb-4255-8caf-4136c566a962";
        let report = UsageReport {
            device: device("mac"),
            session: Some(SessionId::parse(session).unwrap()),
            source: "browser".to_owned(),
            model: "flash".to_owned(),
            input_tokens: u32::MAX,
            output_tokens: 0,
        };
        database.record(&report, UnixMillis(7)).await.unwrap();
        let without = UsageReport { session: None, ..report };
        database.record(&without, UnixMillis(8)).await.unwrap();

        type Row = (String, Option<String>, i64, String, String, i64, i64);
        const ALL: &str = "SELECT hardware_id, session_id, at_ms, source, model, input_tokens, \
            output_tokens FROM usage_reports ORDER BY id";
        let rows: Vec<Row> = on!(database, pool => {
            sqlx::query_as(ALL).fetch_all(pool).await.unwrap()
        });
        let row = |session: Option<&str>, at| {
            let (source, model) = ("browser".to_owned(), "flash".to_owned());
            let session = session.map(ToOwned::to_owned);
            ("mac".to_owned(), session, at, source, model, i64::from(u32::MAX), 0)
        };
        assert_eq!(rows, [row(Some(session), 7), row(None, 8)]);
    })
    .await;
}

#[tokio::test]
async fn writers_at_once_lose_nothing() {
    on_each(async |database| {
        let mut tasks = JoinSet::new();
        for writer in 0..8 {
            let database = Arc::clone(&database);
            tasks.spawn(async move {
                for n in 0..10 {
                    let name = format!("mac-{writer}");
                    append(&database, &name, entry(5_000 + n, &n.to_string(), "")).await;
                    append(&database, "shared", entry(5_000, "x", "")).await;
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        for writer in 0..8 {
            let expected: Vec<_> = (0..10).map(|n| n.to_string()).collect();
            assert_eq!(prompts(&database, &format!("mac-{writer}"), 0).await, expected);
        }
        assert_eq!(prompts(&database, "shared", 0).await.len(), 80);
    })
    .await;
}

#[tokio::test]
async fn what_is_stored_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/nexy.db", directory.path().display());
    let first = Database::open(&url, settings()).await.unwrap();
    append(&first, "mac", entry(5_000, "kept", "")).await;
    first.close(Duration::from_secs(5)).await;
    assert!(first.load(&device("mac"), UnixMillis(0)).await.is_err());
    let second = Database::open(&url, settings()).await.unwrap();
    assert_eq!(prompts(&second, "mac", 0).await, ["kept"]);
}

#[tokio::test]
async fn only_files_and_servers_are_databases() {
    for url in ["", "mysql://localhost/nexy", "sqlite:nexy.db", "sqlite://", "sqlite://:memory:"] {
        assert_eq!(open_error(url).await, Error::Url, "{url}");
    }
    assert_eq!(open_error("sqlite://x.db?mode=odd").await, Error::Url);
    assert_eq!(open_error("postgres://host:port").await, Error::Url);
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().join("sub");
    let error = open_error(&format!("sqlite://{}/nexy.db", path.display())).await;
    assert!(matches!(&error, Error::Directory { path: named, .. } if *named == path), "{error}");
    assert!(error.to_string().contains("sub: not a directory"), "{error}");
}

#[tokio::test]
async fn a_path_that_is_no_file_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let error = open_error(&format!("sqlite://{}", directory.path().display())).await;
    assert_eq!(error, Error::Open);
}

#[tokio::test]
async fn a_file_of_something_else_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("letter.txt");
    let letter = "Dear reader, this is no database. ".repeat(100);
    std::fs::write(&path, &letter).unwrap();
    let error = open_error(&format!("sqlite://{}", path.display())).await;
    assert_eq!(error, Error::Corrupt);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
}

#[tokio::test]
async fn a_read_only_database_reads_and_says_why_it_does_not_write() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/nexy.db", directory.path().display());
    let writer = Database::open(&url, settings()).await.unwrap();
    append(&writer, "mac", entry(5_000, "kept", "")).await;

    let reader = Database::open(&format!("{url}?mode=ro"), settings()).await.unwrap();
    assert_eq!(prompts(&reader, "mac", 0).await, ["kept"]);
    let error = reader.forget(UnixMillis(9_000)).await.unwrap_err();
    assert_eq!(error, Error::ReadOnly.into());
    assert_eq!(prompts(&writer, "mac", 0).await, ["kept"]);
}

#[tokio::test]
async fn tables_of_another_version_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/nexy.db", directory.path().display());
    let database = Database::open(&url, settings()).await.unwrap();
    let Pool::Sqlite(pool) = &database.pool else { panic!("of SQLite") };
    let newer = "UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1";
    sqlx::query(newer).execute(pool).await.unwrap();
    assert_eq!(open_error(&url).await, Error::Schema);
    sqlx::query("DROP TABLE exchanges").execute(pool).await.unwrap();
    let error = database.load(&device("mac"), UnixMillis(0)).await.unwrap_err();
    assert_eq!(error, Error::Schema.into());
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again_and_names_no_password() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("postgres://nexy:topsecret@{address}/nexy");
    let settings = Settings { acquire_timeout: Duration::from_millis(300), ..settings() };
    let database = Database::new(&url, settings).unwrap();
    for _ in 0..2 {
        let error = database.ready().await.unwrap_err();
        assert_eq!(error, Error::Unreachable);
        assert!(!format!("{error} {error:?} {database:?}").contains("topsecret"));
    }
}

#[tokio::test]
async fn an_error_holds_no_stored_value() {
    on_each(async |database| {
        on!(database, pool => {
            sqlx::query("DROP TABLE usage_reports").execute(pool).await.unwrap();
        });
        let report = UsageReport {
            device: device("secret-device"),
            session: None,
            source: "secret-source".to_owned(),
            model: "flash".to_owned(),
            input_tokens: 1,
            output_tokens: 2,
        };
        let error = database.record_report(&report, UnixMillis(1)).await.unwrap_err();
        assert_eq!(error, Error::Schema);
        assert!(!format!("{error} {error:?}").contains("secret"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_at_once_on_one_new_file_all_get_their_tables() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("nexy.db").display());
        let mut starting = JoinSet::new();
        for _ in 0..4 {
            let url = url.clone();
            starting.spawn(async move { Database::open(&url, settings()).await.map(|_| ()) });
        }
        while let Some(opened) = starting.join_next().await {
            assert_eq!(opened.unwrap(), Ok(()));
        }
    }
}
