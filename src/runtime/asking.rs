//! Asking the databases that a service file declares.
//!
//! Owns the way to each: a ready pod of its workload through the API server, or its host; the password at the moment of use; whose turn
//! it is. What goes over the connection is the driver's, and what an answer means is whoever's who asked. Keeps nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, FutureExt as _, select};

use super::secrets::Vault;
use crate::base::secret;
use crate::probe::Secrets as _;
use crate::run::ready_pod;
use crate::service::{Database, DatabaseAt, Service, Workload, WorkloadKind};
use crate::target::api::{ErrorKind, TargetError};
use crate::target::kubernetes::{Client, PodProxy};
use crate::target::model::{Kind, ObjectRef};
use crate::target::net::{Net, Route, Trust, ask_over};
use crate::target::probe::{Answer, Ask, Heard, NotHeard, Reach, Way};
use crate::target::sql::{Databases, Login, Rows};

/// A question, from the first word to the server to the last row.
const WITHIN: Duration = Duration::from_secs(10);
/// The same with everything before it: whose turn it is, the password, the pod, the way there.
const ALTOGETHER: Duration = Duration::from_secs(30);
/// How long the kubelet may take to say why a connection was cut.
const REASON: Duration = Duration::from_millis(500);

/// Whose turn it is: each database of this process is asked one question at a time, whoever asks.
static TURNS: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>> = Mutex::new(BTreeMap::new());

/// Asks the databases of a service.
pub struct DatabaseAsker {
    service: String,
    databases: Vec<Database>,
    workloads: Vec<Workload>,
    vault: Vault,
    /// The target that is open at the moment.
    client: Box<dyn Fn() -> Option<Client> + Send + Sync>,
}

impl DatabaseAsker {
    /// The databases of a service, on the target that `client` gives.
    pub fn new(service: Option<&Service>, client: impl Fn() -> Option<Client> + Clone + Send + Sync + 'static) -> Self {
        Self {
            service: service.map(|s| s.id.clone()).unwrap_or_default(),
            databases: service.map(|s| s.declared.databases.clone()).unwrap_or_default(),
            workloads: service.map(|s| s.workloads.clone()).unwrap_or_default(),
            vault: Vault::new(service, client.clone()),
            client: Box::new(client),
        }
    }

    async fn asked(&self, id: &str, sql: &str, within: Duration) -> Result<Rows, NotHeard> {
        let database = self.databases.iter().find(|d| d.id == id);
        let database = database.ok_or_else(|| not_asked(ErrorKind::Invalid, format!("there is no database '{id}'")))?;
        let turn = turn(&format!("{}/{id}", self.service));
        let _turn = turn.lock().await;
        let password = match &database.password {
            Some(secret) => Some(
                self.vault
                    .fetch(secret)
                    .await
                    .map_err(|why| not_asked(ErrorKind::Invalid, format!("it was not asked: {why}")))?,
            ),
            None => None,
        };
        password.iter().for_each(secret::know);
        let login = Login { database: database.name.clone(), user: database.user.clone(), password };
        match &database.at {
            DatabaseAt::Host(host) => Net::new(&Trust::System, Route::Direct)?.ask_database(host, database.port, &login, sql, within).await,
            DatabaseAt::Workload(workload) => self.in_pod(database, workload, &login, sql, within).await,
        }
    }

    /// The question may take that long from when it is its turn; that it never was says nothing about the database.
    async fn answer(&self, id: &str, sql: &str, within: Duration) -> Result<Rows, NotHeard> {
        let answer = tokio::time::timeout(ALTOGETHER, self.asked(id, sql, within)).await;
        let late = || not_asked(ErrorKind::Timeout, format!("it was not asked within {} s", ALTOGETHER.as_secs()));
        match answer.unwrap_or_else(|_| Err(late())) {
            Ok(rows) => Ok(hidden(rows)),
            Err(why) => Err(NotHeard { message: hide(why.message), ..why }),
        }
    }

