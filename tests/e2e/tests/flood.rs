//! Ten thousand executions with time-outs and cancels: every one ends as it may, nothing stays.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use st2_e2e::{Client, Node, Random, Site, descriptors, pause, resident_bytes, until};
use st2_model::{Execution, ExecutionStatus as Status};
use tokio::time::Instant;

const EXECUTIONS: u64 = 10_000;
const CONNECTIONS: u64 = 8;

/// What is asked for, and how it may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Noop,
    /// Sleeps for less than a third of a second.
    Nap,
    /// Ends with a code of its own.
    Error,
    /// Sleeps for longer than it may.
    TooLong,
    /// Leaves a process behind that holds its output open, for longer than it may.
    Orphan,
    /// Leaves one that has left its session, too.
    Runaway,
    /// Does not want to be ended.
    Stubborn,
}

impl Kind {
    fn choose(random: &mut Random) -> Self {
        match random.below(10_000) {
            0..8500 => Self::Noop,
            8500..9700 => Self::Nap,
            9700..9850 => Self::Error,
            9850..9920 => Self::TooLong,
            9920..9980 => Self::Orphan,
            9980..9990 => Self::Runaway,
            _ => Self::Stubborn,
        }
    }

    fn request(self, random: &mut Random) -> (&'static str, Value) {
        let nap = random.below(300);
        let (command, timeout) = match self {
            Self::Noop => return ("core.noop", json!({})),
            Self::Nap => (format!("sleep 0.{nap:03}"), 30),
            Self::Error => (format!("exit {}", 1 + nap % 100), 30),
            Self::TooLong => ("sleep 600".to_owned(), 1),
            Self::Orphan => ("sleep 600 & sleep 0.1".to_owned(), 1),
            Self::Runaway => ("setsid sleep 600 & sleep 0.1".to_owned(), 1),
            Self::Stubborn => ("trap '' TERM INT; sleep 600; sleep 600".to_owned(), 1),
        };
        ("core.local", json!({"cmd": command, "timeout": timeout}))
    }

    /// How one that nobody canceled ends.
    fn own_end(self) -> Status {
        match self {
            Self::Noop | Self::Nap => Status::Succeeded,
            Self::Error => Status::Failed,
            Self::TooLong | Self::Orphan | Self::Runaway | Self::Stubborn => Status::Timeout,
        }
    }
}

/// An accepted request.
#[derive(Debug, Clone, Copy)]
struct Asked {
    kind: Kind,
    is_canceled: bool,
}

/// Requests a share of the executions and cancels some, at once or a little later.
fn ask(mut api: Client, seed: u64, asked: &Mutex<BTreeMap<String, Asked>>) -> Result<()> {
    let mut random = Random(seed);
    let mut to_cancel = Vec::new();
    for _ in 0..EXECUTIONS / CONNECTIONS {
        let kind = Kind::choose(&mut random);
        let (action, parameters) = kind.request(&mut random);
        let id = api.execute(action, &parameters)?;
        let is_canceled = random.below(if kind == Kind::Noop { 30 } else { 4 }) == 0;
        if is_canceled {
            to_cancel.push((id.clone(), random.below(10)));
        }
        asked.lock().ok().context("poisoned")?.insert(id, Asked { kind, is_canceled });
        for (id, wait) in &mut to_cancel {
            if *wait == 0 {
                cancel(&mut api, id)?;
            }
            *wait = wait.wrapping_sub(1);
        }
        to_cancel.retain(|(_, wait)| *wait != u64::MAX);
    }
    to_cancel.iter().try_for_each(|(id, _)| cancel(&mut api, id))
}

/// Canceling what is over already changes nothing and is no error.
fn cancel(api: &mut Client, id: &str) -> Result<()> {
    let answer = api.request("DELETE", &format!("/v1/executions/{id}"), None)?;
    ensure!(answer.status == 200, "cancel: {} {}", answer.status, answer.text());
    Ok(())
}

