//! `pack.yaml`.

use serde_json::Value;
use st2_model::{Object, Pack};
use st2_schema::repr;

use super::Place;
use crate::fields::{Fields, mistyped};
use crate::problem::Fault;

/// The name of the overrides that count for every pack, and so the name of no pack.
const RESERVED: &str = "_global";

const CONTRIBUTOR_CHARS_MAX: usize = 100;

/// Reads the content of `pack.yaml`. `files`, `path` and `digest` are the caller's business.
///
/// # Errors
/// The first member that is missing or does not fit.
pub fn parse_pack(place: Place<'_>, content: &Value) -> Result<Pack, Fault> {
    if is_empty(content) {
        return Err(Fault::whole(format!(
            "Pack \"{}\" metadata file is empty",
            place.dir.display()
        )));
    }
    let fields = Fields::of(content)?;
    let name = fields.required_text("name")?;
    let reference = pack_ref(fields.text("ref")?, Some(place.pack), name)?;
    Ok(Pack {
        id: Pack::id_of(&reference),
        name: name.to_owned(),
        description: fields.required_text("description")?.to_owned(),
        keywords: fields.texts("keywords")?,
        version: version(&fields)?,
        stackstorm_version: stackstorm_version(&fields)?,
        python_versions: python_versions(&fields)?,
        author: fields.required_text("author")?.to_owned(),
        email: email(&fields)?,
        contributors: contributors(&fields)?,
        files: Vec::new(),
        dependencies: fields.texts("dependencies")?,
        system: system(&fields)?,
        path: Some(place.dir.display().to_string()),
        digest: String::new(),
        reference,
    })
}

/// The ref of a pack: `ref`, else the name of its directory, else its name, whichever is written
/// with `a-z`, `0-9` and `_` only. A `ref` that is given has to fit.
///
/// # Errors
/// When none fits or the ref is reserved.
pub fn pack_ref(given: Option<&str>, directory: Option<&str>, name: &str) -> Result<String, Fault> {
    let reference = match given.filter(|given| !given.is_empty()) {
        Some(given) if is_ref(given) => given,
        Some(given) => {
            return Err(Fault::new(
                "ref",
                format!(
                    "Pack ref / name can only contain valid word characters (a-z, 0-9 and _), \
                     dashes are not allowed: {}",
                    repr(&Value::from(given))
                ),
            ));
        }
        None => [directory, Some(name)]
            .into_iter()
            .flatten()
            .find(|candidate| is_ref(candidate))
            .ok_or_else(|| {
            Fault::new(
                "name",
                format!(
                    "Pack name \"{name}\" contains invalid characters and \"ref\" attribute \
                         is not available; add a \"ref\" of the characters a-z, 0-9 and _"
                ),
            )
        })?,
    };
    if reference == RESERVED {
        return Err(Fault::new(
            "ref",
            format!("{RESERVED} is a reserved name, and cannot be used as a pack name"),
        ));
    }
    Ok(reference.to_owned())
}

fn is_ref(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !text.is_empty() && text.bytes().all(fits)
}

