//! The tree of commands.

use clap::{Arg, ArgAction, Args, Command, value_parser};
use clap_complete::Shell;

use super::{
    ApiKeyCreate, Attributes, AuthArgs, CloneAction, ExecutionList, Format, Global, Identity,
    Inspect, KeyGet, KeyList, KeyLoad, KeySet, ListView, LoginArgs, Lookup, PackInstall,
    PackRegister, Rerun, Respond, ResultView, Run, Sentence, Tail,
};
use crate::spec::{self, Filter, Spec, Verb};

const OVERVIEW: &str = "\
Getting started:
  st2 login USER                        log in once, further commands use the login
  st2 action list --pack=core           what can be run
  st2 run core.local -h                 what an action takes
  st2 run core.local -- uname -a        run it and wait for the result
  st2 execution list -n 10              what ran lately
  st2 execution get ID                  the whole story of one execution

Settings come from the command line, then ~/.st2/config, then the environment (ST2_API_URL,
ST2_AUTH_URL, ST2_BASE_URL, ST2_AUTH_TOKEN, ST2_API_KEY). `st2 COMMAND --help` explains each command.";

const RUN_HELP: &str = "\
Parameters:
  name=value       read by the declared type of the parameter
  list=a,b,c       an array of texts; list='[1, 2]' is read as JSON
  object=k=v,x=y   an object of texts; object='{\"k\": 1}' is read as JSON
  @name=FILE       the text of a file
  -- some command  all that has no name goes to the parameter cmd

Examples:
  st2 run core.local -- ls -l /tmp
  st2 run core.http url=https://example.com method=GET
  st2 run -a examples.deploy version=1.2 hosts=web1,web2

Exit code: 0, or 1 when the action failed. See --strict-exit for more.";

const EXECUTION_HELP: &str = "\
Examples:
  st2 execution list --status failed -n 5
  st2 execution get ID -k stdout
  st2 execution tail                    follow the newest";

const KEY_HELP: &str = "\
Examples:
  st2 key set api_url https://example.com
  st2 key set -e api_password -         from standard input, encrypted
  st2 key get api_url";

/// The whole command line.
pub(crate) fn command() -> Command {
    let root = Command::new("st2")
        .about("Command line of StackStorm-compatible event automation")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .infer_long_args(true)
        .subcommand_required(false)
        .after_help(OVERVIEW);
    let mut root = Global::augment_args(root)
        .subcommand(run(
            "run",
            "Run an action and wait for its result",
            switch("async", Some('a'), "Do not wait for the result"),
        ))
        .subcommand(execution())
        .subcommand(key())
        .subcommand(AuthArgs::augment_args(leaf("auth", "Get a token, without logging in")))
        .subcommand(LoginArgs::augment_args(leaf(
            "login",
            "Log in; further commands use the login",
        )))
        .subcommand(leaf("logout", "Forget the login of the configured user"))
        .subcommand(Format::augment_args(leaf("whoami", "Show who is logged in, and how")))
        .subcommand(workflow())
        .subcommand(completion());
    for spec in spec::all() {
        root = root.subcommand(resource(spec));
    }
    root
}

fn group(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
}

fn leaf(name: &'static str, about: impl Into<String>) -> Command {
    Command::new(name).about(about.into()).infer_long_args(true)
}

fn run(name: &'static str, about: &'static str, own: Arg) -> Command {
    let command = leaf(name, about).disable_help_flag(true).arg(own);
    Run::augment_args(command.after_help(RUN_HELP))
}

