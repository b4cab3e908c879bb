//! Trigger types, triggers and trigger instances.

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Epoch, Id, Object, Payload, ResourceRef, Tag, Timestamp, Uid, kinds};

/// A kind of trigger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerType {
    /// Follows from the ref.
    pub id: Id<kinds::TriggerType>,
    /// `pack.name`.
    #[serde(rename = "ref")]
    pub reference: ResourceRef,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Schema of the payload of its instances.
    pub payload_schema: Object,
    /// Schema of the parameters of its triggers; empty when it takes none.
    pub parameters_schema: Object,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Path of the defining file relative to the pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata_file: Option<String>,
}

impl TriggerType {
    /// The id of the trigger type `reference`.
    #[must_use]
    pub fn id_of(reference: &ResourceRef) -> Id<kinds::TriggerType> {
        Id::derived(&["trigger_type", reference.pack(), reference.name()])
    }

    /// `trigger_type:<pack>:<name>`.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&["trigger_type", self.reference.pack(), self.reference.name()])
    }
}

/// A trigger type with parameters: what a rule waits for and a sensor watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// Follows from the type and the parameters.
    pub id: Id<kinds::Trigger>,
    /// `pack.name`; the name is the type's when it takes no parameters, else a UUID that follows
    /// from type and parameters.
    #[serde(rename = "ref")]
    pub reference: ResourceRef,
    /// Ref of the trigger type.
    #[serde(rename = "type")]
    pub kind: ResourceRef,
    /// Values of the type's parameters.
    pub parameters: Object,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Trigger {
    /// The trigger of `kind` with `parameters`. Two rules with equal parameters share it.
    ///
    /// # Errors
    /// Never for a valid `kind`; the error of [`ResourceRef::new`] otherwise.
    pub fn of(kind: &ResourceRef, parameters: Object) -> Result<Self, crate::ParseRefError> {
        let digest = parameters_md5(&parameters);
        let id = Id::derived(&["trigger", kind.pack(), kind.name(), &digest]);
        let name = if parameters.is_empty() { kind.name().to_owned() } else { uuid(kind, &digest) };
        Ok(Self {
            id,
            reference: ResourceRef::new(kind.pack(), &name)?,
            kind: kind.clone(),
            parameters,
            description: None,
        })
    }

    /// `trigger:<pack>:<name>:<md5 of the parameters>`.
    #[must_use]
    pub fn uid(&self) -> Uid {
        let digest = parameters_md5(&self.parameters);
        Uid::of(&["trigger", self.reference.pack(), self.reference.name(), &digest])
    }
}

/// A version 4 UUID by shape whose bits follow from type and parameters.
fn uuid(kind: &ResourceRef, digest: &str) -> String {
    let seed: Id<kinds::Trigger> = Id::derived(&["uuid", kind.pack(), kind.name(), digest]);
    let more: Id<kinds::Trigger> = Id::derived(&["uuid, rest", kind.pack(), kind.name(), digest]);
    let h = format!("{seed}{more}");
    let part = |from: usize, to: usize| h.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

/// MD5 of the parameters as JSON with sorted keys, blanks after separators, ASCII-escaped.
fn parameters_md5(parameters: &Object) -> String {
    let mut text = String::new();
    write_object(parameters, &mut text);
    hex::encode(Md5::digest(text.as_bytes()))
}

fn write_object(object: &Object, out: &mut String) {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_by_key(|(name, _)| *name);
    out.push('{');
    for (i, (name, value)) in members.into_iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_text(name, out);
        out.push_str(": ");
        write_value(value, out);
    }
    out.push('}');
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Object(object) => write_object(object, out),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_value(item, out);
            }
            out.push(']');
        }
        Value::String(text) => write_text(text, out),
        other => out.push_str(&other.to_string()),
    }
}

fn write_text(text: &str, out: &mut String) {
    for c in Value::String(text.to_owned()).to_string().chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
}

/// Where a trigger instance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceStatus {
    /// Stored; no rules engine has looked at it.
    Pending,
    /// A rules engine evaluates it.
    Processing,
    /// Every rule was evaluated.
    Processed,
    /// It could not be evaluated.
    ProcessingFailed,
}

impl InstanceStatus {
    /// The status as StackStorm spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Processed => "processed",
            Self::ProcessingFailed => "processing_failed",
        }
    }
}

/// One occurrence of a trigger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerInstance {
    /// Made by whoever dispatches; derived where the same occurrence could be dispatched twice.
    pub id: Id<kinds::TriggerInstance>,
    /// Ref of the trigger.
    pub trigger: ResourceRef,
    /// When it was accepted.
    pub occurrence_time: Timestamp,
    /// What happened.
    pub payload: Payload,
    /// Where it stands.
    pub status: InstanceStatus,
    /// The tag under which its consequences are traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_tag: Option<String>,
    /// The epoch of the lease under which it was dispatched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// What identifies the occurrence to its sensor; a second one with the same key is dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe: Option<String>,
    /// Why it could not be evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}
