//! The main job before the user's eyes: a watched file, a rule, an action, a result.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use st2_execution::Executions;
use st2_model::{
    Execution, ExecutionStatus, Object, ResourceRef, Rule, RuleAction, RuleEnforcement,
    RuleTypeSpec, SensorStatus, SensorType, Timestamp, Trigger, TriggerInstance,
};
use st2_ports::{Filter, Group, Ports, Query, Subscription, Topic, Wake};

use crate::bootstrap::Installation;
use crate::flags::Demo;

const SENSOR: &str = "linux.FileWatchSensor";
const TRIGGER_TYPE: &str = "linux.file_watch.line";
const RULE: &str = "default.demo";
/// The demo gives up after so long without what it waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Shows the main job. With [`Demo::Stay`] it goes on showing until the process stops.
pub(crate) async fn show(
    installation: &Installation,
    executions: &Executions,
    then: Demo,
) -> anyhow::Result<()> {
    let ports = &installation.ports;
    let file = installation.root.join("demo.log");
    tokio::fs::OpenOptions::new().create(true).append(true).open(&file).await?;
    let mut view = View {
        executions: executions.clone(),
        triggers: ports.bus.subscribe(Topic::TriggerDispatched, Group::Each).await?,
        changes: ports.bus.subscribe(Topic::ExecutionChanged, Group::Each).await?,
        ports: ports.clone(),
        appended: None,
    };
    let trigger = load_rule(ports, &file).await?;
    say(&format!(
        "\nRule {RULE} watches {} and runs core.local for every line that is appended to it.\n\
         Append one yourself:\n\n    echo 'hello from another shell' >> {}\n",
        file.display(),
        file.display()
    ))?;
    wait_for_sensor(ports, &trigger).await?;
    let line = "hello from the demo";
    say(&format!("The demo appends: {line}"))?;
    view.appended = Some(ports.clock.now());
    append(&file, line).await?;
    tokio::time::timeout(PATIENCE, view.show_one(line))
        .await
        .context("nothing came of the line")??;
    if then == Demo::Once {
        return Ok(());
    }
    say("\nIt goes on with every line that you append; Ctrl-C stops.")?;
    view.appended = None;
    loop {
        view.show_one("").await?;
    }
}

/// Writes one line to standard output at once.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

async fn append(file: &Path, line: &str) -> anyhow::Result<()> {
    use tokio::io::AsyncWriteExt as _;
    let mut file = tokio::fs::OpenOptions::new().append(true).open(file).await?;
    file.write_all(format!("{line}\n").as_bytes()).await?;
    file.flush().await?;
    Ok(())
}

/// Returns the ref of the trigger that the rule waits for.
async fn load_rule(ports: &Ports, file: &PathBuf) -> anyhow::Result<String> {
    let kind: ResourceRef = TRIGGER_TYPE.parse()?;
    let parameters = object(json!({"file_path": file}));
    let trigger = Trigger::of(&kind, parameters)?;
    st2_content::ensure_trigger(ports, &trigger).await?;
    let reference: ResourceRef = RULE.parse()?;
    let rule = Rule {
        id: Rule::id_of(&reference),
        reference,
        description: Some("Made by st2d --demo".to_owned()),
        kind: RuleTypeSpec { reference: "standard".to_owned(), parameters: Object::new() },
        trigger: trigger.reference.to_string(),
        criteria: Object::new(),
        action: RuleAction {
            reference: "core.local".to_owned(),
            parameters: object(json!({
                "cmd": "echo \"$(hostname) saw: $LINE\"",
                "env": {"LINE": "{{ trigger.line }}"},
            })),
        },
        enabled: true,
        context: object(json!({"user": "st2admin"})),
        tags: Vec::new(),
        metadata_file: String::new(),
    };
    ports.repository().put(&rule).await?;
    ports.bus.publish(Topic::RuleChanged, Wake::one(rule.id)).await?;
    Ok(rule.trigger)
}

fn object(value: Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}

/// Waits until the sensor serves the trigger: what is appended before that is no news to it.
async fn wait_for_sensor(ports: &Ports, trigger: &str) -> anyhow::Result<()> {
    let id = SensorType::id_of(&SENSOR.parse()?);
    let statuses = ports.repository::<SensorStatus>();
    let running = async {
        loop {
            let status = statuses.get(id).await?;
            if status
                .is_some_and(|found| found.value.triggers.iter().any(|served| served == trigger))
            {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, running)
        .await
        .context("the sensor does not take the trigger over")?
}

/// Shows what happens, with the time since the line was appended.
struct View {
    ports: Ports,
    executions: Executions,
    triggers: Box<dyn Subscription>,
    changes: Box<dyn Subscription>,
    appended: Option<Timestamp>,
}

impl View {
    /// Shows one trigger instance and what follows from it. With a `line`, others are passed over.
    async fn show_one(&mut self, line: &str) -> anyhow::Result<()> {
        let (instance, seen) = self.next_instance(line).await?;
        let since = self.appended.unwrap_or(instance.occurrence_time);
        let execution = self.result_of(&instance).await?;
        let enforcement = self
            .ports
            .repository::<RuleEnforcement>()
            .find_by("execution_id", execution.id)
            .await?
            .context("the enforcement is missing")?
            .value;
        let mut events = vec![
            (instance.occurrence_time, format!("trigger   {}: {seen}", instance.trigger)),
            (enforcement.enforced_at, format!("rule      {} fired", enforcement.rule.reference)),
        ];
        let log = execution.log.iter();
        events.extend(log.map(|change| {
            (change.timestamp, format!("execution {} {}", execution.id, change.status))
        }));
        events.sort_by_key(|(time, _)| *time);
        let result = self.executions.load_result(&execution).await?.unwrap_or_default();
        let output = result.get("stdout").cloned().unwrap_or(result);
        events.push((execution.end_timestamp.unwrap_or(since), format!("result    {output}")));
        for (time, event) in events {
            let elapsed = time.since(since).as_secs_f64() * 1e3;
            say(&format!("{elapsed:>9.3} ms  {event}"))?;
        }
        Ok(())
    }

    async fn next_instance(&mut self, line: &str) -> anyhow::Result<(TriggerInstance, Value)> {
        loop {
            let delivery = self.triggers.next().await.context("the bus is closed")?;
            let ids = delivery.wake.ids.clone();
            delivery.ack().await;
            for id in ids {
                let found = self.ports.repository::<TriggerInstance>().get(&id).await?;
                let Some(instance) = found.map(|found| found.value) else { continue };
                let seen = instance.payload.inline().and_then(|payload| payload.get("line"));
                if let Some(seen) = seen.filter(|seen| line.is_empty() || *seen == line).cloned() {
                    return Ok((instance, seen));
                }
            }
        }
    }

    /// The completed execution that the demo's rule requested for `instance`.
    async fn result_of(&mut self, instance: &TriggerInstance) -> anyhow::Result<Execution> {
        let query = Query::of(
            Filter::eq("origin.trigger_instance", instance.id.to_string())
                .and(Filter::eq("origin.rule_ref", RULE)),
        );
        loop {
            let found = self.ports.repository::<Execution>().find(&query).await?;
            let done = found.into_iter().map(|found| found.value);
            if let Some(execution) =
                done.into_iter().find(|execution| ExecutionStatus::is_completed(execution.status))
            {
                return Ok(execution);
            }
            let delivery = self.changes.next().await.context("the bus is closed")?;
            delivery.ack().await;
        }
    }
}
