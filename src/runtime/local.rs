//! A program on this machine, as a step of a run.
//!
//! Owns its surroundings: no variable but the plain ones, nothing to read from, a process group of its own that ends with its time or
//! with whoever waits for it, and the bound on what is kept of what it says. What its end means is `run`'s.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use crate::run::LocalProgram;
use crate::target::api::{Delivery, ErrorKind, TargetError};
use crate::target::kubernetes::newest;

/// Variables that it gets: none of them is a secret's.
const KEPT_VARIABLES: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SHELL"];

/// Ends a process group when it is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It is over already, where nobody is left in it.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Runs it to its end.
pub(super) async fn run(program: LocalProgram<'_>) -> Result<Value, TargetError> {
    let refused = |text: String| TargetError::new(ErrorKind::Invalid, text);
    let (name, arguments) = program.argv.split_first().ok_or_else(|| refused("no program is named".to_owned()))?;
    let mut command = tokio::process::Command::new(name);
    command
        .args(arguments)
        .env_clear()
        .envs(KEPT_VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| refused(format!("it cannot be started: {}", error.kind())))?;
    let group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let ended = tokio::time::timeout(program.within, async { tokio::join!(newest(output), newest(errors), child.wait()) }).await;
    drop(group);
    let lost = |text: String| TargetError { delivery: Delivery::MayBeDone, ..TargetError::new(ErrorKind::Timeout, text) };
    let (output, errors, status) = ended.map_err(|_| lost(format!("it did not end within {} s, and was ended", program.within.as_secs())))?;
    let status = status.map_err(|error| lost(format!("it was lost: {}", error.kind())))?;
    // Ended by a signal: no code, and so no success.
    Ok(json!({ "exit_code": status.code().unwrap_or(-1), "output": output, "errors": errors }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::run;
    use crate::run::LocalProgram;
    use crate::target::api::Delivery;
    use crate::target::kubernetes::KEPT;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    #[tokio::test]
    async fn a_program_has_no_variable_of_ours_and_its_output_is_bounded() {
        let argv = words(&["/bin/sh", "-c", "env; head -c 100000 /dev/zero | tr '\\0' x; echo the end; exit 3"]);
        let answer = run(LocalProgram { argv: &argv, within: Duration::from_secs(20) }).await.expect("ran");
        let output = answer["output"].as_str().expect("text");
        assert!(answer["exit_code"] == 3 && output.len() <= KEPT && output.ends_with("the end\n"), "{answer}");
        let argv = words(&["/usr/bin/env"]);
        let answer = run(LocalProgram { argv: &argv, within: Duration::from_secs(20) }).await.expect("ran");
        let names: Vec<&str> = answer["output"].as_str().expect("text").lines().filter_map(|line| line.split('=').next()).collect();
        assert!(names.iter().all(|name| super::KEPT_VARIABLES.contains(name)), "{names:?}");
        let argv = words(&["/no/such/program"]);
        let none = run(LocalProgram { argv: &argv, within: Duration::from_secs(20) }).await.expect_err("none");
        assert_eq!(none.delivery, Delivery::NotDone);
    }

    #[tokio::test]
    async fn its_time_ends_what_it_started_as_well() {
        // Whoever is left holds the pipe, which is how its end is seen.
        let argv = words(&["/bin/sh", "-c", "sleep 600 & sleep 600"]);
        let late = run(LocalProgram { argv: &argv, within: Duration::from_millis(200) }).await.expect_err("late");
        assert!(late.delivery == Delivery::MayBeDone && late.message.contains("was ended"), "{late:?}");
    }
}