fn until_idle(api: &mut Client) -> Result<()> {
    until("the end of every execution", Duration::from_secs(120), || {
        let mut open = 0;
        for status in ["requested", "scheduled", "delayed", "running", "canceling"] {
            open += api.total(&format!("/v1/executions?limit=1&status={status}"))?;
        }
        pause(Duration::from_millis(50));
        Ok((open == 0).then_some(()))
    })
}

/// Lets the node open what it keeps open, so that what is counted later is what leaks.
fn warm_up(node: &Node) -> Result<Client> {
    let mut api = node.client()?;
    for _ in 0..200 {
        api.execute("core.noop", &json!({}))?;
    }
    for _ in 0..60 {
        api.execute("core.local", &json!({"cmd": "sleep 0.05"}))?;
    }
    until_idle(&mut api)?;
    Ok(api)
}

fn check(execution: &Execution, asked: Asked) {
    let log: Vec<Status> = execution.log.iter().map(|change| change.status).collect();
    assert_eq!(log.first(), Some(&Status::Requested), "{execution:?}");
    assert_eq!(log.last(), Some(&execution.status), "{execution:?}");
    for step in log.windows(2) {
        assert!(step[0].may_become(step[1]), "{step:?} in {execution:?}");
    }
    assert!(execution.end_timestamp.is_some(), "{execution:?}");
    assert!(execution.owner.is_none() && execution.due.is_none(), "{execution:?}");
    let canceled = asked.is_canceled && execution.status == Status::Canceled;
    assert!(
        canceled || execution.status == asked.kind.own_end(),
        "{asked:?} ended as {}: {execution:?}",
        execution.status
    );
}

#[test]
fn ten_thousand_executions_leave_nothing_behind() -> Result<()> {
    let site = Site::new()?;
    let node = site.node()?;
    let mut api = warm_up(&node)?;
    let idle = site.census();
    assert_eq!(idle.alive.len(), 2, "the node and its sensor: {idle:?}");
    let (descriptors_before, memory_before) =
        (descriptors(node.pid())?, resident_bytes(node.pid())?);

    let start = Instant::now();
    let asked = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for n in 0..CONNECTIONS {
            let (api, asked) = (api.again()?, &asked);
            threads.push(scope.spawn(move || ask(api, n, asked)));
        }
        threads.into_iter().try_for_each(|thread| thread.join().ok().context("a panic")?)
    })?;
    let accepted = start.elapsed();
    until_idle(&mut api)?;
    let took = start.elapsed();

    let same = until("what was there before", Duration::from_secs(20), || {
        let is_same = site.census() == idle && descriptors(node.pid())? <= descriptors_before;
        Ok(is_same.then_some(()))
    });
    same.with_context(|| {
        let now = descriptors(node.pid());
        format!("descriptors {descriptors_before}, then {now:?}; {:?}", site.census())
    })?;
    let memory = resident_bytes(node.pid())?;
    assert!(!node.log().contains("panicked"), "{}", node.log());
    let end = node.stop()?;
    assert!(!end.stderr.contains("ERROR"), "{}", end.stderr);
    site.nothing_left()?;

    let asked = asked.into_inner()?;
    assert_eq!(asked.len() as u64, EXECUTIONS);
    let mut ends: BTreeMap<(Kind, &str), u32> = BTreeMap::new();
    let mut found = 0;
    for execution in site.records()?.all::<Execution>()? {
        let Some(asked) = asked.get(&execution.id.to_string()) else { continue };
        check(&execution, *asked);
        found += 1;
        *ends.entry((asked.kind, execution.status.as_str())).or_default() += 1;
    }
    assert_eq!(found, EXECUTIONS, "every accepted one is stored");
    println!(
        "{EXECUTIONS} executions accepted in {accepted:?}, ended in {took:?}; descriptors \
         {descriptors_before}, resident bytes {memory_before} and then {memory}\n{ends:?}"
    );
    Ok(())
}
