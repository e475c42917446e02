//! The command `apical`: arguments, terminal, exit codes. It knows no equation.

mod args;
mod board;
mod commands;
mod comparison;
mod course;
mod failure;
mod figures;
mod load;
mod progress;
mod provenance;
mod results;
mod signals;
mod slurm;
mod sweep_board;
mod sweep_told;
mod table;
mod terminal;
mod watch;

use args::Cli;
use clap::Parser;
use failure::Failure;
use std::process::ExitCode;
use terminal::Terminal;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        terminal::to_stderr(&format!("{panic}\nThis is a bug of apical; please report it with the command line.\n"));
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            // A reader that has gone away is no error of this command.
            let _ = message.print();
            return code(message.exit_code());
        }
    };
    let terminal = Terminal::new(&cli.output);
    let outcome = apical_lab::folder::ignore_file_size_signal()
        .map_err(Failure::from)
        .and_then(|()| cli.command.execute(&terminal));
    match outcome {
        Ok(exit) => code(exit),
        Err(failure) => {
            terminal.failure(&failure);
            code(failure.exit_code())
        }
    }
}

fn code(exit: i32) -> ExitCode {
    ExitCode::from(u8::try_from(exit).unwrap_or(1))
}
