//! `kill -9` of the node, again and again, while events come in all the time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use st2_e2e::{Node, Random, Records, Site, append, followed, pause, rule, until};
use st2_model::{
    EnforcementStatus, Execution, ExecutionStatus, InstanceStatus, RuleEnforcement, TriggerInstance,
};

const KILLS: u64 = 50;
const RULES: [&str; 2] = ["kills.noop", "kills.local"];

/// Appends numbered lines until told to stop, some in two pieces, and gives their number.
fn write_lines(file: &Path, stop: &AtomicBool) -> Result<usize> {
    let mut random = Random(1);
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let line = format!("line {count:06}\n");
        match random.below(10) {
            0 => {
                let (first, second) = line.split_at(7);
                append(file, first)?;
                pause(Duration::from_millis(random.below(20)));
                append(file, second)?;
            }
            _ => append(file, &line)?,
        }
        count += 1;
        pause(Duration::from_millis(5 + random.below(40)));
    }
    Ok(count)
}

/// Starts and kills the node; half of the time before it is ready. Gives how often it was ready.
fn kill_again_and_again(site: &Site) -> Result<u64> {
    let mut random = Random(2);
    let mut ready = 0;
    for n in 0..KILLS {
        let mut process = site.start(&site.st2d()?)?;
        if n % 2 == 0 {
            process.line("ready in ", Duration::from_secs(60))?;
            pause(Duration::from_millis(random.below(400)));
        } else {
            pause(Duration::from_millis(random.below(1000)));
        }
        if let Some(end) = process.ended()? {
            anyhow::bail!("start {n} ended by itself: {end:?}");
        }
        ready += u64::from(process.stdout().contains("ready in "));
        let log = process.log();
        ensure!(!log.contains("panicked") && !log.contains("corrupt"), "start {n}: {log}");
        process.kill()?;
    }
    Ok(ready)
}

/// Waits until every line has become an instance and every execution has ended.
fn settle(node: &Node, lines: usize) -> Result<()> {
    let mut api = node.client()?;
    let waiting = ["requested", "scheduled", "delayed", "running", "canceling"];
    until("the end of every execution", Duration::from_secs(120), || {
        let path = format!("/v1/ruleenforcements?limit=1&rule_ref={}", RULES[1]);
        let enforced = api.total(&path)?;
        let mut open = 0;
        for status in waiting {
            open += api.total(&format!("/v1/executions?limit=1&status={status}"))?;
        }
        pause(Duration::from_millis(100));
        Ok((enforced >= lines && open == 0).then_some(()))
    })
}

struct Found {
    instances: BTreeMap<String, TriggerInstance>,
    enforcements: Vec<RuleEnforcement>,
    executions: BTreeMap<String, Execution>,
}

impl Found {
    fn read(records: &Records) -> Result<Self> {
        let instances = records.all::<TriggerInstance>()?.into_iter();
        let instances = instances.filter(|instance| instance.trigger.pack() == "linux");
        let executions = records.all::<Execution>()?.into_iter();
        Ok(Self {
            instances: instances.map(|instance| (instance.id.to_string(), instance)).collect(),
            enforcements: records.all()?,
            executions: executions.map(|found| (found.id.to_string(), found)).collect(),
        })
    }

    /// Every line once, whatever its order.
    fn check_lines(&self, lines: usize) {
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        for instance in self.instances.values() {
            assert_eq!(instance.status, InstanceStatus::Processed, "{instance:?}");
            let payload = instance.payload.inline().expect("a short payload");
            *seen.entry(payload["line"].as_str().expect("a line")).or_default() += 1;
        }
        let wanted: BTreeSet<String> = (0..lines).map(|n| format!("line {n:06}")).collect();
        let missing: Vec<_> =
            wanted.iter().filter(|line| !seen.contains_key(line.as_str())).collect();
        let foreign: Vec<_> = seen.keys().filter(|line| !wanted.contains(**line)).collect();
        let doubled: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
        assert!(missing.is_empty(), "{} of {lines} lines missing: {missing:?}", missing.len());
        assert!(foreign.is_empty(), "nobody wrote {foreign:?}");
        assert!(doubled.is_empty(), "more than once: {doubled:?}");
    }

