//! Which triggers a sensor must be told of. Pure, but for the conversion to the protocol.

use std::collections::BTreeMap;

use st2_model::{SensorType, Trigger};

/// What a running sensor was told, by trigger id.
pub(crate) type Served = BTreeMap<String, st2_protocol::Trigger>;

/// One thing to tell a sensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tell {
    /// Serve this one too.
    Add(st2_protocol::Trigger),
    /// This one has changed.
    Update(st2_protocol::Trigger),
    /// Serve this one no more.
    Remove(st2_protocol::Trigger),
}

/// The triggers of `sensor`'s types among `all`.
pub(crate) fn of_sensor(sensor: &SensorType, all: &[Trigger]) -> Served {
    all.iter()
        .filter(|trigger| sensor.trigger_types.contains(&trigger.kind.to_string()))
        .map(|trigger| (trigger.id.to_string(), to_protocol(trigger)))
        .collect()
}

/// What leads from `served` to `wanted`: removals first, so that a path that moves from one
/// trigger to another is never served twice.
pub(crate) fn difference(served: &Served, wanted: &Served) -> Vec<Tell> {
    let gone = served.iter().filter(|(id, _)| !wanted.contains_key(*id));
    let removals = gone.map(|(_, trigger)| Tell::Remove(trigger.clone()));
    let news = wanted.iter().filter_map(|(id, trigger)| match served.get(id) {
        None => Some(Tell::Add(trigger.clone())),
        Some(old) if old != trigger => Some(Tell::Update(trigger.clone())),
        Some(_) => None,
    });
    removals.chain(news).collect()
}

fn to_protocol(trigger: &Trigger) -> st2_protocol::Trigger {
    st2_protocol::Trigger {
        id: trigger.id.to_string(),
        reference: trigger.reference.to_string(),
        name: trigger.reference.name().to_owned(),
        pack: trigger.reference.pack().to_owned(),
        trigger_type: trigger.kind.to_string(),
        parameters: trigger.parameters.clone(),
        uid: trigger.uid().to_string(),
        description: trigger.description.clone(),
    }
}
