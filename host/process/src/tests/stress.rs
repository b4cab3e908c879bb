//! Many short processes, ended in every way at random moments: nothing may be left.

use std::collections::BTreeSet;

use super::*;

const PROCESSES: u64 = 1_000;
const AT_A_TIME: u64 = 16;

/// A small generator with a fixed seed: the mix of endings is the same in every run.
struct Mix(u64);

impl Mix {
    fn next(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

#[tokio::test]
async fn a_thousand_processes_leave_nothing_behind() {
    // Opens what the first process of a host opens for good.
    assert!(run(Spec::new(["true"])).await.is_success());
    let marker = format!("STRESS={}", std::process::id());
    let descriptors = procfs::open_descriptors();
    let mut running = tokio::task::JoinSet::new();
    for number in 0..PROCESSES {
        let marker = marker.clone();
        running.spawn(async move { one(number, &marker).await });
        while running.len() as u64 >= AT_A_TIME {
            running.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    until("no process with our marker is left", || marked(&marker).is_empty()).await;
    until("no descriptor is left", || procfs::open_descriptors() <= descriptors + OTHERS).await;
    until("no zombie is left", || zombies().is_empty()).await;
}

/// Other tests of this executable run at the same time and hold a few descriptors each.
const OTHERS: usize = 100;

async fn one(number: u64, marker: &str) {
    let mut mix = Mix(number);
    let scripts = [
        "exit 0",
        "echo hello",
        "sleep 0.02",
        "sleep 1000",
        "trap '' TERM; sleep 1000 & wait",
        "sleep 1000 & setsid sleep 1000 & exit 1",
        "setsid sh -c 'sleep 1000 & sleep 1000' & sleep 1000",
        "yes",
    ];
    let (mut spec, _) = shell(scripts[mix.next(scripts.len() as u64) as usize]);
    let (name, value) = marker.split_once('=').unwrap();
    spec.set_env(name, value);
    let mut process = spawn(spec).await.unwrap();
    let patience = Duration::from_millis(mix.next(30));
    if timeout(patience, process.wait()).await.is_ok() {
        return;
    }
    match mix.next(4) {
        0 => drop(process),
        1 => drop(process.kill().await.unwrap()),
        2 => drop(process.terminate(Duration::from_millis(mix.next(20))).await.unwrap()),
        _ => {
            process.control().kill();
            let status = timeout(LONG, process.wait()).await.unwrap();
            assert!(status.is_ok());
        }
    }
}

fn marked(marker: &str) -> BTreeSet<nix::unistd::Pid> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let pids = names.filter_map(|name| name.parse().ok()).map(nix::unistd::Pid::from_raw);
    let (name, value) = marker.split_once('=').unwrap();
    pids.filter(|pid| procfs::env(*pid, name).as_deref() == Some(value.as_bytes())).collect()
}

fn zombies() -> BTreeSet<nix::unistd::Pid> {
    let children = procfs::children(nix::unistd::Pid::this()).into_iter();
    children.filter(|pid| procfs::stat(*pid).is_some_and(|stat| stat.is_zombie)).collect()
}
