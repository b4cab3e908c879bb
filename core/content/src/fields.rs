//! Reading the members of a document: typed, with StackStorm's words when one does not fit.

use serde_json::Value;
use st2_model::{Object, Tag};
use st2_schema::repr;

use crate::problem::Fault;

/// Longest tag name and tag value, in characters.
const TAG_CHARS_MAX: usize = 1024;

/// Members that content of every kind may have.
const SHARED: [&str; 8] =
    ["id", "ref", "uid", "metadata_file", "name", "pack", "description", "enabled"];

/// The members of one object.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    object: &'a Object,
    prefix: &'a str,
}

impl<'a> Fields<'a> {
    /// The members of a whole document.
    pub(crate) fn of(content: &'a Value) -> Result<Self, Fault> {
        Self::within(content, "")
    }

    /// The members of an object that stands at `prefix` of its document.
    pub(crate) fn within(content: &'a Value, prefix: &'a str) -> Result<Self, Fault> {
        match content {
            Value::Object(object) => Ok(Self { object, prefix }),
            other => Err(mistyped(prefix, other, &["object"])),
        }
    }

    /// The path of a member.
    pub(crate) fn path(&self, name: &str) -> String {
        match self.prefix {
            "" => name.to_owned(),
            prefix => format!("{prefix}.{name}"),
        }
    }

    /// Refuses members that are not in `known`.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Fault> {
        self.only_where(|name| known.contains(&name))
    }

    /// Refuses members that content of any kind may not have and that are not in `own`.
    pub(crate) fn only_shared_and(&self, own: &[&str]) -> Result<(), Fault> {
        self.only_where(|name| SHARED.contains(&name) || own.contains(&name))
    }

    fn only_where(&self, is_known: impl Fn(&str) -> bool) -> Result<(), Fault> {
        let unknown: Vec<String> = self
            .object
            .keys()
            .filter(|name| !is_known(name))
            .map(|name| repr(&Value::from(name.as_str())))
            .collect();
        let verb = match unknown.len() {
            0 => return Ok(()),
            1 => "was",
            _ => "were",
        };
        Err(Fault::new(
            self.prefix,
            format!(
                "Additional properties are not allowed ({} {verb} unexpected)",
                unknown.join(", ")
            ),
        ))
    }

    /// The first member of another name.
    pub(crate) fn first_but(&self, name: &str) -> Option<&'a str> {
        self.object.keys().map(String::as_str).find(|key| *key != name)
    }

    /// A member, null included.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name)
    }

    /// A member, null being absence.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.raw(name).filter(|value| !value.is_null())
    }

    /// A member that has to be there; it may be null.
    pub(crate) fn required(&self, name: &str) -> Result<&'a Value, Fault> {
        self.raw(name)
            .ok_or_else(|| Fault::new(self.path(name), format!("'{name}' is a required property")))
    }

    /// Text that has to be there.
    pub(crate) fn required_text(&self, name: &str) -> Result<&'a str, Fault> {
        let value = self.required(name)?;
        value.as_str().ok_or_else(|| mistyped(&self.path(name), value, &["string"]))
    }

    /// Text or nothing.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        self.typed(name, "string", Value::as_str)
    }

    /// Text or nothing, owned.
    pub(crate) fn owned_text(&self, name: &str) -> Result<Option<String>, Fault> {
        Ok(self.text(name)?.map(str::to_owned))
    }

    /// A flag, `default` when it is absent. An explicit null is false, as in StackStorm.
    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, Fault> {
        match self.raw(name) {
            None => Ok(default),
            Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(mistyped(&self.path(name), other, &["boolean"])),
        }
    }

    /// An object or nothing.
    pub(crate) fn object(&self, name: &str) -> Result<Option<&'a Object>, Fault> {
        self.typed(name, "object", Value::as_object)
    }

    /// An object, empty when it is absent or null.
    pub(crate) fn owned_object(&self, name: &str) -> Result<Object, Fault> {
        Ok(self.object(name)?.cloned().unwrap_or_default())
    }

    /// A list, empty when it is absent or null.
    pub(crate) fn list(&self, name: &str) -> Result<&'a [Value], Fault> {
        Ok(self.typed(name, "array", Value::as_array)?.map_or(&[], Vec::as_slice))
    }

    /// A list of texts, empty when it is absent or null.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Fault> {
        let read = |(index, item): (usize, &Value)| {
            item.as_str()
                .map(str::to_owned)
                .ok_or_else(|| mistyped(&format!("{}.{index}", self.path(name)), item, &["string"]))
        };
        self.list(name)?.iter().enumerate().map(read).collect()
    }

    /// The tags of a resource.
    pub(crate) fn tags(&self) -> Result<Vec<Tag>, Fault> {
        let read = |(index, item): (usize, &Value)| {
            let path = format!("{}.{index}", self.path("tags"));
            let fields = Fields::within(item, &path)?;
            let text = |name: &str| -> Result<String, Fault> {
                let text = fields.text(name)?.unwrap_or_default();
                if text.chars().count() > TAG_CHARS_MAX {
                    return Err(Fault::new(
                        fields.path(name),
                        format!("a tag has at most {TAG_CHARS_MAX} characters"),
                    ));
                }
                Ok(text.to_owned())
            };
            Ok(Tag { name: text("name")?, value: text("value")? })
        };
        self.list("tags")?.iter().enumerate().map(read).collect()
    }

    fn typed<T>(
        &self,
        name: &str,
        kind: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match read(value) {
            Some(read) => Ok(Some(read)),
            None => Err(mistyped(&self.path(name), value, &[kind, "null"])),
        }
    }
}

/// The fault of a value of the wrong type.
pub(crate) fn mistyped(path: &str, value: &Value, kinds: &[&str]) -> Fault {
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
    Fault::new(path, format!("{} is not of type {}", repr(value), kinds.join(", ")))
}