fn switch(name: &'static str, short: Option<char>, help: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    match short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

fn execution() -> Command {
    let by_id = |command: Command| {
        Identity::augment_args(ResultView::augment_args(ids(command, "Executions, by id")))
    };
    let get = leaf("get", "Show executions with their results");
    let cancel = ids(leaf("cancel", "Stop executions"), "Executions, by id");
    let list = leaf("list", "List the newest executions, oldest of them first");
    group("execution", "What ran and what runs")
        .subcommand(ExecutionList::augment_args(list))
        .subcommand(by_id(get.arg(switch("exclude-result", Some('x'), "Leave the result out"))))
        .subcommand(Rerun::augment_args(leaf("re-run", "Run an execution's action again")))
        .subcommand(Identity::augment_args(Format::augment_args(cancel)))
        .subcommand(by_id(leaf("pause", "Pause workflows")))
        .subcommand(by_id(leaf("resume", "Let paused workflows go on")))
        .subcommand(Tail::augment_args(leaf("tail", "Follow the output of an execution")))
        .after_help(EXECUTION_HELP)
}

fn key() -> Command {
    let delete = ids(leaf("delete", "Delete items"), "Names of the items");
    let prefix = Arg::new("prefix").short('p').long("prefix").value_name("TEXT");
    let prefix = leaf("delete_by_prefix", "Delete all items whose names start alike")
        .arg(prefix.required(true).help("How the names start"));
    let load = "Store the items of a file, which is checked before the first is stored";
    group("key", "The datastore: small values that rules, actions and sensors share")
        .subcommand(KeyList::augment_args(leaf("list", "List items")))
        .subcommand(KeyGet::augment_args(leaf("get", "Show items")))
        .subcommand(KeySet::augment_args(leaf("set", "Store a value")))
        .subcommand(Identity::augment_args(delete.args(scope())))
        .subcommand(Identity::augment_args(prefix))
        .subcommand(KeyLoad::augment_args(leaf("load", load)))
        .after_help(KEY_HELP)
}

fn scope() -> [Arg; 2] {
    [
        Arg::new("scope")
            .short('s')
            .long("scope")
            .default_value("system")
            .help("Scope of the item: system or user"),
        Arg::new("user")
            .short('u')
            .long("user")
            .help("Owner of an item of scope user (administrators only)"),
    ]
}

fn completion() -> Command {
    leaf("completion", "Print the completion script of a shell")
        .arg(Arg::new("shell").required(true).value_parser(value_parser!(Shell)).help("The shell"))
        .after_help("Example:\n  st2 completion bash > /etc/bash_completion.d/st2")
}

fn resource(spec: &'static Spec) -> Command {
    let mut command = group(spec.name, spec.about)
        .subcommand(list(spec))
        .subcommand(get(spec))
        .after_help(format!("Examples:\n{}", spec.examples));
    for verb in spec.verbs {
        command = command.subcommand(change(spec, *verb));
    }
    own(spec.name).into_iter().fold(command, Command::subcommand)
}

/// Commands that only one group has.
fn own(group: &str) -> Vec<Command> {
    match group {
        "action" => vec![
            run(
                "execute",
                "Run an action; returns at once unless told to wait",
                switch("wait", None, "Wait for the result"),
            ),
            CloneAction::augment_args(leaf("clone", "Copy an action to another name or pack")),
        ],
        "action-alias" => vec![
            Sentence::augment_args(leaf("match", "Show which alias a sentence means")),
            Sentence::augment_args(leaf("execute", "Do what a sentence means")),
        ],
        "apikey" => {
            vec![ApiKeyCreate::augment_args(leaf("create", "Make a key; it is shown this once"))]
        }
        "inquiry" => vec![Respond::augment_args(leaf("respond", "Answer an inquiry"))],
        "pack" => vec![
            PackInstall::augment_args(leaf("install", "Install packs")),
            PackInstall::augment_args(leaf("remove", "Remove packs")),
            PackRegister::augment_args(leaf(
                "register",
                "Load the content of packs that are on the server's disk",
            )),
            Lookup::augment_args(leaf("show", "Show what the index knows of a pack")),
            Lookup::augment_args(leaf("search", "Look for packs in the index")),
        ],
        "trigger-instance" => vec![Identity::augment_args(
            leaf("re-emit", "Report an event once more")
                .arg(Arg::new("id").required(true).help("The trigger instance")),
        )],
        _ => Vec::new(),
    }
}

fn workflow() -> Command {
    group("workflow", "Definitions of workflows").subcommand(Inspect::augment_args(leaf(
        "inspect",
        "Show what is wrong with a definition, without running it",
    )))
}

fn list(spec: &'static Spec) -> Command {
    let mut command = leaf("list", format!("List {}", spec.many));
    for filter in spec.list.filters {
        command = command.arg(filter_arg(filter));
    }
    if spec.list.paged.is_some() {
        command = command.arg(
            Arg::new("last")
                .short('n')
                .long("last")
                .value_name("N")
                .default_value("50")
                .allow_negative_numbers(true)
                .value_parser(value_parser!(i64))
                .help("Show N of them, -1 for all"),
        );
    }
    ListView::augment_args(command)
}

fn filter_arg(filter: &'static Filter) -> Arg {
    let arg = Arg::new(filter.long).long(filter.long).help(filter.help);
    let arg = match filter.short {
        Some(short) => arg.short(short),
        None => arg,
    };
    if filter.sends.is_some() { arg.action(ArgAction::SetTrue) } else { arg.value_name("VALUE") }
}

fn get(spec: &'static Spec) -> Command {
    let about = format!("Show one or several {}", spec.many);
    let command = ids(leaf("get", about), "Reference, name or id");
    Identity::augment_args(Format::augment_args(Attributes::augment_args(command)))
}

fn ids(command: Command, help: &'static str) -> Command {
    command.arg(Arg::new("id").required(true).num_args(1..).help(help))
}

fn change(spec: &'static Spec, verb: Verb) -> Command {
    let one = || Arg::new("id").required(true).help("Reference, name or id");
    let file = || Arg::new("file").required(true).help("JSON or YAML file").value_name("FILE");
    let several = |name: &'static str, what: &str| {
        ids(leaf(name, format!("{what} {}", spec.many)), "Reference, name or id")
    };
    let command = match verb {
        Verb::Create => {
            leaf("create", format!("Create one of the {} from a file", spec.many)).arg(file())
        }
        Verb::Update => leaf("update", "Replace one by what a file says").arg(one()).arg(file()),
        Verb::Delete if spec.name == "action" => {
            let help = "Remove the files from the server's disk too";
            several("delete", "Delete").arg(switch("remove-files", Some('r'), help))
        }
        Verb::Delete => several("delete", "Delete"),
        Verb::Enable => several("enable", "Enable"),
        Verb::Disable => several("disable", "Disable"),
    };
    Identity::augment_args(Format::augment_args(command))
}
