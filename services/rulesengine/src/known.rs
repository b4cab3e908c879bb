//! The rules and their triggers, compiled and kept until something changes.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt;
use st2_expr::jinja::Engine;
use st2_model::{Rule, Trigger, TriggerType};
use st2_ports::{Filter, Group, Ports, Query, StoreError, Subscription, Topic};
use st2_rules::RuleSet;
use tokio::time::{Duration, Instant};

/// Rules are read anew after so long even when nobody told of a change.
const RELOAD_AFTER: Duration = Duration::from_secs(30);

/// What instances are evaluated against.
pub(crate) struct Known {
    pub(crate) rules: RuleSet,
    /// Triggers that rules name, with their types, by ref.
    pub(crate) triggers: HashMap<String, (Trigger, TriggerType)>,
}

/// Keeps [`Known`] current. A change that was stored and told before [`Keeper::current`] is called
/// is seen by it.
pub(crate) struct Keeper {
    ports: Ports,
    engine: Arc<Engine>,
    changes: Vec<Box<dyn Subscription>>,
    known: Option<Arc<Known>>,
    loaded: Instant,
}

impl Keeper {
    pub(crate) async fn new(ports: Ports) -> Result<Self, st2_ports::BusError> {
        let mut changes = Vec::new();
        for topic in [Topic::RuleChanged, Topic::TriggerChanged] {
            changes.push(ports.bus.subscribe(topic, Group::Each).await?);
        }
        let engine = Arc::new(Engine::default());
        Ok(Self { ports, engine, changes, known: None, loaded: Instant::now() })
    }

    pub(crate) async fn current(&mut self) -> Result<Arc<Known>, StoreError> {
        let mut is_stale = self.known.is_none() || self.loaded.elapsed() >= RELOAD_AFTER;
        for changes in &mut self.changes {
            while let Some(Some(delivery)) = changes.next().now_or_never() {
                delivery.ack().await;
                is_stale = true;
            }
        }
        if let Some(known) = self.known.as_ref().filter(|_| !is_stale) {
            return Ok(Arc::clone(known));
        }
        self.loaded = Instant::now();
        let known = Arc::new(load(&self.ports, Arc::clone(&self.engine)).await?);
        self.known = Some(Arc::clone(&known));
        Ok(known)
    }
}

async fn load(ports: &Ports, engine: Arc<Engine>) -> Result<Known, StoreError> {
    let query = Query::of(Filter::eq("enabled", true));
    let rules = ports.repository::<Rule>().find(&query).await?;
    let rules: Vec<Rule> = rules.into_iter().map(|rule| rule.value).collect();
    let wanted = Query::of(Filter::is_in("ref", rules.iter().map(|r| r.trigger.as_str())));
    let triggers = ports.repository::<Trigger>().find(&wanted).await?;
    let types = ports.repository::<TriggerType>();
    let mut by_ref = HashMap::new();
    for trigger in triggers {
        let trigger = trigger.value;
        if let Some(kind) = types.get(TriggerType::id_of(&trigger.kind)).await? {
            by_ref.insert(trigger.reference.to_string(), (trigger, kind.value));
        }
    }
    Ok(Known { rules: RuleSet::new(rules, engine), triggers: by_ref })
}
