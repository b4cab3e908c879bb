//! Starting a command and ending it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use st2_process::{Leftovers, Process, Spec, Stdin, spawn};
use st2_runner::{Outcome, Output, RunContext};
use zeroize::Zeroizing;

use crate::ShellConfig;
use crate::args::arguments;
use crate::capture::Capture;
use crate::command::{RunAs, script};
use crate::outcome::{End, outcome};
use crate::secrets::Secrets;
use crate::worktree::Worktree;

/// How long a killed process may take to go away before it is left to the warden.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn run(config: &ShellConfig, mut context: RunContext) -> Result<Outcome, String> {
    let version = text(&context, "content_version").filter(|version| !version.is_empty());
    let Some(version) = version else {
        return run_installed(config, context).await;
    };
    let is_kept = context.runner_parameter("debug") == Some(&Value::Bool(true));
    let worktree = Worktree::add(&context, version, is_kept).await?;
    context.pack_dir = Some(worktree.dir().to_owned());
    let outcome = run_installed(config, context).await;
    worktree.remove().await;
    outcome
}

async fn run_installed(config: &ShellConfig, mut context: RunContext) -> Result<Outcome, String> {
    let output = std::mem::replace(&mut context.output, Output::discard());
    let command = command_of(&context)?;
    let password = text(&context, "sudo_password").filter(|password| !password.is_empty());
    let run_as = RunAs {
        sudo: context.runner_parameter("sudo") == Some(&Value::Bool(true)),
        with_password: password.is_some(),
        system_user: &config.system_user,
        process_user: &config.process_user,
    };
    let capture = Capture::new(output, Secrets::of(&context), config.output_bytes_max);
    let mut spec = Spec::new(["/bin/sh", "-c", &run_as.shell_text(&command)]);
    spec.env = environment(&context)?;
    spec.cwd = Some(working_directory(&context)?);
    spec.leftovers = Leftovers::Keep { drain: None };
    if let Some(password) = password.filter(|_| run_as.needs_sudo()) {
        let line = Zeroizing::new(format!("{password}\n").into_bytes());
        spec.stdin = Stdin::Bytes(line);
    }
    let sink = capture.clone();
    let spec = spec.on_output(move |stream, chunk| sink.push(stream, chunk));
    let process = spawn(spec).await.map_err(|error| chain(&error))?;
    let end = until_end(process, &context).await?;
    let (stdout, stderr) = capture.finish();
    let sudo_user = run_as.needs_sudo().then_some(config.system_user.as_str());
    Ok(outcome(&end, &stdout, &stderr, sudo_user))
}

/// Waits for the end of a command, and brings it about when it is time.
async fn until_end(mut process: Process, context: &RunContext) -> Result<End, String> {
    let too_long = async {
        match context.timeout() {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    let end = tokio::select! {
        biased;
        exited = process.wait() => {
            return exited.map(End::Exited).map_err(|error| chain(&error));
        }
        () = context.cancel.cancelled() => End::Canceled,
        () = too_long => End::TimedOut(
            context.runner_parameter("timeout").map(Value::to_string).unwrap_or_default(),
        ),
    };
    let patience = context.grace + KILL_PATIENCE;
    match tokio::time::timeout(patience, process.terminate(context.grace)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(reason = chain(&error), "a command could not be ended"),
        // Dropping it kills it once more and has it reaped when it is gone.
        Err(_) => tracing::warn!(pid = process.pid(), "a killed command does not go away"),
    }
    Ok(end)
}

fn command_of(context: &RunContext) -> Result<String, String> {
    let entry_point = context.content.action.entry_point.as_str();
    if context.content.runner.name == "local-shell-cmd" {
        if !entry_point.is_empty() {
            return Err("entry_point is only valid for local-shell-script runner".to_owned());
        }
        return Ok(text(context, "cmd").unwrap_or_default().to_owned());
    }
    if entry_point.is_empty() {
        return Err("Missing entry_point action metadata attribute".to_owned());
    }
    let pack = context.content.action.reference.pack();
    let path = context
        .entry_point()
        .ok_or_else(|| format!("the pack \"{pack}\" is not installed on this worker"))?;
    if !path.is_file() {
        let path = path.display();
        return Err(format!("entry_point: {path} does not exist or is no file"));
    }
    make_executable(&path);
    let arguments = arguments(
        &context.content.action.parameters,
        &context.action_parameters,
        text(context, "kwarg_op").unwrap_or("--"),
    );
    Ok(script(&path.to_string_lossy(), &arguments))
}

/// Packs come with scripts that nobody marked as such. A read-only file system is no error: the
/// script may be executable already, and says so if it is not.
fn make_executable(path: &Path) {
    let Ok(metadata) = std::fs::metadata(path) else {
        return;
    };
    let mut permissions = metadata.permissions();
    let mode = permissions.mode();
    if mode & 0o111 == 0o111 {
        return;
    }
    permissions.set_mode(mode | 0o111);
    if let Err(error) = std::fs::set_permissions(path, permissions) {
        tracing::debug!(path = %path.display(), %error, "script not made executable");
    }
}

fn working_directory(context: &RunContext) -> Result<PathBuf, String> {
    match text(context, "cwd").filter(|cwd| !cwd.is_empty()) {
        Some(cwd) => Ok(PathBuf::from(cwd)),
        None => std::env::current_dir()
            .map_err(|error| format!("the worker has no working directory: {error}")),
    }
}

/// Later wins: the worker's own environment, the parameter `env`, the variables of the contract.
fn environment(
    context: &RunContext,
) -> Result<Vec<(std::ffi::OsString, std::ffi::OsString)>, String> {
    let mut env: std::collections::BTreeMap<_, _> = std::env::vars_os().collect();
    match context.runner_parameter("env") {
        None => {}
        Some(Value::Object(variables)) => {
            for (name, value) in variables {
                let value = value
                    .as_str()
                    .ok_or_else(|| format!("env: the value of \"{name}\" has to be a string"))?;
                env.insert(name.into(), value.into());
            }
        }
        Some(_) => return Err("env: an object is expected".to_owned()),
    }
    for (name, value) in &context.env {
        env.insert(name.into(), value.into());
    }
    Ok(env.into_iter().collect())
}

fn text<'a>(context: &'a RunContext, name: &str) -> Option<&'a str> {
    context.runner_parameter(name).and_then(Value::as_str)
}

pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
