//! Sensors alone, all or one.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use st2_daemons::{Main, Selection, SensorFlags, exit, main_of, native_plugins, print_completion};

fn main() -> ExitCode {
    if let Some(code) = native_plugins().run_if_asked(std::env::args_os()) {
        return code;
    }
    let flags = SensorFlags::parse();
    if let Some(shell) = flags.shell_completion {
        return print_completion(SensorFlags::command(), shell);
    }
    let selection = Selection { http: false, engines: false, sensors: true };
    let common = flags.common.clone();
    let add_flags = Box::new(move |raw: &mut _| flags.add_to(raw));
    exit(main_of(Main { common, add_flags, selection, is_companion: true, demo: None }))
}
