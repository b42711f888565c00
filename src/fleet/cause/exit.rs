//! What an exit code means.
//!
//! Owns the table: signals as shells number them (128 + signal), the shell's own codes, and Kubernetes' reasons on top.

use crate::target::model::Termination;

/// What an exit code says, in one or two words; `None` when it says nothing that is generally known.
pub fn meaning(code: i32) -> Option<&'static str> {
    Some(match code {
        0 => "completed",
        1 => "application error",
        2 => "usage error or Go panic",
        101 => "Rust panic",
        125 => "container could not run",
        126 => "not executable",
        127 => "command not found",
        128 => "could not start",
        129 => "SIGHUP",
        130 => "SIGINT",
        131 => "SIGQUIT",
        132 => "SIGILL",
        133 => "SIGTRAP",
        134 => "SIGABRT",
        135 => "SIGBUS",
        136 => "SIGFPE",
        137 => "SIGKILL",
        139 => "SIGSEGV",
        141 => "SIGPIPE",
        143 => "SIGTERM",
        255 => "exit status out of range",
        _ => return None,
    })
}

/// `exit 137 (OOMKilled)`, `exit 143 (SIGTERM)`, `exit 3`.
///
/// A reason that says more than the code wins: `OOMKilled`, `ContainerCannotRun`, `DeadlineExceeded`.
pub fn text(end: &Termination) -> String {
    let code = if end.exit_code == 0 && end.signal != 0 { 128 + end.signal } else { end.exit_code };
    let word = match &*end.reason {
        "" | "Error" | "Completed" => meaning(code),
        reason => Some(reason),
    };
    word.map_or_else(|| format!("exit {code}"), |word| format!("exit {code} ({word})"))
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::fleet::testing::ended;
    use crate::target::model::Termination;

    #[test]
    fn exit_codes_say_what_they_mean() {
        for (code, reason, expected) in [
            (137, "OOMKilled", "exit 137 (OOMKilled)"),
            (137, "Error", "exit 137 (SIGKILL)"),
            (143, "Error", "exit 143 (SIGTERM)"),
            (139, "Error", "exit 139 (SIGSEGV)"),
            (126, "Error", "exit 126 (not executable)"),
            (127, "Error", "exit 127 (command not found)"),
            (128, "StartError", "exit 128 (StartError)"),
            (1, "Error", "exit 1 (application error)"),
            (0, "Completed", "exit 0 (completed)"),
            (42, "Error", "exit 42"),
            (1, "", "exit 1 (application error)"),
        ] {
            assert_eq!(text(&ended(code, reason)), expected);
        }
        assert_eq!(text(&Termination { signal: 9, ..ended(0, "") }), "exit 137 (SIGKILL)");
    }
}
