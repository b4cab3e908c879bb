//! The common verbs on the resources of `spec.rs`.

use std::path::Path;

use clap::ArgMatches;
use serde_json::{Value, json};
use st2_client::segment;

use super::print::{self, Columns};
use super::{Context, extra, options, pack, run, text, texts};
use crate::args::{Attributes, Format, Identity, ListView};
use crate::content;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::spec::{Reversed, Spec};

const IFTT: [&str; 4] = ["ref", "trigger.ref", "action.ref", "enabled"];

pub(crate) async fn dispatch(
    spec: &Spec,
    matches: &ArgMatches,
    context: &mut Context<'_, '_>,
) -> Outcome {
    let Some((verb, matches)) = matches.subcommand() else {
        return Err(Failure::Usage(format!("a sub-command of {} is missing", spec.name)));
    };
    match verb {
        "list" => list(spec, matches, context).await,
        "get" => get(spec, matches, context).await,
        "create" if spec.name != "apikey" => create(spec, matches, context).await,
        "update" => update(spec, matches, context).await,
        "delete" => delete(spec, matches, context).await,
        "enable" => switch(spec, matches, true, context).await,
        "disable" => switch(spec, matches, false, context).await,
        "execute" if spec.name == "action" => run::execute(matches, context).await,
        "install" | "remove" | "register" => pack::dispatch(verb, matches, context).await,
        "re-emit" => re_emit(spec, matches, context).await,
        other => extra::dispatch(spec.name, other, matches, context).await,
    }
}

async fn list(spec: &Spec, matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let view: ListView = options(matches)?;
    let format = view.format;
    let session = context.session(&view.identity).await?;
    let iftt =
        spec.list.filters.iter().any(|filter| filter.long == "iftt") && matches.get_flag("iftt");
    let own: &[&str] = if iftt { &IFTT } else { spec.list.attributes };
    let columns = Columns::of_list(&view, own, &[]);
    let query = list_query(spec, matches, &columns);
    let slash = if spec.list.slash && !query.is_empty() { "/" } else { "" };
    let page = session.client.page(&format!("{}{slash}", spec.path), &query).await?;
    let mut items = page.items;
    if spec.list.reversed == Reversed::Always
        || (spec.list.reversed == Reversed::Machine && format.is_plain_document())
    {
        items.reverse();
    }
    print::items(context, &items, &columns, format)?;
    match (spec.list.paged, matches_last(spec, matches)) {
        (Some(entities), Some(last)) if format.is_for_people() => {
            print::cut_note(context, last, page.total, entities)
        }
        _ => Ok(()),
    }
}

fn matches_last(spec: &Spec, matches: &ArgMatches) -> Option<i64> {
    spec.list.paged.and_then(|_| matches.get_one::<i64>("last").copied())
}

fn list_query(
    spec: &Spec,
    matches: &ArgMatches,
    columns: &Columns<'_>,
) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    if spec.list.include && !columns.attributes.iter().any(|name| name == "all") {
        query.push(("include_attributes", columns.attributes.join(",")));
    }
    if let Some(last) = matches_last(spec, matches) {
        query.push(("limit", last.to_string()));
    }
    for filter in spec.list.filters.iter().filter(|filter| !filter.query.is_empty()) {
        match filter.sends {
            Some(value) if matches.get_flag(filter.long) => {
                query.push((filter.query, value.to_owned()))
            }
            Some(_) => {}
            None => query.extend(text(matches, filter.long).map(|value| (filter.query, value))),
        }
    }
    query.extend(spec.list.fixed.iter().map(|(name, value)| (*name, (*value).to_owned())));
    query
}

async fn get(spec: &Spec, matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let format: Format = options(matches)?;
    let attributes: Attributes = options(matches)?;
    let identity: Identity = options(matches)?;
    let session = context.session(&identity).await?;
    let names = texts(matches, "id");
    let mut found = Vec::new();
    for name in &names {
        match find(spec, &session, name).await? {
            Some(item) => found.push(item),
            None => context.say(&format!("{} \"{name}\" is not found.\n", spec.one))?,
        }
    }
    if let ([name], []) = (names.as_slice(), found.as_slice()) {
        return Err(missing(name));
    }
    let columns = Columns::new(&attributes.attr, spec.get.attributes, spec.get.order);
    print::each(context, &found, &columns, format)
}

