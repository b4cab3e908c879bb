//! Values by dotted names: `context.user`, `result.items[0].name`.

use serde_json::{Map, Value};

/// The value at the path, or nothing.
pub(crate) fn get<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    // A name with dots in it may be a key as it stands.
    if let Some(found) = document.get(path) {
        return Some(found);
    }
    path.split('.').try_fold(document, step)
}

fn step<'a>(value: &'a Value, part: &str) -> Option<&'a Value> {
    let (name, indexes) = match part.find('[') {
        Some(at) => part.split_at(at),
        None => (part, ""),
    };
    let mut found = if name.is_empty() || name == "$" { value } else { value.get(name)? };
    for index in indexes.split('[').skip(1) {
        let index = index.strip_suffix(']')?;
        found = match index.parse::<usize>() {
            Ok(number) => found.get(number)?,
            Err(_) if index == "*" => found.get(0)?,
            Err(_) => found.get(index.trim_matches(['\'', '"']))?,
        };
    }
    Some(found)
}

/// The chosen attributes as a document of their own; `all` takes everything. What is null is left
/// out, like what is missing.
pub(crate) fn choose(document: &Value, attributes: &[String]) -> Value {
    let all = attributes.iter().any(|name| name == "all");
    let names = document.as_object().filter(|_| all).map(|fields| fields.keys().collect());
    let attributes: Vec<&String> = names.unwrap_or_else(|| attributes.iter().collect());
    let mut chosen = Map::new();
    for path in attributes {
        if let Some(value) = get(document, path).filter(|value| !value.is_null()) {
            insert(&mut chosen, path, value.clone());
        }
    }
    Value::Object(chosen)
}

fn insert(chosen: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            chosen.insert(path.to_owned(), value);
        }
        Some((name, rest)) => {
            let inner = chosen.entry(name.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(fields) = inner {
                insert(fields, rest, value);
            }
        }
    }
}
