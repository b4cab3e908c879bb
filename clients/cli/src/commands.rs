//! Which command does what; one file per family.

mod describe;
mod execution;
mod extra;
mod key;
mod login;
mod outcome;
mod pack;
mod print;
mod resource;
mod run;
mod wait;

use clap::ArgMatches;
use clap::error::Error as ParserError;
use clap_complete::Shell;

use crate::args::{self, Identity};
use crate::failure::{Failure, Outcome};
use crate::render::Look;
use crate::render::colour::Palette;
use crate::session::Session;
use crate::settings::Settings;
use crate::spec;
use crate::system::System;

/// What a command works with.
pub(crate) struct Context<'a, 's> {
    pub(crate) settings: Settings,
    pub(crate) system: &'a mut System<'s>,
    /// Whether a status tells how long it took.
    pub(crate) durations: bool,
}

impl Context<'_, '_> {
    pub(crate) async fn session(&mut self, identity: &Identity) -> Outcome<Session> {
        Session::open(identity, &self.settings, self.system).await
    }

    pub(crate) fn look(&self) -> Look {
        Look {
            palette: Palette::choose(self.system.terminal, |name| self.system.variable(name)),
            zone: self.settings.zone.clone(),
            now: (self.system.now)(),
            durations: self.durations,
            width: self.system.width(),
        }
    }

    /// Prints a text and a line break.
    pub(crate) fn say(&mut self, text: &str) -> Outcome {
        writeln!(self.system.out, "{text}")?;
        Ok(())
    }

    /// Prints a note where it cannot be taken for data.
    pub(crate) fn note(&mut self, text: &str) -> Outcome {
        self.system.out.flush()?;
        writeln!(self.system.err, "{text}")?;
        Ok(())
    }

    /// Shows at once what was printed.
    pub(crate) fn flush(&mut self) -> Outcome {
        self.system.out.flush()?;
        Ok(())
    }
}

/// Runs the chosen command.
pub(crate) async fn dispatch(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let Some((name, matches)) = matches.subcommand() else {
        return Err(Failure::Usage("a command is missing".to_owned()));
    };
    match name {
        "run" => run::run(matches, context).await,
        "execution" => execution::dispatch(matches, context).await,
        "key" => key::dispatch(matches, context).await,
        "workflow" => extra::workflow(matches, context).await,
        "auth" => login::auth(matches, context).await,
        "login" => login::login(matches, context).await,
        "logout" => login::logout(context),
        "whoami" => login::whoami(matches, context).await,
        group => match spec::find(group) {
            Some(spec) => resource::dispatch(spec, matches, context).await,
            None => Err(Failure::Usage(format!("there is no command {group}"))),
        },
    }
}

/// Prints a completion script.
pub(crate) fn completion(matches: &ArgMatches, system: &mut System<'_>) -> Outcome {
    let Some(shell) = matches.get_one::<Shell>("shell") else {
        return Err(Failure::Usage("a shell is missing".to_owned()));
    };
    let mut script = Vec::new();
    clap_complete::generate(*shell, &mut args::command(), "st2", &mut script);
    system.out.write_all(&script)?;
    Ok(())
}

/// The options of a derived command. The parser has checked them, so this fails only by our mistake.
fn options<T: clap::FromArgMatches>(matches: &ArgMatches) -> Outcome<T> {
    T::from_arg_matches(matches).map_err(|error: ParserError| Failure::Usage(error.to_string()))
}

fn texts(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches.get_many::<String>(name).map(|found| found.cloned().collect()).unwrap_or_default()
}

fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.get_one::<String>(name).cloned()
}
