use std::{fmt, path::Path, str::FromStr, sync::Arc, time::Duration};

use nexy_memory_management::{
    Append, Exchange, MemoryRepository, Remembered, UnixMillis, UsageReport, UsageRepository,
};
use nexy_types::{BoxFuture, HardwareId};
use sqlx::{
    ConnectOptions, PgPool, SqlitePool,
    migrate::{Migrate, MigrateError, Migrator},
    pool::PoolOptions,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::OnceCell;

use crate::Error;

/// How often a new SQLite file is looked at before its trouble is believed, and
/// the pause while somebody else writes the tables, which takes milliseconds.
const LOOKS: usize = 10;
const WHILE_BUSY: Duration = Duration::from_millis(20);

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How the database is used.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Connections in the pool.
    pub max_connections: u32,
    /// How long an operation waits for a connection, also for a new one.
    pub acquire_timeout: Duration,
    /// How long SQLite waits for another writer.
    pub busy_timeout: Duration,
}

/// A database with the tables of this version.
pub struct Database {
    pool: Pool,
    /// Set once the tables are known to be there.
    ready: OnceCell<()>,
}

enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The same work on either pool: the two differ only in type.
macro_rules! on {
    ($database:expr, $pool:ident => $work:expr) => {
        match &$database.pool {
            Pool::Sqlite($pool) => $work,
            Pool::Postgres($pool) => $work,
        }
    };
}

// === impl Database ===

impl Database {
    /// Opens a database and makes its tables. A SQLite file and its directory
    /// are created when they are missing.
    ///
    /// # Errors
    /// As [`Database::new`] and [`Database::ready`].
    pub async fn open(url: &str, settings: Settings) -> Result<Arc<Self>, Error> {
        let database = Self::new(url, settings)?;
        database.ready().await?;
        Ok(database)
    }

    /// A database that is opened when it is first used, so that a server that
    /// is away now can be used later. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the URL is not `sqlite://path` or `postgres://…`. A database in
    /// memory is refused: every connection would have its own.
    pub fn new(url: &str, settings: Settings) -> Result<Arc<Self>, Error> {
        let pool = if url.starts_with("sqlite://") {
            Pool::Sqlite(sqlite(url, &settings)?)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url).map_err(|_| Error::Url)?;
            let options = options.application_name("nexy").disable_statement_logging();
            Pool::Postgres(pool_options(&settings).connect_lazy_with(options))
        } else {
            return Err(Error::Url);
        };
        Ok(Arc::new(Self { pool, ready: OnceCell::new() }))
    }

    /// Makes sure that the database can be reached and has its tables. Every
    /// operation does it first; once it has succeeded it costs nothing.
    ///
    /// # Errors
    /// What stands in the way. The next call tries again.
    pub async fn ready(&self) -> Result<(), Error> {
        self.ready.get_or_try_init(|| self.prepare()).await.copied()
    }

    /// Waits for running operations, at most so long, and closes every
    /// connection. Operations fail from then on.
    pub async fn close(&self, deadline: Duration) {
        let closed = async { on!(self, pool => pool.close().await) };
        // Connections that are still busy close with the process.
        let _ = tokio::time::timeout(deadline, closed).await;
    }

    async fn prepare(&self) -> Result<(), Error> {
        match &self.pool {
            Pool::Sqlite(pool) => {
                create_directory(pool.connect_options().get_filename()).await?;
                migrate_sqlite(pool).await
            }
            Pool::Postgres(pool) => Ok(migrate(pool, &POSTGRES_MIGRATIONS).await?),
        }
    }

    async fn load_exchanges(
        &self,
        device: &HardwareId,
        newer_than: UnixMillis,
    ) -> Result<Vec<Remembered>, Error> {
        const LOAD: &str = "SELECT at_ms, prompt, reply FROM exchanges \
            WHERE hardware_id = $1 AND at_ms > $2 ORDER BY id";
        self.ready().await?;
        let rows: Vec<(i64, String, String)> = on!(self, pool => {
            sqlx::query_as(LOAD).bind(device.as_str()).bind(newer_than.0).fetch_all(pool).await?
        });
        let remembered = |(at, prompt, reply)| Remembered {
            at: UnixMillis(at),
            exchange: Exchange { prompt, reply },
        };
        Ok(rows.into_iter().map(remembered).collect())
    }

    async fn append_exchange(&self, append: &Append) -> Result<(), Error> {
        // First, so that SQLite's transaction begins as a writer's and never
        // has to become one.
        const INSERT: &str = "INSERT INTO exchanges (hardware_id, at_ms, prompt, reply, bytes) \
            VALUES ($1, $2, $3, $4, $5)";
        const EXPIRE: &str = "DELETE FROM exchanges WHERE hardware_id = $1 AND at_ms <= $2";
        const BOUND: &str = "DELETE FROM exchanges WHERE id IN (SELECT id FROM (\
            SELECT id, SUM(bytes) OVER (ORDER BY id DESC) AS newer_bytes \
            FROM exchanges WHERE hardware_id = $1) AS sized WHERE newer_bytes > $2)";
        let Remembered { at, exchange } = &append.entry;
        let device = append.device.as_str();
        self.ready().await?;
        on!(self, pool => {
            let mut transaction = pool.begin().await?;
            sqlx::query(INSERT)
                .bind(device)
                .bind(at.0)
                .bind(&exchange.prompt)
                .bind(&exchange.reply)
                .bind(signed(exchange.bytes()))
                .execute(&mut *transaction)
                .await?;
            sqlx::query(EXPIRE)
                .bind(device)
                .bind(append.newer_than.0)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(BOUND)
                .bind(device)
                .bind(signed(append.max_bytes))
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
        });
        Ok(())
    }

    async fn forget_exchanges(&self, newer_than: UnixMillis) -> Result<(), Error> {
        const FORGET: &str = "DELETE FROM exchanges WHERE at_ms <= $1";
        self.ready().await?;
        on!(self, pool => { sqlx::query(FORGET).bind(newer_than.0).execute(pool).await?; });
        Ok(())
    }

    async fn record_report(&self, report: &UsageReport, at: UnixMillis) -> Result<(), Error> {
        const RECORD: &str = "INSERT INTO usage_reports \
            (hardware_id, session_id, at_ms, source, model, input_tokens, output_tokens) \
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        self.ready().await?;
        on!(self, pool => {
            sqlx::query(RECORD)
                .bind(report.device.as_str())
                .bind(report.session.as_ref().map(|session| session.as_str()))
                .bind(at.0)
                .bind(&report.source)
                .bind(&report.model)
                .bind(i64::from(report.input_tokens))
                .bind(i64::from(report.output_tokens))
                .execute(pool)
                .await?;
        });
        Ok(())
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options of a pool hold a password.
        f.write_str(match self.pool {
            Pool::Sqlite(_) => "Database(sqlite)",
            Pool::Postgres(_) => "Database(postgres)",
        })
    }
}

