//! Tests with real processes: `sh`, `sleep` and friends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::*;

const LONG: Duration = Duration::from_secs(30);

mod endings;
mod plugins;
mod stress;

type Captured = Arc<Mutex<(Vec<u8>, Vec<u8>)>>;

fn shell(script: &str) -> (Spec, Captured) {
    let captured = Captured::default();
    let sink = Arc::clone(&captured);
    let spec = Spec::new(["sh", "-c", script]).on_output(move |stream, chunk| {
        let mut captured = sink.lock().unwrap();
        match stream {
            Stream::Stdout => captured.0.extend_from_slice(chunk),
            Stream::Stderr => captured.1.extend_from_slice(chunk),
        }
    });
    (spec, captured)
}

fn stdout(captured: &Captured) -> String {
    String::from_utf8(captured.lock().unwrap().0.clone()).unwrap()
}

async fn run(spec: Spec) -> ExitStatus {
    let mut process = spawn(spec).await.unwrap();
    timeout(LONG, process.wait()).await.unwrap().unwrap()
}

/// Waits for a condition of the machine that has no signal of its own.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let waited = timeout(LONG, async {
        while !condition() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "did not happen: {what}");
}

fn is_alive(pid: &str) -> bool {
    let pid = nix::unistd::Pid::from_raw(pid.trim().parse().unwrap());
    procfs::stat(pid).is_some_and(|stat| !stat.is_zombie)
}

#[tokio::test]
async fn output_input_and_exit_code_arrive() {
    let (mut spec, captured) = shell("cat; echo err >&2; exit 7");
    spec.stdin = Stdin::Bytes(b"hello".to_vec().into());
    assert_eq!(run(spec).await, ExitStatus::Code(7));
    assert_eq!(*captured.lock().unwrap(), (b"hello".to_vec(), b"err\n".to_vec()));
}

#[tokio::test]
async fn megabytes_pass_in_both_directions() {
    let (mut spec, captured) = shell("cat");
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    spec.stdin = Stdin::Bytes(bytes.clone().into());
    assert!(run(spec).await.is_success());
    assert!(captured.lock().unwrap().0 == bytes);
}

#[tokio::test]
async fn input_that_nobody_reads_is_no_error() {
    let (mut spec, _) = shell("exit 0");
    spec.stdin = Stdin::Bytes(vec![b'x'; 1 << 20].into());
    assert!(run(spec).await.is_success());
}

#[tokio::test]
async fn a_signal_is_told_apart_from_a_code() {
    let (spec, _) = shell("kill -KILL $$");
    let status = run(spec).await;
    assert_eq!(status, ExitStatus::Signal(9));
    assert_eq!((status.return_code(), status.to_string()), (-9, "signal SIGKILL".to_owned()));
}

#[tokio::test]
async fn the_environment_is_the_one_given() {
    let (mut spec, captured) = shell("env");
    spec.set_env("COLOUR", "blue");
    spec.set_env("COLOUR", "red");
    assert!(run(spec).await.is_success());
    let text = stdout(&captured);
    let mut names: Vec<_> = text.lines().map(|line| line.split('=').next().unwrap()).collect();
    names.sort_unstable();
    // PWD is the shell's own.
    assert_eq!(names, ["COLOUR", "LANG", "PATH", "PWD", "ST2_PROCESS_TAG"]);
    assert!(text.contains("COLOUR=red\n"));
}

#[tokio::test]
async fn it_leads_its_own_session_in_the_given_directory() {
    let folder = tempfile::tempdir().unwrap();
    let (mut spec, captured) = shell("cut -d' ' -f 1,5,6 /proc/$$/stat; pwd -P");
    spec.cwd = Some(folder.path().to_owned());
    assert!(run(spec).await.is_success());
    let text = stdout(&captured);
    let (ids, directory) = text.trim_end().split_once('\n').unwrap();
    let ids: Vec<_> = ids.split(' ').collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2], "pid, group, session: {ids:?}");
    assert_eq!(directory, folder.path().canonicalize().unwrap().to_str().unwrap());
}

#[tokio::test]
async fn no_descriptor_leaks_into_it() {
    let file = tempfile::tempfile().unwrap();
    // Also one that somebody forgot to mark close-on-exec.
    nix::fcntl::fcntl(&file, nix::fcntl::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    let (spec, captured) = shell("for fd in /proc/$$/fd/*; do echo ${fd##*/}; done");
    assert!(run(spec).await.is_success());
    let text = stdout(&captured);
    let extra: Vec<_> = text.lines().filter(|fd| !["0", "1", "2"].contains(fd)).collect();
    // The shell may hold one descriptor of its own.
    assert!(extra.len() <= 1, "{extra:?}");
}

#[tokio::test]
async fn inherited_descriptors_are_named_in_the_environment() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let (mut spec, _) = shell("echo through >&$CHANNEL");
    spec.argv = ["bash", "-c", "echo through >&$CHANNEL"].map(Into::into).to_vec();
    spec.inherit.push(("CHANNEL".into(), theirs.into()));
    assert!(run(spec).await.is_success());
    let mut text = String::new();
    std::io::Read::read_to_string(&mut &ours, &mut text).unwrap();
    assert_eq!(text, "through\n");
}

#[tokio::test]
async fn limits_umask_and_privileges_are_set() {
    let (mut spec, captured) = shell("ulimit -n; umask; grep NoNewPrivs /proc/self/status");
    spec.limits.open_files = Some(64);
    spec.umask = Some(0o027);
    spec.no_new_privs = true;
    assert!(run(spec).await.is_success());
    assert_eq!(stdout(&captured), "64\n0027\nNoNewPrivs:\t1\n");
}

#[tokio::test]
async fn it_becomes_the_user_asked_for() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    let (mut spec, captured) = shell("id -un");
    spec.user = Some("nobody".to_owned());
    assert!(run(spec).await.is_success());
    assert_eq!(stdout(&captured), "nobody\n");
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let missing = spawn(Spec::new(["/no/such/program"])).await.unwrap_err();
    assert!(missing.is_program_missing(), "{missing}");
    assert_eq!(missing.to_string(), "cannot start /no/such/program");

    let mut spec = Spec::new(["true"]);
    spec.cwd = Some("/no/such/folder".into());
    let error = spawn(spec).await.unwrap_err();
    assert!(matches!(error, Error::WorkingDirectory { .. }), "{error}");

    let mut spec = Spec::new(["true"]);
    spec.user = Some("no-such-user".to_owned());
    let error = spawn(spec).await.unwrap_err();
    assert_eq!(error.to_string(), "user no-such-user does not exist on this machine");

    let nothing: [&str; 0] = [];
    assert!(matches!(spawn(Spec::new(nothing)).await.unwrap_err(), Error::NoProgram));
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let mut spec = Spec::new(["tool", "--password", "s3cret"]);
    spec.set_env("TOKEN", "s3cret");
    spec.stdin = Stdin::Bytes(b"s3cret".to_vec().into());
    assert!(!format!("{spec:?}").contains("s3cret"));
}

#[test]
fn lines_are_cut_at_the_limit_and_at_line_ends() {
    let mut splitter = LineSplitter::new(5);
    let mut lines = Vec::new();
    splitter.push(b"one\r\ntw", |line| lines.push(line.to_owned()));
    splitter.push(b"o\n\n1234567\nb\xff", |line| lines.push(line.to_owned()));
    splitter.flush(|line| lines.push(line.to_owned()));
    splitter.flush(|_| unreachable!("nothing is left"));
    assert_eq!(lines, ["one", "two", "", "12345 [2 more bytes dropped]", "b\u{fffd}"]);
}
