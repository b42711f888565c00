//! One question to a PostgreSQL server, over a stream that somebody opened.
//!
//! Owns the login, the transaction that cannot change anything, the deadlines at the server and here, and the bounds of an answer:
//! rows beyond [`ROWS`] are left out and said so, an answer beyond [`ANSWER`] bytes is none. A connection is for one question.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, Either, select};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{ChannelBinding, NoTls, TlsConnect, TlsStream};
use tokio_postgres::{Client, Config, SimpleQueryMessage};
use tokio_rustls::TlsConnector;

use super::super::api::ErrorKind;
use super::super::probe::NotHeard;
use super::super::sql::{Login, Rows};
use super::{connect, failure, tls, too_late};
use crate::base::text::{clean, elide};

/// So many rows are kept.
const ROWS: usize = 500;
/// So many bytes are read of a server, everything included.
const ANSWER: usize = 1 << 20;
/// So wide may a value be.
const VALUE: usize = 2_000;
/// How long the server may take to hear that it was all.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long a question waits for a lock, at most.
const LOCK: Duration = Duration::from_secs(2);

/// Beginnings of statements that ask. The transaction refuses every change; this tells a slip before anything is sent.
const ASKS: [&str; 6] = ["select", "with", "show", "values", "table", "explain"];

/// Asks over a stream to the server, whose own protocol it speaks from its first byte.
pub async fn over<S>(stream: S, login: &Login, sql: &str, within: Duration) -> Result<Rows, NotHeard>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let config = config(login, within, SslMode::Disable);
    let asked = tokio::time::timeout(within, conversation(&config, stream, NoTls, sql)).await;
    asked.unwrap_or_else(|_| Err(too_late(within)))
}

/// Asks a server at an address, over TLS. The caller ends it when its time is over.
pub(super) async fn at(
    verifier: &Arc<dyn ServerCertVerifier>,
    host: &str,
    port: u16,
    login: &Login,
    sql: &str,
    within: Duration,
) -> Result<Rows, NotHeard> {
    let secured = Secured { name: tls::server_name(host)?, connector: TlsConnector::from(Arc::new(tls::config(verifier.clone())?)) };
    let stream = connect(host, port).await?;
    conversation(&config(login, within, SslMode::Require), stream, secured, sql).await
}

fn config(login: &Login, within: Duration, tls: SslMode) -> Config {
    let mut config = Config::new();
    // The server gives up a little before whoever asks, and says why.
    let most = within.as_millis() * 4 / 5;
    let options = format!("-c default_transaction_read_only=on -c statement_timeout={most} -c lock_timeout={}", LOCK.as_millis().min(most));
    config.user(&login.user).dbname(&login.database).application_name("timonel").options(options).ssl_mode(tls);
    if let Some(password) = &login.password {
        config.password(password.expose_secret());
    }
    config
}

async fn conversation<S, T>(config: &Config, stream: S, tls: T, sql: &str) -> Result<Rows, NotHeard>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    T: TlsConnect<Bounded<S>>,
{
    let first = sql.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
    if !ASKS.contains(&first.as_str()) {
        let message = format!("it was not asked: a question begins with one of {}", ASKS.join(", "));
        return Err(failure::not_heard(ErrorKind::Invalid, &message, true));
    }
    let (client, connection) = config.connect_raw(Bounded { stream, left: ANSWER }, tls).await.map_err(|error| of(&error))?;
    let driving = std::pin::pin!(connection);
    let asking = Box::pin(question(client, sql));
    match select(asking, driving).await {
        Either::Left((answer, driving)) => {
            // The client is gone with its question: the connection says so to the server and ends.
            let _ = tokio::time::timeout(FAREWELL, driving).await;
            answer
        }
        Either::Right((Err(error), _)) => Err(of(&error)),
        Either::Right((Ok(()), asking)) => asking.await,
    }
}