    /// Asks the server in a ready pod of the workload.
    async fn in_pod(&self, database: &Database, workload: &str, login: &Login, sql: &str, within: Duration) -> Result<Rows, NotHeard> {
        let client = (self.client)().ok_or_else(|| not_asked(ErrorKind::Unreachable, "no target is open".to_owned()))?;
        let workload = self.workloads.iter().find(|w| w.id == workload);
        let workload = workload.and_then(|w| object(w, &client)).ok_or_else(|| {
            let message = format!("the workload of the database '{}' has no pods that could be asked", database.id);
            not_asked(ErrorKind::Invalid, message)
        })?;
        let pod = ready_pod(&client, &workload, database.container.as_deref()).await.map_err(|error| of_target(&error))?;
        let mut tunnel = client.tunnel(&pod, database.port).await.map_err(|error| of_target(&error))?;
        let Some((stream, trouble)) = tunnel.take() else { return Err(not_asked(ErrorKind::Garbage, "the way to the pod is no way".to_owned())) };
        let asking = Box::pin(ask_over(stream, login, sql, within));
        match select(asking, trouble).await {
            Either::Left((Ok(rows), _)) => Ok(rows),
            // A connection that was cut: the kubelet may know why.
            Either::Left((Err(why), trouble)) if why.kind == ErrorKind::Garbage => {
                let said = tokio::time::timeout(REASON, trouble).await;
                Err(said.ok().flatten().unwrap_or(why))
            }
            Either::Left((Err(why), _)) | Either::Right((Some(why), _)) => Err(why),
            Either::Right((None, asking)) => asking.await,
        }
    }
}

impl Databases for DatabaseAsker {
    fn ask<'a>(&'a self, database: &'a str, sql: &'a str) -> BoxFuture<'a, Result<Rows, NotHeard>> {
        self.answer(database, sql, WITHIN).boxed()
    }
}

/// Pods of one target, and the databases that are asked through it.
pub struct InTarget {
    pods: PodProxy,
    databases: DatabaseAsker,
}

impl InTarget {
    /// Those of a client.
    pub fn of(client: &Client, service: Option<&Service>) -> Self {
        let own = client.clone();
        Self { pods: PodProxy::new(client.clone()), databases: DatabaseAsker::new(service, move || Some(own.clone())) }
    }
}

impl Reach for InTarget {
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer> {
        if matches!(ask.way, Way::Database { .. }) { Reach::ask(&self.databases, ask) } else { self.pods.ask(ask) }
    }
}

impl Reach for DatabaseAsker {
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer> {
        async move {
            let began = tokio::time::Instant::now();
            let heard = match &ask.way {
                Way::Database { id, sql } => self.answer(id, sql, ask.timeout.min(WITHIN)).await.map(Heard::Rows),
                _ => Err(not_asked(ErrorKind::Invalid, "only databases are asked here".to_owned())),
            };
            Answer { took: began.elapsed(), heard }
        }
        .boxed()
    }
}

fn turn(database: &str) -> Arc<tokio::sync::Mutex<()>> {
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    turns.entry(database.to_owned()).or_default().clone()
}

fn object(workload: &Workload, client: &Client) -> Option<ObjectRef> {
    let kind = match workload.kind {
        WorkloadKind::Deployment => Kind::Deployment,
        WorkloadKind::StatefulSet => Kind::StatefulSet,
        WorkloadKind::DaemonSet => Kind::DaemonSet,
        _ => return None,
    };
    let here = client.opened().namespaces.as_deref().and_then(<[String]>::first).cloned();
    Some(ObjectRef::new(kind, workload.namespace.clone().or(here)?, workload.name.as_deref()?))
}

/// What could not be asked says nothing about the database.
fn not_asked(kind: ErrorKind, message: String) -> NotHeard {
    NotHeard { kind, message, here: true }
}

fn of_target(error: &TargetError) -> NotHeard {
    not_asked(
        error.kind,
        match error.kind {
            ErrorKind::ReadOnly => "it was not asked: a read-only console opens no connection to a pod".to_owned(),
            // Who has `get` alone is refused on the connection itself.
            kind if error.message.contains("is forbidden") || (kind == ErrorKind::Forbidden && error.message.contains("connect")) => {
                "it was not asked: you may not open a connection to a pod (get and create pods/portforward)".to_owned()
            }
            _ => format!("it was not asked: {}", error.message),
        },
    )
}

fn hide(text: String) -> String {
    secret::hide(Cow::Owned(text)).into_owned()
}

fn hidden(mut rows: Rows) -> Rows {
    for value in rows.rows.iter_mut().flatten().flatten() {
        *value = hide(std::mem::take(value));
    }
    rows
}