async fn create(spec: &Spec, matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let body = read_file(matches, context)?;
    let session = context.session(&options::<Identity>(matches)?).await?;
    let made = session.client.post(spec.path, &body).await.map_err(operation)?;
    print::item(context, &made, &everything(), options(matches)?)
}

async fn update(spec: &Spec, matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let mut body = read_file(matches, context)?;
    let session = context.session(&options::<Identity>(matches)?).await?;
    let name = text(matches, "id").unwrap_or_default();
    let known = find(spec, &session, &name).await?.ok_or_else(|| missing(&name))?;
    let id = id_of(&known, &name);
    let Some(fields) = body.as_object_mut() else {
        return Err(Failure::Operation("The file does not hold one object".to_owned()));
    };
    if let Some(other) = fields.get("id").and_then(Value::as_str).filter(|other| *other != id) {
        return Err(Failure::Operation(format!(
            "The file says id \"{other}\", but \"{name}\" has the id \"{id}\""
        )));
    }
    fields.insert("id".to_owned(), id.as_str().into());
    let path = format!("{}/{}", spec.path, segment(&id));
    let made = session.client.put(&path, &body).await.map_err(operation)?;
    print::item(context, &made, &everything(), options(matches)?)
}

async fn delete(spec: &Spec, matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let session = context.session(&options::<Identity>(matches)?).await?;
    let names = texts(matches, "id");
    let mut absent = false;
    for name in &names {
        let Some(known) = find(spec, &session, name).await? else {
            context.say(&format!("{} \"{name}\" is not found.\n", spec.one))?;
            absent = true;
            continue;
        };
        let body = (spec.name == "action")
            .then(|| json!({"remove_files": matches.get_flag("remove-files")}));
        let path = format!("{}/{}", spec.path, segment(&id_of(&known, name)));
        session.client.delete(&path, &[], body.as_ref()).await?;
        context.say(&format!("Resource with id \"{name}\" has been successfully deleted."))?;
    }
    if absent { Err(Failure::Exit(2)) } else { Ok(()) }
}

async fn switch(
    spec: &Spec,
    matches: &ArgMatches,
    enabled: bool,
    context: &mut Context<'_, '_>,
) -> Outcome {
    let session = context.session(&options::<Identity>(matches)?).await?;
    let format: Format = options(matches)?;
    for name in texts(matches, "id") {
        let mut known = find(spec, &session, &name).await?.ok_or_else(|| missing(&name))?;
        let id = id_of(&known, &name);
        if let Some(fields) = known.as_object_mut() {
            fields.insert("enabled".to_owned(), enabled.into());
        }
        let path = format!("{}/{}", spec.path, segment(&id));
        let changed = session.client.put(&path, &known).await.map_err(operation)?;
        print::item(context, &changed, &everything(), format)?;
    }
    Ok(())
}

async fn re_emit(spec: &Spec, matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let session = context.session(&options::<Identity>(matches)?).await?;
    let id = text(matches, "id").unwrap_or_default();
    let path = format!("{}/{}/re_emit", spec.path, segment(&id));
    let answer = session.client.post(&path, &Value::Null).await?;
    let message = answer.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    context.say(&message)
}

async fn find(spec: &Spec, session: &Session, name: &str) -> Outcome<Option<Value>> {
    Ok(session.client.find(&format!("{}/{}", spec.path, segment(name)), &[]).await?)
}

fn read_file(matches: &ArgMatches, context: &Context<'_, '_>) -> Outcome<Value> {
    let name = text(matches, "file").unwrap_or_default();
    content::read(&context.system.directory, Path::new(&name))
}

/// What is shown after a change: everything, in the common order.
fn everything() -> Columns<'static> {
    Columns::new(&[], &["all"], &[])
}

fn id_of(item: &Value, name: &str) -> String {
    item.get("id").and_then(Value::as_str).unwrap_or(name).to_owned()
}

fn missing(name: &str) -> Failure {
    Failure::Refused(format!("Resource {name} not found."))
}

/// A refused change exits with 2, unlike a refused question.
pub(crate) fn operation(error: st2_client::Error) -> Failure {
    match error {
        error @ st2_client::Error::Status { .. } => Failure::Operation(error.to_string()),
        error => error.into(),
    }
}