impl MemoryRepository for Database {
    fn load<'a>(
        &'a self,
        device: &'a HardwareId,
        newer_than: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<Remembered>, nexy_memory_management::Error>> {
        Box::pin(async move { Ok(self.load_exchanges(device, newer_than).await?) })
    }

    fn append<'a>(
        &'a self,
        append: &'a Append,
    ) -> BoxFuture<'a, Result<(), nexy_memory_management::Error>> {
        Box::pin(async move { Ok(self.append_exchange(append).await?) })
    }

    fn forget(
        &self,
        newer_than: UnixMillis,
    ) -> BoxFuture<'_, Result<(), nexy_memory_management::Error>> {
        Box::pin(async move { Ok(self.forget_exchanges(newer_than).await?) })
    }
}

impl UsageRepository for Database {
    fn record<'a>(
        &'a self,
        report: &'a UsageReport,
        at: UnixMillis,
    ) -> BoxFuture<'a, Result<(), nexy_memory_management::Error>> {
        Box::pin(async move { Ok(self.record_report(report, at).await?) })
    }
}

fn sqlite(url: &str, settings: &Settings) -> Result<SqlitePool, Error> {
    if url.contains(":memory:") || url.contains("mode=memory") || url == "sqlite://" {
        return Err(Error::Url);
    }
    let options = SqliteConnectOptions::from_str(url).map_err(|_| Error::Url)?;
    let options = options
        // Whoever states a mode means it.
        .create_if_missing(!url.contains("mode=ro") && !url.contains("mode=rw"))
        .busy_timeout(settings.busy_timeout)
        .journal_mode(SqliteJournalMode::Wal)
        // With WAL: safe against a crash of the process, and of the machine it
        // costs the last writes at most.
        .synchronous(SqliteSynchronous::Normal)
        // What is forgotten is overwritten.
        .pragma("secure_delete", "on")
        .disable_statement_logging();
    // A connection to a file does not go stale, and each question that is asked
    // of it is a trip to another thread.
    Ok(pool_options(settings).test_before_acquire(false).connect_lazy_with(options))
}

fn pool_options<DB: sqlx::Database>(settings: &Settings) -> PoolOptions<DB> {
    PoolOptions::new()
        .max_connections(settings.max_connections.max(1))
        .acquire_timeout(settings.acquire_timeout)
}

/// SQLite knows no lock for migrations. Of processes that start at once each
/// takes the other's step for a broken schema, or finds the file taken in a way
/// that SQLite does not wait for; who looks again finds it done. Tables of
/// another version do not change by looking.
async fn migrate_sqlite(pool: &SqlitePool) -> Result<(), Error> {
    for _again in 1..LOOKS {
        let failed = match migrate(pool, &SQLITE_MIGRATIONS).await {
            Err(error) if is_of_a_step(&error) => Error::from(error),
            done => return Ok(done?),
        };
        match failed {
            Error::Schema => {}
            Error::Busy => tokio::time::sleep(WHILE_BUSY).await,
            other => return Err(other),
        }
    }
    Ok(migrate(pool, &SQLITE_MIGRATIONS).await?)
}

/// Whether a step failed while it ran, perhaps because somebody else took it.
const fn is_of_a_step(error: &MigrateError) -> bool {
    matches!(error, MigrateError::Execute(_) | MigrateError::ExecuteMigration(..))
}

/// Migrates on a connection of its own: PostgreSQL's lock against a second
/// migration belongs to the session, so a caller who stops waiting must end the
/// session and not give it back to the pool.
async fn migrate<DB: sqlx::Database>(
    pool: &sqlx::Pool<DB>,
    steps: &Migrator,
) -> Result<(), MigrateError>
where
    DB::Connection: Migrate,
{
    let patience = pool.options().get_acquire_timeout();
    let own = PoolOptions::<DB>::new()
        .max_connections(1)
        .acquire_timeout(patience)
        .connect_lazy_with(pool.connect_options().as_ref().clone());
    let migrated = steps.run(&own).await;
    // A polite end; dropping the pool is the other one.
    let _ = tokio::time::timeout(patience, own.close()).await;
    migrated
}

async fn create_directory(file: &Path) -> Result<(), Error> {
    let Some(path) = file.parent().filter(|path| !path.as_os_str().is_empty()) else {
        return Ok(());
    };
    let created = tokio::fs::create_dir_all(path).await;
    created.map_err(|error| Error::Directory { path: path.to_owned(), kind: error.kind() })
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
