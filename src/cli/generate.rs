//! Files made from the definitions of the command line: completions, the man page.
//!
//! Owns nothing but the call of the generators.

use clap::CommandFactory;

use super::{Cli, Exit, Failure, Printer};

/// `timonel completions SHELL`.
pub(super) fn completions(shell: clap_complete::Shell, printer: &mut Printer) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "timonel", &mut script);
    printer.raw(&script)?;
    Ok(Exit::OK)
}

/// `timonel man`: the page of the program, then one section per command.
pub(super) fn man(printer: &mut Printer) -> Result<Exit, Failure> {
    let command = Cli::command();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page).map_err(|e| Failure::internal(&e))?;
    for sub in command.get_subcommands() {
        let sub = sub.clone().display_name(format!("timonel {}", sub.get_name()));
        let man = clap_mangen::Man::new(sub);
        for part in [clap_mangen::Man::render_name_section, clap_mangen::Man::render_description_section, clap_mangen::Man::render_options_section] {
            part(&man, &mut page).map_err(|e| Failure::internal(&e))?;
        }
    }
    printer.raw(&page)?;
    Ok(Exit::OK)
}
