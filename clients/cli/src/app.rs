//! From arguments to an exit code.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, FromArgMatches};

use crate::args::{self, Global};
use crate::commands::{self, Context};
use crate::failure::{Failure, Outcome};
use crate::settings::Settings;
use crate::system::System;

const CODE_USAGE: u8 = 2;
const CODE_PRINT_CONFIG: u8 = 3;
/// What a shell reports for a process that a closed pipe stopped.
const CODE_CLOSED_PIPE: u8 = 141;

/// Options of two letters behind one dash, which the parser does not know.
const LONG_SHORT: [(&str, &str); 4] = [
    ("-tg", "--timestamp-gt"),
    ("-tl", "--timestamp-lt"),
    ("-pt", "--policy-type"),
    ("-ty", "--timer-type"),
];

/// Runs one command line (`arguments` starts with the program's name) and gives the exit code.
pub async fn run(arguments: Vec<OsString>, system: &mut System<'_>) -> u8 {
    let outcome = match args::command().try_get_matches_from(rewritten(arguments)) {
        Ok(matches) => start(&matches, system).await,
        Err(error) => parser_said(&error, system),
    };
    match outcome {
        Ok(()) => match system.out.flush() {
            Ok(()) => 0,
            Err(error) => report(&Failure::Output(error), false, system),
        },
        Err(failure) => {
            let clean = system.is_clean();
            report(&failure, clean, system)
        }
    }
}

async fn start(matches: &ArgMatches, system: &mut System<'_>) -> Outcome {
    let global =
        Global::from_arg_matches(matches).map_err(|error| Failure::Usage(error.to_string()))?;
    if matches.subcommand_name().is_none() && !global.print_config {
        write!(system.err, "{}", args::command().render_long_help())?;
        return Err(Failure::Exit(CODE_USAGE));
    }
    if let Some(("completion", matches)) = matches.subcommand() {
        return commands::completion(matches, system);
    }
    let settings = Settings::read(&global, system)?;
    if global.print_config {
        write!(system.out, "{}", settings.print())?;
        system.out.flush()?;
        return Err(Failure::Exit(CODE_PRINT_CONFIG));
    }
    let mut context = Context { settings, system, durations: true };
    commands::dispatch(matches, &mut context).await
}

/// Help goes to standard output with code 0, mistakes to standard error with code 2.
fn parser_said(error: &clap::Error, system: &mut System<'_>) -> Outcome {
    let text = error.render();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            write!(system.out, "{text}")?;
            Ok(())
        }
        _ => {
            write!(system.err, "{text}")?;
            Err(Failure::Exit(CODE_USAGE))
        }
    }
}

/// One failure, one text. The old forms print it to standard output, where scripts look for it.
fn report(failure: &Failure, clean: bool, system: &mut System<'_>) -> u8 {
    if failure.is_closed_pipe() {
        return CODE_CLOSED_PIPE;
    }
    let told = match failure {
        Failure::Exit(_) => system.out.flush(),
        Failure::Usage(text) => writeln!(system.err, "error: {text}"),
        Failure::Operation(text) if !clean => {
            writeln!(system.out, "ERROR: {text}").and_then(|()| system.out.flush())
        }
        _ if clean => writeln!(system.err, "ERROR: {}", failure.explain()),
        _ => {
            writeln!(system.out, "ERROR: {}\n", failure.explain()).and_then(|()| system.out.flush())
        }
    };
    let hint = match failure {
        Failure::Api(error) if error.status() == Some(401) => {
            writeln!(system.err, "Log in with: st2 login USER")
        }
        _ => Ok(()),
    };
    match told.and(hint) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => CODE_CLOSED_PIPE,
        _ => failure.code(),
    }
}

/// Spells the two-letter options out. What follows `run`, `execute` or `--` is the action's.
fn rewritten(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut verbatim = false;
    arguments
        .into_iter()
        .map(|argument| {
            verbatim |= argument == "run" || argument == "execute" || argument == "--";
            let known = LONG_SHORT.iter().find(|(short, _)| !verbatim && argument == *short);
            known.map_or(argument, |(_, long)| OsString::from(*long))
        })
        .collect()
}
