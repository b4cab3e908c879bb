//! The real process: its environment, clock, terminal and streams.

use std::io::{self, BufWriter, IsTerminal, Read, Write};

use jiff::Timestamp;

use crate::app;
use crate::system::{Prompt, System};

/// Runs the command line of this process and gives its exit code.
#[must_use]
pub fn main() -> u8 {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            drop(writeln!(io::stderr(), "ERROR: cannot start: {error}"));
            return 1;
        }
    };
    let terminal = io::stdout().is_terminal();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut err = io::stderr();
    let mut system = System {
        env: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        now,
        directory: std::env::current_dir().unwrap_or_default(),
        terminal,
        columns: terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)),
        out: &mut out,
        err: &mut err,
        prompt: &mut Person,
    };
    runtime.block_on(app::run(std::env::args_os().collect(), &mut system))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge of the process is where wall-clock time comes in"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Whoever sits at the terminal.
struct Person;

impl Prompt for Person {
    fn ask(&mut self, question: &str, secret: bool) -> io::Result<String> {
        if !io::stdin().is_terminal() {
            return Err(io::Error::other("standard input is no terminal"));
        }
        if secret {
            return rpassword::prompt_password(question);
        }
        write!(io::stderr(), "{question}")?;
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn piped(&mut self) -> io::Result<String> {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        Ok(text)
    }
}
