//! Everything in one process.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use st2_daemons::{Main, Selection, St2dFlags, exit, main_of, native_plugins, print_completion};

fn main() -> ExitCode {
    if let Some(code) = native_plugins().run_if_asked(std::env::args_os()) {
        return code;
    }
    let flags = St2dFlags::parse();
    if let Some(shell) = flags.shell_completion {
        return print_completion(St2dFlags::command(), shell);
    }
    let selection = Selection { http: true, engines: true, sensors: !flags.without_sensors };
    let (common, demo) = (flags.common.clone(), flags.demo);
    let add_flags = Box::new(move |raw: &mut _| flags.add_to(raw));
    exit(main_of(Main { common, add_flags, selection, is_companion: false, demo }))
}
