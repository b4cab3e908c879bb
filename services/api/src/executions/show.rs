//! From the record of an execution to what clients see: snapshots put in their places, secrets
//! masked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde_json::Value;
use st2_execution::{Content, load_payload};
use st2_http::Fault;
use st2_model::{Digest, Execution, Id, MASK, Object, Payload, RuleOrigin, Snapshot, kinds};
use st2_ports::{Filter, Order, Ports, Query};
use st2_wire::execution::{OriginParts, Parts, origin_instance};
use st2_wire::{content, execution};

use crate::Api;
use crate::projection::Projection;

/// How many snapshots of rules, triggers and trigger types are kept in memory.
const ORIGINS_MAX: usize = 2_000;
/// How a sealed parameter stands in the store.
const SEALED: &str = "$sealed";

/// What of an execution is to be shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    /// The members.
    pub(crate) projection: Projection,
    /// Whether secrets are shown.
    pub(crate) show_secrets: bool,
    /// A larger result is left out.
    pub(crate) result_bytes_max: Option<u64>,
}

/// What rule-born executions came from, as clients see it, by digests of snapshots.
#[derive(Default)]
pub(crate) struct Origins(Mutex<HashMap<Vec<Digest>, Arc<Value>>>);

impl Origins {
    fn get(&self, key: &[Digest]) -> Option<Arc<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: Vec<Digest>, value: &Arc<Value>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= ORIGINS_MAX {
            kept.clear();
        }
        kept.insert(key, Arc::clone(value));
    }
}

impl Api {
    /// One execution, as `wish` says.
    pub(crate) async fn show_execution(
        &self,
        execution: &Execution,
        wish: &Wish,
    ) -> Result<Value, Fault> {
        let shown = self.show_executions(std::slice::from_ref(execution), wish).await?;
        shown.into_iter().next().ok_or_else(Fault::no_such_path)
    }

    /// Executions, as `wish` says, in their order.
    pub(crate) async fn show_executions(
        &self,
        executions: &[Execution],
        wish: &Wish,
    ) -> Result<Vec<Value>, Fault> {
        let mut children = match wish.projection.wants("children") {
            true => children_of(&self.ports, executions).await?,
            false => HashMap::new(),
        };
        let mut shown = Vec::with_capacity(executions.len());
        for one in executions {
            let mut parts = self.parts(one, wish).await?;
            parts.children = children.remove(&one.id).unwrap_or_default();
            shown.push(wish.projection.apply(execution::execution(one, parts)));
        }
        Ok(shown)
    }

    async fn parts(&self, execution: &Execution, wish: &Wish) -> Result<Parts, Fault> {
        let wants = |name: &str| wish.projection.wants(name);
        let mut parts =
            Parts { webui_base_url: self.settings.webui_base_url.clone(), ..Parts::default() };
        let needs_content = ["action", "runner", "liveaction", "parameters", "result", "rule"];
        if !needs_content.into_iter().any(wants) {
            return Ok(parts);
        }
        let known = match self.executions.content(execution).await {
            Ok(known) => known,
            // One execution whose action can not be read must not take a whole list down. Nobody
            // knows what of it is secret then.
            Err(error @ st2_execution::Error::Content { .. }) => {
                tracing::warn!(%error, "an execution is shown without its action");
                let names = execution.parameters.keys();
                parts.parameters = names.map(|name| (name.clone(), MASK.into())).collect();
                return Ok(parts);
            }
            Err(error) => return Err(execution_fault(&error)),
        };
        if wants("action") {
            parts.action = Some(content::action(&known.action));
        }
        if wants("runner") {
            parts.runner = Some(content::runner_type(&known.runner));
        }
        if wants("parameters") || wants("liveaction") {
            parts.parameters = self.shown_parameters(execution, &known, wish.show_secrets).await;
        }
        if wants("result") {
            parts.result = self.shown_result(execution, &known, wish).await?;
        }
        if let Some(origin) = &execution.origin {
            parts.origin = self.origin(origin, &known, wish).await?;
        }
        Ok(parts)
    }

    /// The parameters, with what is secret masked unless it is to be shown. What can not be opened
    /// is masked in any case.
    pub(crate) async fn shown_parameters(
        &self,
        execution: &Execution,
        known: &Content,
        show_secrets: bool,
    ) -> Object {
        let mut parameters = execution.parameters.clone();
        let is_sealed = |value: &Value| value.get(SEALED).is_some();
        let is_secret = |name: &str| {
            let definition = known.parameters.get(name);
            definition.and_then(|found| found.get("secret")).and_then(Value::as_bool) == Some(true)
        };
        let must_open = parameters
            .iter()
            .any(|(name, value)| is_sealed(value) && (show_secrets || !is_secret(name)));
        if must_open {
            match self.executions.unseal(execution).await {
                Ok(open) => parameters = open,
                Err(error) => tracing::warn!(%error, "secret parameters stay masked"),
            }
        }
        for (_, value) in parameters.iter_mut().filter(|(_, value)| is_sealed(value)) {
            *value = MASK.into();
        }
        if !show_secrets {
            mask_given(&mut parameters, known);
        }
        parameters
    }

    /// The result, masked likewise.
    pub(crate) async fn shown_result(
        &self,
        execution: &Execution,
        known: &Content,
        wish: &Wish,
    ) -> Result<Option<Value>, Fault> {
        let is_too_large = match (wish.result_bytes_max, execution.result_size) {
            (Some(most), Some(size)) => size > most,
            _ => false,
        };
        let Some(payload) = execution.result.as_ref().filter(|_| !is_too_large) else {
            return Ok(None);
        };
        let mut result = load_payload(&*self.ports.store, payload).await?;
        if !wish.show_secrets {
            mask_result(&mut result, known);
        }
        Ok(Some(result))
    }

