//! The engine on ports in memory: what it does with instances, told of or left behind.

use serde_json::{Value, json};
use st2_execution::Settings;
use st2_model::{
    Action, EnforcementStatus, Execution, InstanceStatus, Notify, Object, Payload, ResourceRef,
    Rule, RuleAction, RuleEnforcement, RuleTypeSpec, RunnerType, Trigger, TriggerInstance,
    TriggerType,
};
use st2_ports::{Filter, Health, Ports, RoutineKind, Wake};

use super::*;

fn object(value: Value) -> Object {
    value.as_object().cloned().expect("an object")
}

/// Ports with the action `core.noop`, the trigger `demo.tick` and the rule `demo.rule`.
async fn ports() -> Ports {
    let (ports, _) = st2_memory::simulated_ports(1);
    let runner = RunnerType {
        id: RunnerType::id_of("noop"),
        name: "noop".to_owned(),
        description: None,
        enabled: true,
        runner_package: "noop_runner".to_owned(),
        runner_module: "noop_runner".to_owned(),
        runner_parameters: Object::new(),
        output_key: None,
        output_schema: Object::new(),
    };
    ports.repository().put(&runner).await.expect("stored");
    let reference: ResourceRef = "core.noop".parse().expect("a ref");
    let action = Action {
        id: Action::id_of(&reference),
        reference,
        description: None,
        enabled: true,
        runner_type: "noop".to_owned(),
        entry_point: String::new(),
        parameters: object(json!({"n": {"type": "integer"}})),
        output_schema: Object::new(),
        tags: vec![],
        notify: Notify::default(),
        metadata_file: String::new(),
        content_version: None,
        idempotent: false,
    };
    ports.repository().put(&action).await.expect("stored");
    let kind: ResourceRef = "demo.tick".parse().expect("a ref");
    let trigger_type = TriggerType {
        id: TriggerType::id_of(&kind),
        reference: kind.clone(),
        description: None,
        payload_schema: Object::new(),
        parameters_schema: Object::new(),
        tags: vec![],
        metadata_file: None,
    };
    ports.repository().put(&trigger_type).await.expect("stored");
    ports.repository().put(&Trigger::of(&kind, Object::new()).expect("one")).await.expect("stored");
    put_rule(&ports, "demo.rule", "core.noop", json!({"n": "{{ trigger.n }}"})).await;
    ports
}

async fn put_rule(ports: &Ports, reference: &str, action: &str, parameters: Value) {
    let reference: ResourceRef = reference.parse().expect("a ref");
    let rule = Rule {
        id: Rule::id_of(&reference),
        reference,
        description: None,
        kind: RuleTypeSpec { reference: "standard".to_owned(), parameters: Object::new() },
        trigger: "demo.tick".to_owned(),
        criteria: object(json!({"trigger.n": {"type": "greaterthan", "pattern": 0}})),
        action: RuleAction { reference: action.to_owned(), parameters: object(parameters) },
        enabled: true,
        context: Object::new(),
        tags: vec![],
        metadata_file: String::new(),
    };
    ports.repository().put(&rule).await.expect("stored");
    ports.bus.publish(st2_ports::Topic::RuleChanged, Wake::one(rule.id)).await.expect("bus");
}

/// Stores an instance; tells of it when `told`.
async fn dispatch(ports: &Ports, payload: Value, told: bool) -> TriggerInstance {
    let now = ports.clock.now();
    let instance = TriggerInstance {
        id: ports.ids.id(now),
        trigger: "demo.tick".parse().expect("a ref"),
        occurrence_time: now,
        payload: Payload::Inline(payload),
        status: InstanceStatus::Pending,
        trace_tag: Some("tag".to_owned()),
        epoch: None,
        dedupe: None,
        failure: None,
    };
    ports.repository().insert(&instance, None).await.expect("stored");
    if told {
        let wake = Wake::one(instance.id);
        ports.bus.publish(st2_ports::Topic::TriggerDispatched, wake).await.expect("bus");
    }
    instance
}

