use std::{io, path::PathBuf};

use nexy_types::ErrorType;
use sqlx::migrate::MigrateError;

/// Why the database did not do what it was asked. Holds no stored value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The URL is of no database that we know.
    #[error("parse database url: expected sqlite://path or postgres://host/name")]
    Url,
    /// The file's directory could not be made.
    #[error("create database directory {}: {kind}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// The file is a directory, or may not be opened.
    #[error("open database file: it is no file, or access is denied")]
    Open,
    /// No server, or no free connection in time.
    #[error("reach database: no connection in time")]
    Unreachable,
    /// The server does not accept us, or has no such database.
    #[error("log in to database: refused")]
    Denied,
    /// Somebody else holds the lock for too long, or the server has no room.
    #[error("use database: it is busy")]
    Busy,
    /// Reading is all that is allowed.
    #[error("write database: it is read-only")]
    ReadOnly,
    /// The disk is full or broken.
    #[error("write database: the disk is full or broken")]
    Disk,
    /// The file is damaged or of another program.
    #[error("read database: it is damaged or no database")]
    Corrupt,
    /// Its tables are not those of this version, e.g. after a downgrade.
    #[error("use database: its tables are of another version")]
    Schema,
    /// Anything else, by the driver's code if it has one.
    #[error("use database: error {0}")]
    Other(String),
}

// === impl Error ===

impl Error {
    /// The failure as one word, for logs and states of modules.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Directory { .. } => "directory",
            Self::Open => "open",
            Self::Unreachable => "unreachable",
            Self::Denied => "denied",
            Self::Busy => "busy",
            Self::ReadOnly => "read_only",
            Self::Disk => "disk",
            Self::Corrupt => "corrupt",
            Self::Schema => "schema",
            Self::Other(_) => "other",
        }
    }

    /// How the failure looks to a client, where it reaches one.
    #[must_use]
    pub const fn error_type(&self) -> ErrorType {
        ErrorType::Unavailable
    }

    /// By SQLite's primary result code, <https://www.sqlite.org/rescode.html>.
    fn of_sqlite(code: &str) -> Self {
        // The primary code is the low byte of the extended one.
        match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(3 | 14 | 23) => Self::Open,
            Ok(5 | 6) => Self::Busy,
            Ok(8) => Self::ReadOnly,
            Ok(10 | 13) => Self::Disk,
            Ok(11 | 26) => Self::Corrupt,
            // "SQL logic error": a table or column is missing.
            Ok(1 | 17) => Self::Schema,
            _ => Self::Other(code.to_owned()),
        }
    }

    /// By SQLSTATE, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    fn of_postgres(code: &str) -> Self {
        match (code.get(..2).unwrap_or_default(), code) {
            (_, "25006") => Self::ReadOnly,
            (_, "53100" | "58030") => Self::Disk,
            (_, "40001" | "40P01" | "55P03") | ("53", _) => Self::Busy,
            ("08", _) | (_, "57P01" | "57P02" | "57P03") => Self::Unreachable,
            ("28", _) | (_, "3D000" | "42501") => Self::Denied,
            (_, "42P01" | "42703" | "3F000") => Self::Schema,
            ("XX", _) => Self::Corrupt,
            _ => Self::Other(code.to_owned()),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default();
                match error.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
                    Some(_) => Self::of_sqlite(&code),
                    None => Self::of_postgres(&code),
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Tls(_)
            | sqlx::Error::WorkerCrashed => Self::Unreachable,
            sqlx::Error::Migrate(error) => (*error).into(),
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::TypeNotFound { .. } => Self::Schema,
            _ => Self::Other("of the driver".to_owned()),
        }
    }
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            _ => Self::Schema,
        }
    }
}

impl From<Error> for nexy_memory_management::Error {
    fn from(error: Error) -> Self {
        Self::Store(error.reason())
    }
}