    async fn origin(
        &self,
        origin: &RuleOrigin,
        known: &Content,
        wish: &Wish,
    ) -> Result<OriginParts, Fault> {
        let wants = |name: &str| wish.projection.wants(name);
        let mut parts = OriginParts::default();
        if wants("trigger") {
            let show = |(trigger,): (st2_model::Trigger,)| content::trigger(&trigger);
            let key = vec![origin.trigger.clone()];
            parts.trigger =
                self.snapshot(key, |bodies| Some(show((read(bodies.first()?)?,)))).await?;
        }
        if wants("trigger_type") {
            let key = vec![origin.trigger_type.clone()];
            let show = |bodies: &[Value]| Some(content::trigger_type(&read(bodies.first()?)?));
            parts.trigger_type = self.snapshot(key, show).await?;
        }
        if wants("rule") {
            let key = vec![origin.rule.clone(), origin.trigger.clone()];
            let show = |bodies: &[Value]| {
                let trigger = bodies.get(1).and_then(read);
                Some(content::rule(&read(bodies.first()?)?, trigger.as_ref()))
            };
            parts.rule = self.snapshot(key, show).await?;
            let given = parts.rule.as_mut().and_then(|rule| rule.get_mut("action"));
            let given = given.and_then(|action| action.get_mut("parameters"));
            if let Some(given) = given.and_then(Value::as_object_mut)
                && !wish.show_secrets
            {
                mask_given(given, known);
            }
        }
        if wants("trigger_instance") {
            let payload = small(&self.ports, &origin.payload).await?;
            parts.trigger_instance = Some(origin_instance(origin, payload));
        }
        Ok(parts)
    }

    /// What `show` makes of the snapshots with these digests; nothing when they are gone.
    async fn snapshot(
        &self,
        key: Vec<Digest>,
        show: impl FnOnce(&[Value]) -> Option<Value>,
    ) -> Result<Option<Value>, Fault> {
        if let Some(kept) = self.origins.get(&key) {
            return Ok(Some(Value::clone(&kept)));
        }
        let repository = self.ports.repository::<Snapshot>();
        let mut bodies = Vec::new();
        for digest in &key {
            match repository.get(digest).await? {
                Some(snapshot) => bodies.push(snapshot.value.body),
                None => return Ok(None),
            }
        }
        let Some(shown) = show(&bodies).map(Arc::new) else { return Ok(None) };
        self.origins.keep(key, &shown);
        Ok(Some(Value::clone(&shown)))
    }
}

fn read<T: DeserializeOwned>(body: &Value) -> Option<T> {
    T::deserialize(body).ok()
}

/// A payload, wherever it is stored.
async fn small(ports: &Ports, payload: &Payload) -> Result<Value, Fault> {
    Ok(load_payload(&*ports.store, payload).await?)
}

/// Masks values given for the parameters of an action.
fn mask_given(given: &mut Object, known: &Content) {
    let (runner, action) = (&known.runner.runner_parameters, &known.action.parameters);
    st2_schema::mask_parameters(given, runner, action);
    if known.action.reference.pack() == "st2"
        && known.action.reference.name() == "inquiry.respond"
        && let Some(Value::Object(response)) = given.get_mut("response")
    {
        for value in response.values_mut() {
            *value = MASK.into();
        }
    }
}

/// Masks a result: by the action's output schema, or by an inquiry's own.
fn mask_result(result: &mut Value, known: &Content) {
    if let Some(key) = &known.runner.output_key
        && !known.action.output_schema.is_empty()
    {
        let schema = Value::Object(known.action.output_schema.clone());
        st2_schema::mask_output(result, key, &schema);
    }
    if known.runner.name == "inquirer" {
        let schema = result.get("schema").cloned().unwrap_or_default();
        if let Some(response) = result.get_mut("response") {
            st2_schema::mask(response, &schema);
        }
    }
}

/// The ids of the children of those executions that are workflows.
async fn children_of(
    ports: &Ports,
    executions: &[Execution],
) -> Result<HashMap<Id<kinds::Execution>, Vec<Id<kinds::Execution>>>, Fault> {
    let workflows = executions.iter().filter(|execution| execution.is_workflow);
    let parents: Vec<String> = workflows.map(|execution| execution.id.to_string()).collect();
    let mut children: HashMap<_, Vec<_>> = HashMap::new();
    if parents.is_empty() {
        return Ok(children);
    }
    let mut query =
        Query::of(Filter::is_in("parent", parents)).by("start_timestamp", Order::Ascending);
    query.without = vec!["result", "origin"];
    for child in ports.repository::<Execution>().find(&query).await? {
        if let Some(parent) = child.value.parent {
            children.entry(parent).or_default().push(child.value.id);
        }
    }
    Ok(children)
}

/// What is told when an execution does not change as asked.
pub(super) fn execution_fault(error: &st2_execution::Error) -> Fault {
    match error {
        st2_execution::Error::NotFound(id) => {
            Fault::not_found(format!("Unable to identify resource with id \"{id}\"."))
        }
        st2_execution::Error::Refused { refusal, .. } => Fault::bad_request(refusal.to_string()),
        st2_execution::Error::Store(error) => error.clone().into(),
        other => Fault::internal(other),
    }
}
