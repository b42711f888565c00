//! The driver for endpoints beside the target, made when somebody first asks one.
//!
//! Owns when that is, and on which thread: it reads every certificate that this machine trusts, which neither the first frame nor a
//! thread that others share waits for. What goes over it is the driver's.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::sync::OnceCell;

use crate::target::api::ErrorKind;
use crate::target::net::{Net, Route, Trust};
use crate::target::probe::{Answer, Ask, NotHeard, Reach};

/// How long the certificates may take to be read.
const WITHIN: Duration = Duration::from_secs(10);

/// The driver, once it was asked for.
#[derive(Debug, Default)]
pub struct Outside(OnceCell<Net>);

impl Outside {
    /// The driver. Fails only where the TLS library cannot be set up at all.
    pub async fn net(&self) -> Result<&Net, NotHeard> {
        self.0.get_or_try_init(made).await
    }
}

async fn made() -> Result<Net, NotHeard> {
    let failed = |kind, message: String| Err(NotHeard { kind, message, here: true });
    let making = tokio::task::spawn_blocking(|| Net::new(&Trust::System, Route::Environment));
    match tokio::time::timeout(WITHIN, making).await {
        Ok(Ok(net)) => net,
        Ok(Err(why)) => failed(ErrorKind::Tls, why.to_string()),
        Err(_) => failed(ErrorKind::Timeout, format!("the certificates of this machine were not read within {} s", WITHIN.as_secs())),
    }
}

impl Reach for Outside {
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer> {
        async move {
            match self.net().await {
                Ok(net) => net.ask(ask).await,
                Err(why) => Answer { took: Duration::ZERO, heard: Err(why) },
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Outside;
    use crate::target::probe::{Ask, Reach as _, Way};

    #[tokio::test]
    async fn nothing_is_read_before_somebody_asks_and_all_is_read_once() {
        let outside = Outside::default();
        assert!(outside.0.get().is_none(), "a console that asks nothing reads no certificate");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let ask = Ask { way: Way::Tcp { host: "127.0.0.1".into(), port }, timeout: Duration::from_secs(5) };
        assert!(outside.ask(&ask).await.heard.is_ok());
        let first: *const _ = outside.net().await.expect("a driver");
        assert_eq!(first, std::ptr::from_ref(outside.net().await.expect("a driver")));
    }
}