    /// One enforcement for each rule and instance, and one execution for each enforcement.
    fn check_consequences(&self) {
        let mut pairs = BTreeSet::new();
        let mut requested = BTreeSet::new();
        for enforcement in &self.enforcements {
            assert_eq!(enforcement.status, EnforcementStatus::Succeeded, "{enforcement:?}");
            let instance = enforcement.trigger_instance_id.to_string();
            assert!(self.instances.contains_key(&instance), "{enforcement:?} of nothing");
            let rule = enforcement.rule.reference.to_string();
            assert!(pairs.insert((instance, rule)), "a second one: {enforcement:?}");
            let id = enforcement.execution_id.expect("a successful one has an execution");
            assert!(requested.insert(id.to_string()), "{id} is of two enforcements");
        }
        assert_eq!(pairs.len(), self.instances.len() * RULES.len(), "enforcements");
        let executed: BTreeSet<String> = self.executions.keys().cloned().collect();
        assert_eq!(executed, requested, "executions without, or enforcements without execution");
        let mut origins = BTreeSet::new();
        for execution in self.executions.values() {
            let origin = execution.origin.as_ref().expect("a rule requested it");
            let pair = (origin.trigger_instance.to_string(), origin.rule_ref.to_string());
            assert!(origins.insert(pair), "a second one: {execution:?}");
        }
    }

    /// Every execution is over and went an allowed way.
    fn check_ends(&self) {
        for execution in self.executions.values() {
            assert!(execution.status.is_completed(), "{execution:?}");
            assert!(execution.owner.is_none() && execution.due.is_none(), "{execution:?}");
            let log: Vec<ExecutionStatus> =
                execution.log.iter().map(|change| change.status).collect();
            assert_eq!(log.last(), Some(&execution.status), "{execution:?}");
            for step in log.windows(2) {
                assert!(step[0].may_become(step[1]), "{step:?} in {execution:?}");
            }
        }
    }

    /// What the commands did: not idempotent, so each ran at most once; what succeeded did run.
    fn check_effects(&self, effects: &str) -> usize {
        let mut ran: BTreeMap<&str, u32> = BTreeMap::new();
        for line in effects.lines() {
            *ran.entry(line).or_default() += 1;
        }
        let twice: Vec<_> = ran.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "ran more than once: {twice:?}");
        for execution in self.executions.values() {
            let origin = execution.origin.as_ref().expect("a rule requested it");
            let is_local = origin.rule_ref.to_string() == RULES[1];
            if is_local && execution.status == ExecutionStatus::Succeeded {
                let payload = origin.payload.inline().expect("a short payload");
                let line = payload["line"].as_str().expect("a line");
                assert!(ran.contains_key(line), "{line} succeeded and did not run");
            }
        }
        ran.len()
    }
}

#[test]
fn fifty_kills_lose_nothing_and_do_nothing_twice() -> Result<()> {
    let site = Site::new()?;
    let (file, effects) = (site.path("watched"), site.path("effects"));
    let command = format!("echo \"$LINE\" >> {}", effects.display());
    let parameters = json!({"cmd": command, "env": {"LINE": "{{ trigger.line }}"}});
    site.pack("kills")?
        .rule(&rule("kills", "noop", &file, "core.noop", json!({})))?
        .rule(&rule("kills", "local", &file, "core.local", parameters))?;
    let mut node = site.node()?;
    followed(&mut node.client()?, 1)?;
    node.kill()?;

    let stop = AtomicBool::new(false);
    let (ready, lines) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write_lines(&file, &stop));
        let ready = kill_again_and_again(&site);
        stop.store(true, Ordering::Relaxed);
        let lines = writer.join().ok().context("the writer panicked")?;
        anyhow::Ok((ready?, lines?))
    })?;

    let node = site.node()?;
    settle(&node, lines)?;
    let census = site.census();
    assert_eq!(census.alive.len(), 2, "the node and its sensor: {census:?}");
    assert!(census.zombies.is_empty(), "{census:?}");
    node.stop()?;
    site.nothing_left()?;

    let found = Found::read(&site.records()?)?;
    found.check_lines(lines);
    found.check_consequences();
    found.check_ends();
    let ran = found.check_effects(&fs::read_to_string(&effects)?);
    let mut statuses: BTreeMap<&str, u32> = BTreeMap::new();
    for execution in found.executions.values() {
        *statuses.entry(execution.status.as_str()).or_default() += 1;
    }
    println!(
        "{KILLS} kills, {ready} of them of a node that was ready; {lines} lines, {} instances, \
         {} enforcements, {} executions {statuses:?}, {ran} commands run, none twice",
        found.instances.len(),
        found.enforcements.len(),
        found.executions.len(),
    );
    Ok(())
}
