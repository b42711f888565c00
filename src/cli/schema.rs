//! `timonel schema`: the JSON Schema of everything that is printed as JSON, and of service files.
//!
//! Owns the list of names. A schema is made from the type that is printed, so that the two cannot drift apart; service files are
//! walked and not deserialised, so theirs is kept beside their reader. Must not describe an answer by hand.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::Value;

use super::output::{Exit, Failure, Printer};
use super::{Output, approve, backups, check, doctor, export, journal, logs, migrations, releases, status};
use crate::base::problem::did_you_mean;
use crate::run::journal::{Entry, Seen};
use crate::run::{Plan, RunEvent};
use crate::service;

/// One schema. What it describes carries `timonel.NAME/1` in its field `schema`.
struct Form {
    name: &'static str,
    /// For people: what it describes.
    what: &'static str,
    source: Source,
}

/// Where a schema comes from.
enum Source {
    /// The type that is printed.
    Printed(fn() -> Schema),
    /// The text beside the reader of a file.
    Kept(&'static str),
}

const fn printed(name: &'static str, what: &'static str, of: fn() -> Schema) -> Form {
    Form { name, what, source: Source::Printed(of) }
}

/// All schemas, in the order in which they are listed.
const FORMS: [Form; 19] = [
    printed("status", "timonel status -o json", of::<status::Status>),
    printed("releases", "timonel releases -o json", of::<releases::Answer>),
    printed("backups", "timonel backups -o json", of::<backups::Answer>),
    printed("migrations", "timonel migrations -o json", of::<migrations::Answer>),
    printed("logs", "timonel logs -o json: one line of a log a line", of::<logs::LogAnswer<'_>>),
    printed("plan", "timonel plan -o json", of::<Plan>),
    printed("run", "timonel run -o json: one event a line", of::<RunEvent>),
    printed("approvals", "timonel approve -o json", of::<approve::Answer<'_>>),
    printed("runs", "timonel runs -o json", of::<journal::RunsAnswer<'_>>),
    printed("run-record", "timonel runs show -o json", of::<journal::RecordAnswer<'_>>),
    printed("journal", "a line of the journal's file", of::<Entry>),
    printed("sighting", "a line of the file of what consoles saw", of::<Seen>),
    printed("journal-list", "timonel journal -o json", of::<journal::JournalAnswer<'_>>),
    printed("journal-verify", "timonel journal verify -o json", of::<journal::VerifyAnswer<'_>>),
    printed("journal-export", "timonel journal export -o json", of::<export::Answer>),
    printed("check", "timonel check -o json", of::<check::Answer>),
    printed("doctor", "timonel doctor -o json", of::<doctor::Answer>),
    printed("schemas", "timonel schema -o json", of::<Answer>),
    Form { name: "service", what: "a service file", source: Source::Kept(service::SCHEMA) },
];

/// `timonel.schemas/1`: the list of all schemas.
#[derive(Serialize, JsonSchema)]
struct Answer {
    schema: &'static str,
    schemas: Vec<Listed>,
}

/// One of them.
#[derive(Serialize, JsonSchema)]
struct Listed {
    /// As `timonel schema NAME` takes it.
    name: &'static str,
    /// What it describes.
    what: &'static str,
}

/// `timonel schema [NAME]`.
pub(super) fn run(name: Option<&str>, printer: &mut Printer) -> Result<Exit, Failure> {
    match name {
        Some(name) => printer.value(&named(name)?)?,
        None if printer.output() == Output::Table => {
            let rows: Vec<Vec<String>> = FORMS.iter().map(|f| vec![f.name.to_owned(), f.what.to_owned()]).collect();
            printer.table(&["NAME", "DESCRIBES"], &rows)?;
        }
        None => {
            let schemas = FORMS.iter().map(|f| Listed { name: f.name, what: f.what }).collect();
            printer.value(&Answer { schema: "timonel.schemas/1", schemas })?;
        }
    }
    Ok(Exit::OK)
}

fn named(name: &str) -> Result<Value, Failure> {
    let Some(form) = FORMS.iter().find(|f| f.name == name) else {
        let names = || FORMS.iter().map(|f| f.name);
        let all = || format!("schemas: {}", names().collect::<Vec<_>>().join(", "));
        let hint = did_you_mean(name, names()).map_or_else(all, |close| format!("did you mean '{close}'?"));
        return Err(Failure::usage(format!("there is no schema '{name}'")).hint(hint));
    };
    match form.source {
        Source::Printed(of) => {
            let mut schema = of().to_value();
            let tag = format!("timonel.{}/1", form.name);
            schema["title"] = Value::from(form.what);
            schema["properties"]["schema"] = serde_json::json!({ "const": tag });
            Ok(schema)
        }
        Source::Kept(text) => serde_json::from_str(text).map_err(|e| Failure::internal(&e)),
    }
}

/// The schema of what a type is written as (not of what could be read as one).
fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

#[cfg(test)]
mod tests {
    use super::{FORMS, named};

    #[test]
    fn every_schema_is_one_of_draft_2020_12_and_names_what_it_describes() {
        for form in &FORMS {
            let schema = named(form.name).expect("a schema");
            assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{}", form.name);
            let mut compiler = boon::Compiler::new();
            compiler.add_resource("schema.json", schema.clone()).expect("a resource");
            compiler.compile("schema.json", &mut boon::Schemas::new()).unwrap_or_else(|e| panic!("{}: {e}", form.name));
            if form.name != "service" {
                assert_eq!(schema["properties"]["schema"]["const"], format!("timonel.{}/1", form.name));
                assert!(schema["required"].as_array().is_some_and(|r| r.iter().any(|k| k == "schema")), "{}", form.name);
            }
        }
    }

    #[test]
    fn what_may_be_null_must_be_there_all_the_same() {
        let schema = named("status").expect("a schema");
        for field in ["changed", "back", "health", "problems"] {
            assert!(schema["required"].as_array().is_some_and(|r| r.iter().any(|k| k == field)), "{field}");
        }
    }

    #[test]
    fn a_misspelt_name_is_wrong_usage_with_a_hint() {
        let failure = named("staus").expect_err("there is none");
        assert_eq!((failure.exit.0, failure.hint.as_deref()), (64, Some("did you mean 'status'?")));
    }
}