/// One statement, in a transaction that the server lets change nothing.
async fn question(client: Client, sql: &str) -> Result<Rows, NotHeard> {
    client.batch_execute("begin transaction read only").await.map_err(|error| of(&error))?;
    // The server refuses to prepare more than one statement: none ends the transaction and goes on outside of it.
    let statement = client.prepare(sql).await.map_err(|error| of(&error))?;
    let columns = statement.columns().iter().map(|column| shown(column.name())).collect();
    let mut answer = Box::pin(client.simple_query_raw(sql).await.map_err(|error| of(&error))?);
    let mut rows = Rows { columns, ..Rows::default() };
    while let Some(message) = answer.next().await {
        let SimpleQueryMessage::Row(row) = message.map_err(|error| of(&error))? else { continue };
        if rows.rows.len() == ROWS {
            rows.cut = true;
            break;
        }
        rows.rows.push((0..row.len()).map(|at| row.get(at).map(shown)).collect());
    }
    Ok(rows)
}

fn shown(text: &str) -> String {
    elide(&clean(text), VALUE).into_owned()
}

/// What went wrong: what the server says, or what became of the connection.
fn of(error: &tokio_postgres::Error) -> NotHeard {
    let Some(said) = error.as_db_error() else {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(current) = next {
            if current
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref)
                .is_some_and(|inner| inner.downcast_ref::<TooMuch>().is_some())
            {
                return failure::not_heard(ErrorKind::Garbage, &TooMuch.to_string(), true);
            }
            next = current.source();
        }
        return failure::of(error);
    };
    let code = said.code().code();
    let kind = match (code, code.get(..2).unwrap_or_default()) {
        (_, "28") => ErrorKind::Unauthorised,
        ("42501", _) => ErrorKind::Forbidden,
        ("57014" | "55P03", _) => ErrorKind::Timeout,
        (_, "3D") => ErrorKind::NotFound,
        (_, "53" | "57" | "58" | "XX") => ErrorKind::Server,
        _ => ErrorKind::Invalid,
    };
    failure::not_heard(kind, &format!("the database says: {} ({code})", said.message()), false)
}

/// More than anybody wants to read.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the answer is longer than {ANSWER} bytes")]
struct TooMuch;

/// A stream of which so much is read at most: a row is held as a whole, however large.
struct Bounded<S> {
    stream: S,
    left: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        match self.left.checked_sub(buf.filled().len() - before) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Ok(()))
            }
            None => Poll::Ready(Err(io::Error::other(TooMuch))),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// TLS with the program's own provider.
struct Secured {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl TlsConnect<Bounded<TcpStream>> for Secured {
    type Stream = Session;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Session>>;

    fn connect(self, stream: Bounded<TcpStream>) -> Self::Future {
        Box::pin(async move { self.connector.connect(self.name, stream).await.map(|stream| Session(Box::new(stream))) })
    }
}

/// A TLS session with a server.
struct Session(Box<tokio_rustls::client::TlsStream<Bounded<TcpStream>>>);

impl TlsStream for Session {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Session {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Session {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::SecretString;
    use tokio::io::AsyncReadExt as _;

    use super::super::super::api::ErrorKind;
    use super::super::super::sql::Login;
    use super::over;

    fn login() -> Login {
        Login { database: "shop".into(), user: "shop".into(), password: Some(SecretString::from("open-sesame-4411")) }
    }

    #[tokio::test]
    async fn what_is_no_question_is_never_sent() {
        for sql in ["drop table orders", "  update orders set id = 1", "-- select", "set default_transaction_read_only = off", ""] {
            let (mine, mut theirs) = tokio::io::duplex(1024);
            let why = over(mine, &login(), sql, Duration::from_secs(5)).await.expect_err(sql);
            assert_eq!((why.kind, why.here), (ErrorKind::Invalid, true), "{sql}: {why:?}");
            let mut sent = Vec::new();
            theirs.read_to_end(&mut sent).await.expect("closed");
            assert_eq!(sent, Vec::<u8>::new(), "{sql}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_silent_or_no_database_is_no_answer() {
        let (mine, theirs) = tokio::io::duplex(1024);
        let why = over(mine, &login(), "select 1", Duration::from_millis(20)).await.expect_err("silence");
        assert_eq!((why.kind, why.here), (ErrorKind::Timeout, false), "{why:?}");
        drop(theirs);
        let (mine, theirs) = tokio::io::duplex(1024);
        drop(theirs);
        let why = over(mine, &login(), "select 1", Duration::from_secs(5)).await.expect_err("closed");
        assert!(!why.here && !format!("{why:?} {:?}", login()).contains("4411"), "{why:?}");
    }
}
