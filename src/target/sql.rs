//! Asking a database one question: what comes back, and whoever can ask.
//!
//! Owns plain data and the trait. A question reads: nothing that is asked here changes anything, and whoever implements it sees to
//! that. That nobody could be asked is no answer of the database, and says nothing about it.

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::probe::NotHeard;

/// What a database answered, bounded and cleaned of control sequences.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Values as text; `None` = NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// There were more rows than are kept.
    pub cut: bool,
}

impl Rows {
    /// The first value of the first row; `None` where there is no row, or NULL.
    pub fn first(&self) -> Option<&str> {
        self.rows.first()?.first()?.as_deref()
    }
}

/// Who asks a database.
#[derive(Debug, Clone)]
pub struct Login {
    /// Name of the database.
    pub database: String,
    /// The role.
    pub user: String,
    /// Its password; `None` = it needs none.
    pub password: Option<SecretString>,
}

/// Whoever can ask the databases that a service file declares. Every call has a deadline of its own, and a database is asked one
/// question at a time.
pub trait Databases: Send + Sync {
    /// Asks the database of that id; one statement, which reads.
    fn ask<'a>(&'a self, database: &'a str, sql: &'a str) -> BoxFuture<'a, Result<Rows, NotHeard>>;
}
