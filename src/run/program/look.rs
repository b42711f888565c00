//! Steps that look and tell, and the one that runs a program here: their parts of a plan.
//!
//! Owns what each does in words, what proves it, and the level that it asks for. Nothing of it is done here.

use super::still::Piece;
use crate::base::confirmation::Confirmation;
use crate::base::duration;
use crate::base::text::clean;
use crate::run::context::{PlanContext, PlanError};
use crate::run::facts::{WorkloadFacts, items, text};
use crate::run::image::name as name_of_image;
use crate::run::scrub;
use crate::run::step::{Asking, Declared, EVENT, Exec, Fact, FieldWrite, Form, Place, Proof, Step, Work};
use crate::service::{AlarmEvent, SqlCheck};
use crate::target::api::{Command, Read};
use crate::target::model::ObjectRef;

/// What such a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Asks a database.
    Database {
        /// Its id.
        id: String,
        /// What it is asked.
        checks: Vec<SqlCheck>,
    },
    /// Waits until measures are within their limits, and stay so.
    Measures {
        /// Their ids.
        ids: Vec<String>,
        /// For so long.
        hold: std::time::Duration,
    },
    /// Asks a registry for an image.
    Image {
        /// Its name as the file has it.
        asked: String,
        /// The same by the digest that it means now; the name as it is where that is not known.
        image: String,
        /// The workload that would pull it.
        workload: Option<ObjectRef>,
    },
    /// Shows the end of a log.
    Tail {
        /// The workload.
        workload: ObjectRef,
        /// Name of the container; `None` = the first.
        container: Option<String>,
        /// So many lines.
        lines: u32,
        /// Somebody must say that they have seen it, where somebody is there.
        ack: bool,
    },
    /// Tells somebody over channels.
    Tell {
        /// Their ids.
        to: Vec<String>,
        /// What.
        text: String,
        /// What an alarm is told; `None` = as the run stands then.
        event: Option<AlarmEvent>,
    },
    /// Runs a program on this machine.
    Shell {
        /// Program and arguments.
        argv: Vec<String>,
    },
}

impl Look {
    /// What it is, for the digest of the steps.
    pub(super) fn words(&self) -> String {
        let value = match self {
            Self::Database { id, checks } => serde_json::json!(["sql-check", id, checks]),
            Self::Measures { ids, hold } => serde_json::json!(["metric-check", ids, hold.as_millis()]),
            Self::Image { image, workload, .. } => serde_json::json!(["image-check", image, workload.as_ref().map(ToString::to_string)]),
            Self::Tail { workload, container, lines, ack } => serde_json::json!(["logs", workload.to_string(), container, lines, ack]),
            // What is told is no part of what is done: it names the run and its time.
            Self::Tell { to, event: None, .. } => serde_json::json!(["notify", to]),
            Self::Tell { to, event: Some(event), .. } => serde_json::json!(["notify", to, event.word()]),
            Self::Shell { argv } => serde_json::json!(["shell", argv]),
        };
        value.to_string()
    }