fn start(ports: &Ports) {
    let executions = st2_execution::Executions::new(ports.clone(), Settings::default());
    let engine = Box::new(RulesEngine::new(executions, "stanley".to_owned()));
    let context = st2_ports::ServiceContext {
        ports: ports.clone(),
        shutdown: ports.routines.shutdown(),
        health: Health::default(),
    };
    ports.routines.spawn(RoutineKind::Service, "rulesengine", async move {
        st2_ports::Service::run(engine, context).await.expect("it runs until it is stopped");
    });
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_matches_becomes_one_execution_and_one_enforcement() {
    let ports = ports().await;
    start(&ports);
    let instance = dispatch(&ports, json!({"n": 7}), true).await;
    for _ in 0..3 {
        let wake = Wake::one(instance.id);
        ports.bus.publish(st2_ports::Topic::TriggerDispatched, wake).await.expect("bus");
    }
    processed(&ports, &instance).await;
    let executions = all::<Execution>(&ports).await;
    let [execution] = executions.as_slice() else { panic!("{} executions", executions.len()) };
    assert_eq!(execution.parameters, object(json!({"n": 7})));
    assert_eq!(execution.context["rule"]["name"], "rule");
    assert_eq!(execution.context["user"], "stanley");
    assert_eq!(execution.context["trace_context"], json!({"trace_tag": "tag"}));
    assert_eq!(execution.origin.as_ref().expect("an origin").trigger_instance, instance.id);
    let enforcements = all::<RuleEnforcement>(&ports).await;
    assert_eq!(enforcements.len(), 1);
    assert_eq!(enforcements[0].execution_id, Some(execution.id));
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_does_not_match_is_processed_and_leaves_nothing() {
    let ports = ports().await;
    start(&ports);
    let instance = dispatch(&ports, json!({"n": 0}), true).await;
    processed(&ports, &instance).await;
    assert!(all::<Execution>(&ports).await.is_empty());
    assert!(all::<RuleEnforcement>(&ports).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_rule_whose_action_can_not_be_requested_leaves_the_reason() {
    let ports = ports().await;
    put_rule(&ports, "demo.rule", "core.nope", json!({})).await;
    put_rule(&ports, "demo.typed", "core.noop", json!({"n": "{{ trigger.text }}"})).await;
    start(&ports);
    let instance = dispatch(&ports, json!({"n": 1, "text": "x"}), true).await;
    processed(&ports, &instance).await;
    let mut reasons: Vec<String> = all::<RuleEnforcement>(&ports)
        .await
        .into_iter()
        .map(|enforcement| {
            assert_eq!(enforcement.status, EnforcementStatus::Failed);
            enforcement.failure_reason.expect("a reason")
        })
        .collect();
    reasons.sort();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert_eq!(reasons[0], "Action \"core.nope\" doesn't exist");
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_left_is_found_at_start_and_by_the_sweep() {
    let ports = ports().await;
    let before = dispatch(&ports, json!({"n": 1}), false).await;
    start(&ports);
    processed(&ports, &before).await;
    let lost = dispatch(&ports, json!({"n": 2}), false).await;
    processed(&ports, &lost).await;
    assert_eq!(all::<Execution>(&ports).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_rule_counts_from_the_moment_it_is_stored() {
    let ports = ports().await;
    start(&ports);
    let first = dispatch(&ports, json!({"n": 1}), true).await;
    processed(&ports, &first).await;
    put_rule(&ports, "demo.second", "core.noop", json!({})).await;
    let second = dispatch(&ports, json!({"n": 1}), true).await;
    processed(&ports, &second).await;
    let of_second = Filter::eq("origin.trigger_instance", second.id.to_string());
    let count = ports.repository::<Execution>().count(&of_second).await.expect("counted");
    assert_eq!(count, 2);
}

mod support {
    //! Waiting for outcomes.
    use super::*;
    use st2_ports::{Entity, Query};

    pub(crate) async fn all<E: Entity>(ports: &Ports) -> Vec<E> {
        let found = ports.repository::<E>().find(&Query::of(Filter::All)).await.expect("readable");
        found.into_iter().map(|found| found.value).collect()
    }

    /// Waits, in simulated time, until the instance is processed.
    pub(crate) async fn processed(ports: &Ports, instance: &TriggerInstance) {
        let instances = ports.repository::<TriggerInstance>();
        for _ in 0..1_000 {
            let found = instances.get(instance.id).await.expect("readable").expect("there").value;
            if found.status == InstanceStatus::Processed {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the instance is not processed");
    }
}
use support::{all, processed};
