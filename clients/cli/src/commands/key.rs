//! `st2 key …`: the datastore.

use clap::ArgMatches;
use serde_json::{Map, Value, json};
use st2_client::segment;

use super::print::{self, Columns};
use super::{Context, options, text, texts};
use crate::args::{Identity, KeyGet, KeyList, KeyLoad, KeySet, ListView};
use crate::content;
use crate::failure::{Failure, Outcome};
use crate::session::Session;

const LIST_ATTRIBUTES: [&str; 7] =
    ["name", "value", "secret", "encrypted", "scope", "user", "expire_timestamp"];
const GET_ATTRIBUTES: [&str; 6] =
    ["name", "value", "secret", "encrypted", "scope", "expire_timestamp"];
const SET_ATTRIBUTES: [&str; 4] = ["name", "value", "scope", "expire_timestamp"];
const LOAD_ATTRIBUTES: [&str; 4] = ["name", "value", "scope", "user"];
const SYSTEM: &str = "system";
const PAGE: usize = 100;

pub(crate) async fn dispatch(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    match matches.subcommand() {
        Some(("list", matches)) => list(options(matches)?, context).await,
        Some(("get", matches)) => get(options(matches)?, context).await,
        Some(("set", matches)) => set(options(matches)?, context).await,
        Some(("delete", matches)) => delete(matches, context).await,
        Some(("delete_by_prefix", matches)) => delete_by_prefix(matches, context).await,
        Some(("load", matches)) => load(options(matches)?, context).await,
        _ => Err(Failure::Usage("a sub-command of key is missing".to_owned())),
    }
}

async fn list(given: KeyList, context: &mut Context<'_, '_>) -> Outcome {
    let ListView { format, identity, .. } = &given.view;
    let session = context.session(identity).await?;
    let mut query = vec![
        ("decrypt", given.decrypt.to_string()),
        ("scope", given.scope.clone()),
        ("limit", given.last.to_string()),
    ];
    query.extend(given.prefix.clone().map(|prefix| ("prefix", prefix)));
    query.extend(given.user.clone().map(|user| ("user", user)));
    let page = session.client.page("/keys/", &query).await?;
    let mut items = page.items;
    if format.is_plain_document() {
        items.reverse();
    }
    let columns = Columns::of_list(&given.view, &LIST_ATTRIBUTES, &[]);
    print::items(context, &items, &columns, *format)?;
    if !format.is_for_people() {
        return Ok(());
    }
    print::cut_note(context, given.last, page.total, "key value pairs")
}

async fn get(given: KeyGet, context: &mut Context<'_, '_>) -> Outcome {
    let session = context.session(&given.identity).await?;
    let query = [("decrypt", given.decrypt.to_string()), ("scope", given.scope.clone())];
    let mut found = Vec::new();
    for name in &given.name {
        match session.client.find(&path(name), &query).await? {
            Some(item) => found.push(item),
            None => context.say(&format!("Key Value Pair \"{name}\" is not found.\n"))?,
        }
    }
    if let ([name], []) = (given.name.as_slice(), found.as_slice()) {
        return Err(Failure::Refused(format!("Resource {name} not found.")));
    }
    let columns = Columns::new(&given.attributes.attr, &GET_ATTRIBUTES, &[]);
    print::each(context, &found, &columns, given.format)
}

async fn set(given: KeySet, context: &mut Context<'_, '_>) -> Outcome {
    let value = value_to_set(&given, context)?;
    let session = context.session(&given.identity).await?;
    let mut item = Map::new();
    item.insert("name".to_owned(), given.name.as_str().into());
    item.insert("value".to_owned(), value.into());
    item.insert("scope".to_owned(), given.scope.as_str().into());
    item.insert("user".to_owned(), given.user.clone().into());
    if given.encrypt {
        item.insert("secret".to_owned(), true.into());
    }
    if given.encrypted {
        item.insert("encrypted".to_owned(), true.into());
    }
    if let Some(ttl) = given.ttl {
        item.insert("ttl".to_owned(), ttl.into());
    }
    let stored = session.client.put(&path(&given.name), &item).await?;
    print::item(context, &stored, &Columns::new(&[], &SET_ATTRIBUTES, &[]), given.format)
}