    /// The part of the plan that is about it.
    pub(super) async fn piece(&self, read: &dyn Read, context: &PlanContext, home: &ObjectRef) -> Result<Piece, PlanError> {
        let within = context.prove_within;
        let prove = |id: &'static str, object: &ObjectRef, uid: String, title: String, proof: String, fact: Fact| Step {
            id: id.into(),
            title,
            proof,
            work: Work::Prove(Proof { fact, object: object.clone(), uid, within }),
        };
        Ok(match self {
            Self::Database { id, checks } => {
                let expected: Vec<String> = checks.iter().map(|c| format!("'{}' {}", short(&c.sql), expectation(c))).collect();
                let fact = Fact::Declared(Declared::Answers { database: id.clone(), checks: checks.clone() });
                let step = prove("prove-answers", home, String::new(), format!("ask the database {id}"), expected.join("; "), fact);
                Piece::still(home, vec![step])
            }
            Self::Measures { ids, hold } => {
                let names = ids.join(", ");
                let stay = if hold.is_zero() { String::new() } else { format!(", and stay so for {}", duration::show(*hold)) };
                let proof = format!("within their limits{stay}: {names}");
                let fact = Fact::Declared(Declared::Measures { ids: ids.clone(), hold: *hold });
                Piece::still(home, vec![prove("prove-measures", home, String::new(), format!("look at {names}"), proof, fact)])
            }
            Self::Image { asked, image, workload } => {
                let name = name_of_image(image)?;
                let subject = workload.as_ref().unwrap_or(home);
                let fact = Fact::Declared(Declared::Image { image: name.clone() });
                let proof = format!("the registry has {name}");
                Piece::still(
                    subject,
                    vec![prove("prove-image", subject, String::new(), format!("ask the registry for {}", short(asked)), proof, fact)],
                )
            }
            Self::Tail { workload, container, lines, ack } => {
                let facts = WorkloadFacts::new(workload, read.get(workload, "").await.map_err(|error| PlanError::of(workload, &error))?);
                let first = || items(&facts.raw, "/spec/template/spec/containers").next().map(|c| text(c, "/name"));
                let container = container.clone().or_else(first).unwrap_or_default();
                let title = format!("show the last {lines} lines of {}", workload.name);
                let fact = Fact::Declared(Declared::Tail { container, lines: *lines });
                let mut steps = vec![prove("prove-tail", workload, facts.uid(), title, "they were read".to_owned(), fact)];
                if *ack {
                    steps.push(Step {
                        id: "confirm".into(),
                        title: format!("ask whether the log of {} was seen", workload.name),
                        proof: "a person says so, where one is there".to_owned(),
                        work: Work::Ask(Asking { text: None, alone: true, unless: None }),
                    });
                }
                Piece::still(workload, steps)
            }
            Self::Tell { to, text, event } => {
                let names = to.join(", ");
                let event = event.map_or(EVENT, AlarmEvent::word).to_owned();
                let exec = exec(Place::Channels, to, vec![text.clone(), event], within);
                let step = write("tell", format!("tell {names}: {}", short(text)), format!("{names} took it (2xx)"), home, exec);
                Piece { checks: vec![crate::run::checks::read_only(context.read_only)], ..Piece::still(home, vec![step]) }
            }
            Self::Shell { argv } => {
                let exec = exec(Place::Here, &[], argv.clone(), within);
                let words = exec.words();
                let step = write("shell", format!("run '{}' on this machine", short(&words)), "exit code 0".to_owned(), home, exec);
                let freeze = crate::run::checks::freeze(context.freeze.as_deref(), false);
                Piece {
                    level: Confirmation::Phrase,
                    changes: true,
                    checks: std::iter::once(crate::run::checks::read_only(context.read_only))
                        .chain(freeze)
                        .chain(crate::run::migrate::forbidden(argv, context.environment.kind))
                        .collect(),
                    risks: vec!["what the program does is not known here, and nobody tries it before: it is proven by its exit code".to_owned()],
                    undo: "none: what a program did is taken back by hand".to_owned(),
                    same_as: vec![words],
                    ..Piece::still(home, vec![step])
                }
            }
        })
    }
}

fn expectation(check: &SqlCheck) -> String {
    check.expect.as_ref().map_or_else(|| "is answered".to_owned(), |expect| format!("answers {}", clean(expect)))
}

fn exec(place: Place, to: &[String], argv: Vec<String>, within: std::time::Duration) -> Exec {
    let reads = place == Place::Channels;
    Exec {
        command: Command { container: to.join(","), argv },
        place,
        back: None,
        reads,
        again: false,
        proven_by: Vec::new(),
        within,
    }
}

fn write(id: &'static str, title: String, proof: String, home: &ObjectRef, exec: Exec) -> Step {
    let write = FieldWrite { object: home.clone(), uid: String::new(), subresource: "", changes: Vec::new(), form: Form::Exec(exec) };
    Step { id: id.into(), title, proof, work: Work::Write(write) }
}

/// One line of a text, as it may be shown.
fn short(text: &str) -> String {
    let text = clean(&scrub::text(text)).into_owned();
    crate::base::text::elide(&text, 80).into_owned()
}
