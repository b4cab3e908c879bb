//! The executable `st2`: hands the process over to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(st2_cli::main())
}