/// Nothing, an empty mapping or an empty list.
pub(super) fn is_empty(content: &Value) -> bool {
    match content {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// A semantic version. YAML makes a number of `1.0`; it is judged as the text that was written.
fn version(fields: &Fields<'_>) -> Result<String, Fault> {
    let version = match fields.required("version")? {
        Value::String(text) => text.clone(),
        Value::Null => return Err(mistyped("version", &Value::Null, &["string"])),
        other => repr(other),
    };
    if is_version(&version) {
        return Ok(version);
    }
    Err(Fault::new(
        "version",
        format!(
            "Pack version \"{version}\" doesn't follow a valid semver format. Valid versions and \
             formats include: 0.1.0, 0.2.1, 1.1.0, etc."
        ),
    ))
}

/// `X.Y.Z`, then `-pre.release` and `+build`, both in lower case.
fn is_version(text: &str) -> bool {
    let (text, build) = match text.split_once('+') {
        Some((text, build)) => (text, Some(build)),
        None => (text, None),
    };
    let (core, release) = match text.split_once('-') {
        Some((core, release)) => (core, Some(release)),
        None => (text, None),
    };
    let is_number = |part: &str| {
        part == "0"
            || (!part.is_empty()
                && !part.starts_with('0')
                && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_word = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty() && part.bytes().all(fits)
    };
    let suffixes_fit =
        [release, build].into_iter().flatten().all(|suffix| suffix.split('.').all(is_word));
    core.split('.').count() == 3 && core.split('.').all(is_number) && suffixes_fit
}

fn stackstorm_version(fields: &Fields<'_>) -> Result<Option<String>, Fault> {
    let Some(text) = fields.text("stackstorm_version")? else {
        return Ok(None);
    };
    if text == "all" || is_requirement(text) {
        return Ok(Some(text.to_owned()));
    }
    Err(Fault::new(
        "stackstorm_version",
        format!(
            "{} is no version requirement: one or more of =1.2.3, !=1.2.3, >=1.2.3, >1.2.3, \
             <=1.2.3, <1.2.3, separated by commas, or all",
            repr(&Value::from(text))
        ),
    ))
}

/// Operators and versions of two or three numbers. What registration and what installation of
/// StackStorm accept, both.
fn is_requirement(text: &str) -> bool {
    const OPERATORS: [&str; 9] = ["==", "!=", ">=", "<=", ">>", "<<", "=", ">", "<"];
    let mut rest = text;
    while !rest.is_empty() {
        let Some(behind) = OPERATORS.iter().find_map(|operator| rest.strip_prefix(operator)) else {
            return false;
        };
        let behind = behind.trim_start();
        let end = behind.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(behind.len());
        let (version, behind) = behind.split_at(end);
        let parts: Vec<&str> = version.split('.').collect();
        if !matches!(parts.len(), 2 | 3) || parts.iter().any(|part| part.is_empty()) {
            return false;
        }
        let behind = behind.trim_start();
        rest = behind.strip_prefix(',').unwrap_or(behind).trim_start();
    }
    !text.is_empty()
}

fn python_versions(fields: &Fields<'_>) -> Result<Vec<String>, Fault> {
    let versions = fields.texts("python_versions")?;
    let shown = || repr(&Value::from(versions.clone()));
    if let Some(index) = versions.iter().position(|v| v != "2" && v != "3") {
        let found = versions.get(index).map_or("", String::as_str);
        return Err(Fault::new(
            format!("python_versions.{index}"),
            format!("{} is not one of ['2', '3']", repr(&Value::from(found))),
        ));
    }
    let reason = match versions.as_slice() {
        [] if fields.get("python_versions").is_some() => "should be non-empty",
        [_, _, _, ..] => "is too long",
        [one, other] if one == other => "has non-unique elements",
        _ => return Ok(versions),
    };
    Err(Fault::new("python_versions", format!("{} {reason}", shown())))
}

fn email(fields: &Fields<'_>) -> Result<Option<String>, Fault> {
    match fields.text("email")? {
        None => Ok(None),
        Some(text) if is_email(text) => Ok(Some(text.to_owned())),
        Some(text) => Err(Fault::new("email", format!("Invalid email address: {text}"))),
    }
}

/// Something, an `@`, and a domain whose last part has two characters or more.
fn is_email(text: &str) -> bool {
    let Some((user, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_label = |label: &str| {
        let fits = |c: char| c.is_alphanumeric() || c == '-';
        !label.is_empty()
            && label.chars().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let labels: Vec<&str> = domain.split('.').collect();
    let top_fits = labels.last().is_some_and(|top| top.chars().count() >= 2);
    !user.is_empty()
        && !user.contains(char::is_whitespace)
        && labels.len() >= 2
        && top_fits
        && labels.into_iter().all(is_label)
}

fn contributors(fields: &Fields<'_>) -> Result<Vec<String>, Fault> {
    let contributors = fields.texts("contributors")?;
    let too_long = |name: &String| name.chars().count() > CONTRIBUTOR_CHARS_MAX;
    match contributors.iter().position(too_long) {
        None => Ok(contributors),
        Some(index) => Err(Fault::new(
            format!("contributors.{index}"),
            format!("the text is too long: at most {CONTRIBUTOR_CHARS_MAX} characters"),
        )),
    }
}

fn system(fields: &Fields<'_>) -> Result<Object, Fault> {
    let system = fields.owned_object("system")?;
    match system.keys().find(|key| key.starts_with('$')) {
        None => Ok(system),
        Some(key) => Err(Fault::new(format!("system.{key}"), "keys may not start with \"$\"")),
    }
}
