//! How long it takes from the dispatch of an event to the first instruction of the action that a
//! rule asks for, and to the sensor's answer; and how many events a second come to the end of
//! their executions.
//!
//! `cargo bench -p st2-stress --bench events` prints it for SQLite on disk.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark prints, and ends when it can not run"
)]

#[path = "support/site.rs"]
mod site;

use std::collections::HashMap;

use serde_json::json;
use st2_execution::Cause;
use st2_intake::{Accepted, Intake, Occurrence};
use st2_model::{
    Execution, Object, Rule, RuleAction, RuleTypeSpec, Trigger, TriggerInstance, TriggerType,
};
use st2_ports::{Clock, Ports, SystemClock};
use st2_rulesengine::RulesEngine;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, MissedTickBehavior};

const EVENTS: usize = 2_000;
/// Far less than the machine can do, so that nothing waits for anything else.
const PAUSE: Duration = Duration::from_millis(5);
const FLOOD: usize = 20_000;
/// So many events come with one call of a sensor.
const BATCH: usize = 100;

const TRIGGER: &str = "bench.tick";

async fn rule(ports: &Ports) -> Rule {
    let kind = TRIGGER.parse().unwrap();
    let trigger_type = TriggerType {
        id: TriggerType::id_of(&kind),
        reference: kind.clone(),
        description: None,
        payload_schema: Object::new(),
        parameters_schema: Object::new(),
        tags: Vec::new(),
        metadata_file: None,
    };
    ports.repository().put(&trigger_type).await.unwrap();
    let trigger = Trigger::of(&kind, Object::new()).unwrap();
    ports.repository().put(&trigger).await.unwrap();
    let reference = "bench.rule".parse().unwrap();
    let criteria = json!({"trigger.n": {"type": "greaterthan", "pattern": -1}});
    let rule = Rule {
        id: Rule::id_of(&reference),
        reference,
        description: None,
        kind: RuleTypeSpec { reference: "standard".into(), parameters: Object::new() },
        trigger: trigger.reference.to_string(),
        criteria: criteria.as_object().cloned().unwrap(),
        action: RuleAction { reference: site::ACTION.into(), parameters: Object::new() },
        enabled: true,
        context: Object::new(),
        tags: Vec::new(),
        metadata_file: String::new(),
    };
    ports.repository().put(&rule).await.unwrap();
    rule
}

fn event(n: usize) -> Occurrence {
    let mut event = Occurrence::of(TRIGGER, json!({"n": n, "host": "localhost"}));
    event.dedupe = Some(format!("bench/{n}"));
    event
}

/// One event after the other: the time to the action, and the time to the sensor's answer.
async fn one_at_a_time(
    ports: &Ports,
    intake: &Intake,
    rule: &Rule,
    mut calls: mpsc::Receiver<site::Call>,
) {
    let mut dispatched = HashMap::new();
    let (mut to_action, mut to_answer, mut called) = (Vec::new(), Vec::new(), Vec::new());
    let mut ticks = tokio::time::interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for n in 0..EVENTS {
        ticks.tick().await;
        let (began, at) = (Instant::now(), SystemClock.now());
        let accepted = intake.dispatch(event(n)).await.unwrap();
        to_answer.push(began.elapsed());
        let Accepted::Stored(id) = accepted else { panic!("it is new") };
        let instance = ports.repository::<TriggerInstance>().get(id).await.unwrap().unwrap();
        dispatched.insert(Cause::rule(&instance.value, rule).execution_id(), (began, at));
        while let Ok(call) = calls.try_recv() {
            called.push(call);
        }
    }
    while called.len() < EVENTS {
        called.push(calls.recv().await.unwrap());
    }
    let mut steps: [Vec<Duration>; 4] = Default::default();
    for (id, called, called_at) in called {
        let (began, began_at) = dispatched[&id];
        to_action.push(called - began);
        let execution = ports.repository::<Execution>().get(id).await.unwrap().unwrap().value;
        let mut times = vec![began_at];
        times.extend(execution.log.iter().take(3).map(|change| change.timestamp));
        times.push(called_at);
        for (step, pair) in steps.iter_mut().zip(times.windows(2)) {
            step.push(pair[1].since(pair[0]));
        }
    }
    println!("event to action:  {}", site::percentiles(to_action));
    let names = ["requested", "scheduled", "claimed", "in the runner's hands"];
    for (name, step) in names.into_iter().zip(steps) {
        println!("    until {name}: {}", site::percentiles(step));
    }
    println!("event to answer:  {}", site::percentiles(to_answer));
}

async fn flood(ports: &Ports, intake: &Intake) {
    let began = Instant::now();
    for batch in 0..FLOOD / BATCH {
        let events = (0..BATCH).map(|n| event(EVENTS + batch * BATCH + n)).collect();
        for answer in intake.dispatch_all(events, None).await {
            answer.unwrap();
        }
    }
    let accepted = began.elapsed();
    site::until_completed(ports, EVENTS + FLOOD).await;
    let all = began.elapsed();
    let rate = FLOOD as f64 / all.as_secs_f64();
    println!(
        "{FLOOD} events accepted in {accepted:.2?}, their executions completed in {all:.2?}: \
         {rate:.0}/s"
    );
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (ports, _folder) = site::on_disk();
        let rule = rule(&ports).await;
        let (executions, calls) = site::engines(&ports).await;
        site::start(&ports, Box::new(RulesEngine::new(executions, "stanley".to_owned())));
        let intake = Intake::new(ports.clone(), true);
        one_at_a_time(&ports, &intake, &rule, calls).await;
        flood(&ports, &intake).await;
    });
}
