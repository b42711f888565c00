//! Looking at what a service file declares: what a database answers, whether measures are within their limits, the end of a log.
//!
//! Owns which answers are proofs and which say nothing. Whoever asks is behind [`crate::run::Probes`].

use futures_util::future::join_all;

use super::Observer;
use crate::base::text::{clean, elide};
use crate::run::declared::{ImageAsked, ImageFound, NoImage, ProbeAnswer};
use crate::run::event::Progress;
use crate::run::facts::WorkloadFacts;
use crate::run::machine::Observed;
use crate::run::ready::ready_pod_of;
use crate::run::scrub;
use crate::run::step::{Declared, Proof};
use crate::service::{Expectation, SqlCheck};
use crate::target::api::{ErrorKind, TargetError};
use crate::target::model::Kind;
use crate::target::probe::NotHeard;

/// So wide is a line that is told.
const WIDE: usize = 200;
/// So many rows of an answer are told.
const ROWS: usize = 20;

impl Observer {
    pub(super) async fn declared(&self, proof: &Proof, declared: &Declared) -> Result<Observed, TargetError> {
        match declared {
            Declared::Answers { database, checks } => Ok(self.answers(database, checks).await),
            Declared::Measures { ids, .. } => Ok(self.measures(ids).await),
            Declared::Image { image } => Ok(self.image(proof, image).await),
            Declared::Tail { container, lines } => self.tail(proof, container, *lines).await,
        }
    }

    /// Whether a database answers as expected. What is told of it follows in lines.
    async fn answers(&self, database: &str, checks: &[SqlCheck]) -> Observed {
        let mut told = Vec::new();
        for check in checks {
            // One after the other: a database is asked one question at a time.
            let rows = match self.probes.database(database, &check.sql).await {
                Ok(rows) => rows,
                Err(why) => return unanswered(&check.sql, &why),
            };
            let first = rows.first().unwrap_or(if rows.rows.is_empty() { "no row" } else { "NULL" });
            if let Some(expect) = &check.expect {
                let holds = Expectation::parse(expect).is_ok_and(|e| !rows.rows.is_empty() && e.holds(rows.first()));
                if !holds {
                    return Observed::Hopeless(format!("'{}' answers {}, and {} is expected", line(&check.sql), line(first), line(expect)));
                }
            }
            if check.show {
                let row = |row: &Vec<Option<String>>| line(&row.iter().map(|v| v.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(" | "));
                told.push(format!("{}:", line(&check.sql)));
                told.extend(rows.rows.iter().take(ROWS).map(row));
                if rows.cut || rows.rows.len() > ROWS {
                    told.push("and more".to_owned());
                }
            }
        }
        let count = checks.len();
        told.insert(0, format!("{count} answer{} of {database} as expected", if count == 1 { "" } else { "s" }));
        Observed::Proven(told.join("\n"))
    }

    /// Whether measures are within their limits.
    async fn measures(&self, ids: &[String]) -> Observed {
        let readings = join_all(ids.iter().map(|id| self.probes.measure(id))).await;
        let beyond: Vec<String> = ids.iter().zip(&readings).filter(|(_, r)| !r.is_good()).map(|(id, r)| format!("{id} {}", r.detail)).collect();
        if beyond.is_empty() {
            let all: Vec<String> = ids.iter().zip(&readings).map(|(id, r)| format!("{id} {}", r.detail)).collect();
            return Observed::Proven(all.join(", "));
        }
        let (good, of) = (ids.len() - beyond.len(), ids.len());
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let progress = Progress {
            done: Some(count(good)),
            of: Some(count(of)),
            text: format!("{good}/{of} measures within their limits"),
            details: beyond,
        };
        Observed::Waiting(progress)
    }

    /// Whether a registry has an image. What could not be asked may be heard at the next look.
    async fn image(&self, proof: &Proof, image: &str) -> Observed {
        let workload = (proof.object.kind != Kind::Namespace).then(|| proof.object.clone());
        match self.probes.image(&ImageAsked { image: image.to_owned(), workload }).await {
            Ok(ImageFound { platform: ProbeAnswer::Failed(why), .. }) | Err(NoImage::Failed(why)) => Observed::Hopeless(why),
            Ok(ImageFound { platform: ProbeAnswer::Ok(for_nodes), words, .. }) => Observed::Proven(format!("{words}, {for_nodes}")),
            Ok(ImageFound { platform: ProbeAnswer::Unknown(why), words, .. }) => Observed::Proven(format!("{words}; unknown: {why}")),
            Err(NoImage::Unknown(why)) => Observed::Unreadable(why),
        }
    }

    /// The end of the log of a ready pod, in lines.
    async fn tail(&self, proof: &Proof, container: &str, lines: u32) -> Result<Observed, TargetError> {
        let workload = WorkloadFacts::new(&proof.object, self.read.get(&proof.object, "").await?);
        let pod = ready_pod_of(&*self.read, &workload, Some(container)).await?;
        let log = self.read.log(&pod, container).await?;
        let all: Vec<&str> = log.lines().collect();
        let skip = all.len().saturating_sub(usize::try_from(lines).unwrap_or(usize::MAX));
        let mut told = vec![format!("{} of the last lines of {}", all.len() - skip, pod.name)];
        told.extend(all[skip..].iter().map(|text| line(text)));
        Ok(Observed::Proven(told.join("\n")))
    }
}

/// A text as it may be told: in one line, without control sequences and without what looks like a secret.
fn line(text: &str) -> String {
    elide(&clean(&scrub::text(text)), WIDE).into_owned()
}

/// An answer that did not come: what the database says is final, and so is that it may not be asked; the rest may pass.
fn unanswered(sql: &str, why: &NotHeard) -> Observed {
    let passes = matches!(
        why.kind,
        ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Server | ErrorKind::Garbage | ErrorKind::TooManyRequests
    );
    let text = format!("'{}': {}", line(sql), line(&why.message));
    if passes { Observed::Unreadable(text) } else { Observed::Hopeless(text) }
}
