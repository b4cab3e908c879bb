//! Options of `run` and of the sub-commands of `execution`.

use clap::Args;

use super::{Format, Identity, ListView, Widths};

// How the outcome of an execution is shown.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
#[group(id = "view", multiple = false, args = ["attr", "detail", "key", "tail"])]
pub(crate) struct ResultView {
    /// Attributes to show, dotted for nested ones; "all" for all of them
    #[arg(long, num_args = 1.., value_name = "NAME")]
    pub(crate) attr: Vec<String>,
    /// Show everything as a table
    #[arg(short, long)]
    pub(crate) detail: bool,
    /// Show only this part of the result, dotted for nested ones
    #[arg(short, long)]
    pub(crate) key: Option<String>,
    /// Follow the output while the action runs
    #[arg(long)]
    pub(crate) tail: bool,
    /// Show a workflow like any other action
    #[arg(long)]
    pub(crate) raw: bool,
    /// Insist on the tasks of a workflow
    #[arg(long)]
    pub(crate) show_tasks: bool,
    /// Levels of tasks to show, -1 for all
    #[arg(long, default_value_t = -1, allow_negative_numbers = true, value_name = "N")]
    pub(crate) depth: i64,
    /// Propose an output schema that fits the result
    #[arg(long)]
    pub(crate) with_schema: bool,
    #[command(flatten)]
    pub(crate) widths: Widths,
    #[command(flatten)]
    pub(crate) format: Format,
    /// Exit with 4 on timeout, 5 when canceled, 6 when abandoned, 7 when still pending or paused
    #[arg(long)]
    pub(crate) strict_exit: bool,
}

// `st2 run` and `st2 action execute`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Run {
    /// Reference (pack.name) or id of the action
    #[arg(value_name = "REF-OR-ID")]
    pub(crate) action: Option<String>,
    /// name=value, @name=FILE for the text of a file, or a command for the parameter cmd
    pub(crate) parameters: Vec<String>,
    /// Describe the action and its parameters; without an action, this help
    #[arg(short, long)]
    pub(crate) help: bool,
    /// Items key:value of an array become one object
    #[arg(long)]
    pub(crate) auto_dict: bool,
    /// Start after this many milliseconds
    #[arg(long, value_name = "MILLISECONDS")]
    pub(crate) delay: Option<u64>,
    /// Start a trace with this tag
    #[arg(long, alias = "trace_tag", value_name = "TAG")]
    pub(crate) trace_tag: Option<String>,
    /// Join the trace with this id
    #[arg(long, value_name = "ID")]
    pub(crate) trace_id: Option<String>,
    /// Send the environment of this shell as parameter env, without credentials
    #[arg(short = 'e', long)]
    pub(crate) inherit_env: bool,
    /// Run in the name of this user (administrators only)
    #[arg(short, long)]
    pub(crate) user: Option<String>,
    #[command(flatten)]
    pub(crate) view: ResultView,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

// `st2 execution re-run`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Rerun {
    /// The execution to repeat
    pub(crate) id: String,
    /// Parameters that differ, as for st2 run
    pub(crate) parameters: Vec<String>,
    /// Do not wait for the result
    #[arg(short = 'a', long = "async")]
    pub(crate) detached: bool,
    /// Tasks of the workflow to repeat
    #[arg(long, num_args = 1.., value_name = "TASK")]
    pub(crate) tasks: Vec<String>,
    /// Tasks among --tasks whose items are not started over
    #[arg(long, num_args = 1.., value_name = "TASK")]
    pub(crate) no_reset: Vec<String>,
    /// Items key:value of an array become one object
    #[arg(long)]
    pub(crate) auto_dict: bool,
    /// Start after this many milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pub(crate) delay: u64,
    #[command(flatten)]
    pub(crate) view: ResultView,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

// `st2 execution list`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExecutionList {
    /// Show the N newest, -1 for all
    #[arg(
        short = 'n',
        long,
        default_value_t = 50,
        allow_negative_numbers = true,
        value_name = "N"
    )]
    pub(crate) last: i64,
    /// Which end the server starts from
    #[arg(short, long, default_value = "descending", value_parser = ["asc", "desc", "ascending", "descending"])]
    pub(crate) sort: String,
    /// Only executions of this action
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only executions in this status
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Only executions of this user
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Only executions that this trigger instance caused
    #[arg(long = "trigger_instance", alias = "trigger-instance", value_name = "ID")]
    pub(crate) trigger_instance: Option<String>,
    /// Only executions started after this time, such as 2026-01-01T12:00:00.000Z (also -tg)
    #[arg(long, value_name = "TIME")]
    pub(crate) timestamp_gt: Option<String>,
    /// Only executions started before this time (also -tl)
    #[arg(long, value_name = "TIME")]
    pub(crate) timestamp_lt: Option<String>,
    /// Include the tasks of workflows
    #[arg(short = 'l', long)]
    pub(crate) showall: bool,
    #[command(flatten)]
    pub(crate) view: ListView,
}

// `st2 execution tail`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Tail {
    /// The execution; the newest one by default
    #[arg(default_value = "last")]
    pub(crate) id: String,
    /// Only output of this kind: stdout, stderr, output
    #[arg(long = "type", value_name = "KIND")]
    pub(crate) kind: Option<String>,
    #[command(flatten)]
    pub(crate) identity: Identity,
}
