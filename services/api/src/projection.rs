//! Which members of a resource an answer shows.

use serde_json::{Map, Value};
use st2_http::{Fault, Params};

use crate::listing::Listing;

/// The members that a request asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Projection {
    /// Dotted paths; empty for all.
    include: Vec<String>,
    exclude: Vec<String>,
    keeps: &'static [&'static str],
}

impl Projection {
    /// Reads `include_attributes` and `exclude_attributes`.
    pub(crate) fn parse(params: &Params, listing: &Listing) -> Result<Self, Fault> {
        let names = |name: &str| -> Vec<String> {
            let names = params.list(name).unwrap_or_default().into_iter();
            names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let (include, exclude) = (names("include_attributes"), names("exclude_attributes"));
        if !include.is_empty() && !exclude.is_empty() {
            return Err(Fault::bad_request(
                "exclude_fields and include_fields arguments are mutually exclusive. You need to \
                 provide either one or another, but not both.",
            ));
        }
        let unknown = |verb: &str, name: &str| {
            Fault::bad_request(format!("Invalid or unsupported {verb} attribute specified: {name}"))
        };
        if let Some(name) = include.iter().find(|name| !listing.members.contains(&top(name))) {
            return Err(unknown("include", name));
        }
        let excludable =
            if listing.excludable.is_empty() { listing.members } else { listing.excludable };
        if let Some(name) = exclude.iter().find(|name| !excludable.contains(&name.as_str())) {
            return Err(unknown("exclude", name));
        }
        Ok(Self { include, exclude, keeps: listing.keeps })
    }

    /// One member.
    pub(crate) fn only(name: &str) -> Self {
        Self::of(&[name])
    }

    /// These paths.
    pub(crate) fn of(paths: &[&str]) -> Self {
        let include = paths.iter().map(|path| (*path).to_owned()).collect();
        Self { include, ..Self::default() }
    }

    /// Whether the answer shows anything of the member `name`.
    pub(crate) fn wants(&self, name: &str) -> bool {
        if self.exclude.iter().any(|excluded| excluded == name) {
            return false;
        }
        self.include.is_empty() || self.include.iter().any(|path| top(path) == name)
    }

    /// `value` with what was asked for.
    pub(crate) fn apply(&self, value: Value) -> Value {
        let Value::Object(mut members) = value else { return value };
        for name in &self.exclude {
            members.shift_remove(name);
        }
        if self.include.is_empty() {
            return Value::Object(members);
        }
        let mut shown = Map::new();
        for (name, member) in members {
            let kept = self.keeps.contains(&name.as_str());
            let paths: Vec<&str> =
                self.include.iter().filter_map(|path| below(path, &name)).collect();
            if kept || paths.contains(&"") {
                shown.insert(name, member);
            } else if !paths.is_empty()
                && let Some(member) = pick(member, &paths)
            {
                shown.insert(name, member);
            }
        }
        Value::Object(shown)
    }
}

fn top(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

/// What `path` names below `name`: empty text for all of it, nothing when it is about another.
fn below<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(name)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('.') }
}

/// The parts of `value` that the paths lead to.
fn pick(value: Value, paths: &[&str]) -> Option<Value> {
    let Value::Object(members) = value else { return None };
    let picked: Map<String, Value> = members
        .into_iter()
        .filter_map(|(name, member)| {
            let deeper: Vec<&str> = paths.iter().filter_map(|path| below(path, &name)).collect();
            match deeper.as_slice() {
                [] => None,
                deeper if deeper.contains(&"") => Some((name, member)),
                deeper => Some((name, pick(member, deeper)?)),
            }
        })
        .collect();
    Some(Value::Object(picked))
}
