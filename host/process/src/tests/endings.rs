//! Every way a process can end, and what must be gone afterwards.

use super::*;

#[tokio::test]
async fn terminate_gives_time_to_clean_up() {
    let (spec, captured) =
        shell("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done");
    let mut process = spawn(spec).await.unwrap();
    wait_for_output(&mut process, &captured, "up\n").await;
    assert_eq!(process.terminate(LONG).await.unwrap(), ExitStatus::Code(3));
    assert_eq!(stdout(&captured), "up\nbye\n");
}

#[tokio::test]
async fn one_that_ignores_sigterm_is_killed_after_the_grace() {
    let (spec, captured) = shell("trap '' TERM; echo up; while :; do sleep 0.01; done");
    let mut process = spawn(spec).await.unwrap();
    wait_for_output(&mut process, &captured, "up\n").await;
    let status = process.terminate(Duration::from_millis(50)).await.unwrap();
    assert_eq!(status, ExitStatus::Signal(9));
}

#[tokio::test]
async fn a_dropped_wait_loses_no_output() {
    let (spec, captured) = shell("for n in 1 2 3 4 5 6 7 8 9; do echo $n; sleep 0.01; done");
    let mut process = spawn(spec).await.unwrap();
    let status = loop {
        // Far shorter than the run: most of these are cancelled.
        if let Ok(status) = timeout(Duration::from_millis(3), process.wait()).await {
            break status.unwrap();
        }
    };
    assert!(status.is_success());
    assert_eq!(stdout(&captured), "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    assert_eq!(process.wait().await.unwrap(), ExitStatus::Code(0), "asked again");
}

#[tokio::test]
async fn grandchildren_die_with_a_leader_that_exits() {
    let (spec, captured) = shell("sleep 1000 & echo $!; exit 0");
    assert!(run(spec).await.is_success());
    assert!(!is_alive(&stdout(&captured)));
}

#[tokio::test]
async fn grandchildren_that_left_the_session_die_too() {
    let (spec, captured) =
        shell("setsid sh -c 'echo $$; exec >&-; sleep 1000 & sleep 1000' & sleep 0.2");
    assert!(run(spec).await.is_success());
    assert!(!is_alive(&stdout(&captured)));
}

#[tokio::test]
async fn killing_reaches_a_tree_in_other_sessions() {
    let script = "setsid sh -c 'setsid env -i /bin/sleep 1000 & echo $! $$; wait' & wait";
    let (spec, captured) = shell(script);
    let mut process = spawn(spec).await.unwrap();
    wait_for_output(&mut process, &captured, "\n").await;
    assert_eq!(process.kill().await.unwrap(), ExitStatus::Signal(9));
    let pids = stdout(&captured);
    for pid in pids.split_whitespace() {
        until("the tree is dead", || !is_alive(pid)).await;
    }
}

#[tokio::test]
async fn kept_leftovers_live_until_they_are_killed() {
    let (mut spec, captured) = shell("sleep 1000 > /dev/null 2>&1 & echo $!");
    spec.leftovers = Leftovers::Keep { drain: None };
    assert!(run(spec).await.is_success());
    let pid = stdout(&captured);
    assert!(is_alive(&pid));
    let killed = nix::unistd::Pid::from_raw(pid.trim().parse().unwrap());
    nix::sys::signal::kill(killed, nix::sys::signal::Signal::SIGKILL).unwrap();
    // It was handed to this process, which nobody told about it: it must not stay a zombie.
    until("the orphan is reaped", || procfs::stat(killed).is_none()).await;
}

#[tokio::test]
async fn kept_leftovers_that_hold_the_output_are_drained_or_given_up() {
    let (mut spec, captured) = shell("(sleep 0.1; echo late) & echo early");
    spec.leftovers = Leftovers::Keep { drain: None };
    assert!(run(spec).await.is_success());
    assert_eq!(stdout(&captured), "early\nlate\n");

    let (mut spec, captured) = shell("sleep 1000 & echo $!");
    spec.leftovers = Leftovers::Keep { drain: Some(Duration::from_millis(20)) };
    let mut process = spawn(spec).await.unwrap();
    assert!(timeout(LONG, process.wait()).await.unwrap().unwrap().is_success());
    let pid = nix::unistd::Pid::from_raw(stdout(&captured).trim().parse().unwrap());
    assert!(is_alive(&pid.to_string()));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn dropping_the_handle_ends_everything() {
    let (spec, captured) = shell("setsid sleep 1000 & echo $! $$; sleep 1000");
    let mut process = spawn(spec).await.unwrap();
    wait_for_output(&mut process, &captured, "\n").await;
    drop(process);
    let pids = stdout(&captured);
    for pid in pids.split_whitespace() {
        let pid = nix::unistd::Pid::from_raw(pid.parse().unwrap());
        until("the dropped process is reaped", || procfs::stat(pid).is_none()).await;
    }
}

#[tokio::test]
async fn control_works_from_elsewhere_and_not_after_the_end() {
    let (spec, _) = shell("sleep 1000");
    let mut process = spawn(spec).await.unwrap();
    let control = process.control();
    let killer = tokio::task::spawn_blocking(move || control.kill());
    assert_eq!(timeout(LONG, process.wait()).await.unwrap().unwrap(), ExitStatus::Signal(9));
    killer.await.unwrap();
    process.control().kill();
    assert_eq!(process.terminate(LONG).await.unwrap(), ExitStatus::Signal(9));
}

async fn wait_for_output(process: &mut Process, captured: &Captured, suffix: &str) {
    let seen = async {
        while !stdout(captured).ends_with(suffix) {
            // Cancelled again and again: waiting is what moves the output.
            drop(timeout(Duration::from_millis(5), process.wait()).await);
        }
    };
    assert!(timeout(LONG, seen).await.is_ok(), "no output: {:?}", stdout(captured));
}

/// Not a test: becomes a host that starts a process and is killed with it.
#[tokio::test]
async fn doomed_host() {
    if std::env::var_os("DOOMED_HOST").is_none() {
        return;
    }
    let (spec, captured) = shell("setsid sleep 1000 & echo $$ $!; wait");
    let mut process = spawn(spec).await.unwrap();
    wait_for_output(&mut process, &captured, "\n").await;
    println!("pids: {}", stdout(&captured).trim());
    drop(process.wait().await);
}

#[tokio::test]
async fn processes_die_with_their_host_and_the_rest_when_the_next_host_starts() {
    let (mut spec, captured) = shell("");
    let exe = std::env::current_exe().unwrap().into_os_string();
    spec.argv = vec![exe];
    spec.argv.extend(["tests::endings::doomed_host", "--exact", "--nocapture"].map(Into::into));
    spec.set_env("DOOMED_HOST", "1");
    // As far as this process is concerned, what the other host started may live on.
    spec.leftovers = Leftovers::Keep { drain: Some(Duration::ZERO) };
    let mut host = spawn(spec).await.unwrap();
    let mut pids = async || loop {
        drop(timeout(Duration::from_millis(5), host.wait()).await);
        if let Some((_, rest)) = stdout(&captured).split_once("pids: ")
            && let Some((pids, _)) = rest.split_once('\n')
        {
            return pids.to_owned();
        }
    };
    let pids = timeout(LONG, pids()).await.unwrap();
    let (leader, escaped) = pids.split_once(' ').unwrap();
    assert!(is_alive(leader) && is_alive(escaped));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(host.pid()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    assert_eq!(timeout(LONG, host.wait()).await.unwrap().unwrap(), ExitStatus::Signal(9));
    until("the leader dies with its host", || !is_alive(leader)).await;
    assert!(is_alive(escaped));
    // What the first process of the next host does.
    assert!(crate::reclaim::reclaim() >= 1);
    until("the next host ends the rest", || !is_alive(escaped)).await;
}

/// Not a test: becomes a host that ends in good order.
#[tokio::test]
async fn orderly_host() {
    if std::env::var_os("ORDERLY_HOST").is_none() {
        return;
    }
    let started = |script: &str, leftovers: Leftovers| {
        let (mut spec, captured) = shell(script);
        spec.leftovers = leftovers;
        (spec, captured)
    };
    let (spec, captured) = started("setsid sleep 1000 & echo $$ $!; wait", Leftovers::Kill);
    let mut owned = spawn(spec).await.unwrap();
    wait_for_output(&mut owned, &captured, "\n").await;
    let kept = Leftovers::Keep { drain: Some(Duration::ZERO) };
    let (spec, server) = started("setsid sleep 1000 > /dev/null & echo $!", kept);
    assert!(run(spec).await.is_success());
    let owner = async { owned.wait().await.unwrap() };
    let ((), status) = tokio::join!(end_all(LONG), owner);
    println!("pids: {} {} {status}", stdout(&captured).trim(), stdout(&server).trim());
}

#[tokio::test]
async fn a_host_that_ends_in_good_order_keeps_only_what_is_to_be_kept() {
    let exe = std::env::current_exe().unwrap().into_os_string();
    let (mut spec, captured) = shell("");
    spec.argv = vec![exe];
    spec.argv.extend(["tests::endings::orderly_host", "--exact", "--nocapture"].map(Into::into));
    spec.set_env("ORDERLY_HOST", "1");
    spec.leftovers = Leftovers::Keep { drain: Some(Duration::ZERO) };
    assert!(run(spec).await.is_success());
    let text = stdout(&captured);
    let (_, rest) = text.split_once("pids: ").unwrap();
    let words: Vec<_> = rest.split_whitespace().take(5).collect();
    let [leader, escaped, server, "signal", "SIGTERM"] = words[..] else { panic!("{words:?}") };
    assert!(!is_alive(leader) && !is_alive(escaped));
    assert!(is_alive(server));
    let server = nix::unistd::Pid::from_raw(server.parse().unwrap());
    nix::sys::signal::kill(server, nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[tokio::test(start_paused = true)]
async fn processes_run_in_real_time_also_where_time_is_simulated() {
    let (spec, captured) = shell("sleep 0.05; sleep 1000 & echo done");
    let mut process = spawn(spec).await.unwrap();
    assert!(process.wait().await.unwrap().is_success());
    assert_eq!(stdout(&captured), "done\n");
}