fn value_to_set(given: &KeySet, context: &mut Context<'_, '_>) -> Outcome<String> {
    if let Some(file) = &given.from_file {
        let path = context.system.directory.join(file);
        return std::fs::read_to_string(&path)
            .map_err(|error| Failure::Refused(format!("File \"{}\": {error}", path.display())));
    }
    match given.value.as_deref() {
        Some("-") => {
            let text = context.system.prompt.piped()?;
            Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
        }
        Some(value) if !value.is_empty() => Ok(value.to_owned()),
        _ => {
            context.flush()?;
            Ok(context.system.prompt.ask("Please insert value for key: ", given.encrypt)?)
        }
    }
}

async fn delete(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let session = context.session(&options::<Identity>(matches)?).await?;
    let mut query = vec![("scope", text(matches, "scope").unwrap_or_else(|| SYSTEM.to_owned()))];
    query.extend(text(matches, "user").map(|user| ("user", user)));
    let mut absent = false;
    for name in texts(matches, "id") {
        if session.client.find(&path(&name), &query).await?.is_none() {
            context.say(&format!("Key Value Pair \"{name}\" is not found.\n"))?;
            absent = true;
            continue;
        }
        session.client.delete(&path(&name), &query, None).await?;
        context.say(&format!("Resource with id \"{name}\" has been successfully deleted."))?;
    }
    if absent { Err(Failure::Exit(2)) } else { Ok(()) }
}

async fn delete_by_prefix(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let session = context.session(&options::<Identity>(matches)?).await?;
    let prefix = text(matches, "prefix").unwrap_or_default();
    let names = names_with_prefix(&session, &prefix).await?;
    for name in &names {
        session.client.delete(&path(name), &[("scope", SYSTEM.to_owned())], None).await?;
    }
    context.say(&format!("Deleted {} keys", names.len()))?;
    context.say(&format!("Deleted key ids: {}", names.join(", ")))
}

/// All names, page by page; collected before the first is deleted, because deleting moves pages.
async fn names_with_prefix(session: &Session, prefix: &str) -> Outcome<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    loop {
        let query = [
            ("prefix", prefix.to_owned()),
            ("limit", PAGE.to_string()),
            ("offset", names.len().to_string()),
        ];
        let page = session.client.page("/keys/", &query).await?;
        let found = page.items.iter().filter_map(|item| item.get("name").and_then(Value::as_str));
        let fresh: Vec<String> = found
            .filter(|name| !names.iter().any(|known| known == name))
            .map(ToOwned::to_owned)
            .collect();
        let last = page.items.len() < PAGE || fresh.is_empty();
        names.extend(fresh);
        if last {
            return Ok(names);
        }
    }
}

async fn load(given: KeyLoad, context: &mut Context<'_, '_>) -> Outcome {
    let items = match content::read(&context.system.directory, &given.file)? {
        Value::Array(items) => items,
        one => vec![one],
    };
    let shown = given.file.display().to_string();
    let checked: Vec<(String, Value)> = items
        .into_iter()
        .enumerate()
        .map(|(index, item)| {
            loaded(item, given.convert).map_err(|reason| {
                Failure::Operation(format!("File \"{shown}\", item {}: {reason}", index + 1))
            })
        })
        .collect::<Outcome<_>>()?;
    let session = context.session(&given.identity).await?;
    let mut stored = Vec::new();
    for (name, item) in checked {
        stored.push(session.client.put(&path(&name), &item).await?);
    }
    let widths = given.widths.width.clone();
    let columns = Columns { widths, ..Columns::new(&[], &LOAD_ATTRIBUTES, &[]) };
    print::items(context, &stored, &columns, given.format)
}

/// One item of a file, made complete.
fn loaded(item: Value, convert: bool) -> Result<(String, Value), String> {
    let Value::Object(mut fields) = item else {
        return Err("is not an object".to_owned());
    };
    let name = fields
        .get("name")
        .and_then(Value::as_str)
        .ok_or("field name is missing or no text")?
        .to_owned();
    match fields.get("value") {
        None => return Err(format!("\"{name}\" has no value")),
        Some(Value::String(_)) => {}
        Some(other) if convert => {
            let text = other.to_string();
            fields.insert("value".to_owned(), text.into());
        }
        Some(_) => {
            return Err(format!("the value of \"{name}\" is no text; use -c to store it as JSON"));
        }
    }
    fields.entry("scope").or_insert_with(|| json!(SYSTEM));
    fields.entry("user").or_insert(Value::Null);
    Ok((name, Value::Object(fields)))
}

fn path(name: &str) -> String {
    format!("/keys/{}", segment(name))
}
