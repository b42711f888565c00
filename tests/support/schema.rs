//! What the program prints as JSON, held against the schemas that it prints.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

use super::sandbox::program;

/// Schemas that were asked for already, by name.
static KNOWN: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());

/// Fails unless the value is what the schema that it names says. A value that names none is somebody else's.
pub(crate) fn expect(value: &Value) {
    if let Err(why) = check(value) {
        panic!("not as its schema says: {why}\n{value:#}");
    }
}

/// Why the value is not what the schema that it names says.
pub(crate) fn check(value: &Value) -> Result<(), String> {
    let Some(name) = value["schema"].as_str() else { return Ok(()) };
    let name = name.strip_prefix("timonel.").and_then(|rest| rest.split_once('/')).map(|(name, _)| name);
    let name = name.ok_or_else(|| format!("'{}' is no name of a schema", value["schema"]))?;
    let mut compiler = boon::Compiler::new();
    // Times must be times.
    compiler.enable_format_assertions();
    compiler.add_resource("schema.json", schema(name)).map_err(|error| error.to_string())?;
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile("schema.json", &mut schemas).map_err(|error| error.to_string())?;
    schemas.validate(value, index).map_err(|error| format!("{error:#}"))
}

/// A schema of the program under test.
pub(crate) fn schema(name: &str) -> Value {
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    known.entry(name.to_owned()).or_insert_with(|| printed(name)).clone()
}

fn printed(name: &str) -> Value {
    let output = Command::new(program()).args(["schema", name]).env_clear().output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("the schema '{name}' is no JSON: {error}"))
}
