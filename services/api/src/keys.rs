//! The datastore.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::Value;
use st2_http::{Caller, Fault, JsonBody, Page, Params};
use st2_intake::{Datastore, DatastoreError, NewKeyValue};
use st2_model::{KeyValue, Scope};
use st2_ports::{Filter, KeyRingError, Query, Sort};
use st2_wire::content;

use crate::Api;
use crate::api::{Answer, removed, shown};
use crate::forms::{Form, flag, text};
use crate::listing::{By, Listing, counted};

const LISTING: Listing = Listing {
    limit: Some(100),
    filters: &[("id", By::Id), ("name", By::Text("name"))],
    order: &[("name", st2_ports::Order::Ascending)],
    members: &[],
    excludable: &[],
    keeps: &[],
};

static ITEM: Form = Form::new(
    r#"{"type": "object", "properties": {
        "name": {"type": "string", "required": true},
        "value": {"type": "string", "required": true},
        "description": {"type": ["string", "null"]},
        "scope": {"type": ["string", "null"]},
        "user": {"type": ["string", "null"]},
        "ttl": {"type": ["integer", "null"], "minimum": 1},
        "secret": {"type": ["boolean", "null"]},
        "encrypted": {"type": ["boolean", "null"]}
    }}"#,
);

/// The scopes of a list.
enum Scopes {
    One(Scope),
    /// The system's and one user's.
    All(String),
}

pub(crate) fn routes() -> Router<Arc<Api>> {
    // Greedy: names may hold slashes.
    Router::new().route("/keys", get(list)).route("/keys/{*name}", get(one).put(set).delete(remove))
}

async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    params: Params,
) -> Answer {
    let decrypt = params.boolean("decrypt")?.unwrap_or(false);
    let user = user(&params, &caller)?;
    let scopes = match params.text("scope").map(|scope| (scope, short(scope))) {
        None if params.text("user").is_some() => Scopes::One(Scope::User(user)),
        None => Scopes::One(Scope::System),
        Some((_, "system")) => Scopes::One(Scope::System),
        Some((_, "user")) => Scopes::One(Scope::User(user)),
        Some((_, "all")) => Scopes::All(user),
        Some((_, other)) => {
            return Err(Fault::bad_request(format!("Invalid scope: st2kv.{other}")));
        }
    };
    let question = LISTING.question(&params)?;
    let page = question.page();
    let mut filter = question.filter.clone();
    if let Some(prefix) = params.text("prefix") {
        filter = filter.and(Filter::Prefix("name".to_owned(), prefix.to_owned()));
    }
    let parts = match scopes {
        Scopes::One(scope) => vec![filter.and(Datastore::in_scope(&scope))],
        Scopes::All(user) => vec![
            filter.clone().and(Datastore::in_scope(&Scope::System)),
            filter.and(Datastore::in_scope(&Scope::User(user))),
        ],
    };
    let (items, total) = union(&api, parts, question.sorted(), page).await?;
    let list = items.iter().map(|item| show(&api, item, decrypt)).collect::<Result<_, _>>()?;
    Ok(counted(list, total, page.limit))
}

/// One page over the answers of several questions, in their order, and how many there are in all.
async fn union(
    api: &Api,
    filters: Vec<Filter>,
    sort: Vec<Sort>,
    page: Page,
) -> Result<(Vec<KeyValue>, u64), Fault> {
    let repository = api.ports.repository::<KeyValue>();
    let (mut items, mut total) = (Vec::new(), 0);
    let (mut skip, mut left) = (page.offset, page.limit);
    for filter in filters {
        let count = repository.count(&filter).await?;
        total += count;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if left != Some(0) && skip < count {
            let mut query = Query::of(filter).offset(skip);
            query.sort.clone_from(&sort);
            query.limit = left;
            let found = repository.find(&query).await?;
            left = left.map(|left| left.saturating_sub(found.len()));
            items.extend(found.into_iter().map(|item| item.value));
        }
        skip = skip.saturating_sub(count);
    }
    Ok((items, total))
}

async fn one(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    params: Params,
) -> Answer {
    let decrypt = params.boolean("decrypt")?.unwrap_or(false);
    let scope = single_scope(&params, &caller)?;
    let item = api.datastore.get(&scope, &name).await?.ok_or_else(|| missing(&name))?;
    Ok(shown(show(&api, &item, decrypt)?))
}

async fn set(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    JsonBody(body): JsonBody,
) -> Answer {
    let members = ITEM.check(body)?;
    let user = text(&members, "user").filter(|user| !user.is_empty());
    let scope = scope(text(&members, "scope"), user, &caller)?;
    let ttl = members.get("ttl").and_then(Value::as_u64);
    let new = NewKeyValue {
        scope,
        name: name.clone(),
        value: text(&members, "value").unwrap_or_default().to_owned(),
        secret: flag(&members, "secret"),
        encrypted: flag(&members, "encrypted"),
        description: text(&members, "description").map(str::to_owned),
        ttl: ttl.map(Duration::from_secs),
        is_note: false,
    };
    let item = api.datastore.set(new).await.map_err(|error| match error {
        DatastoreError::Store(error) => error.into(),
        DatastoreError::Key(error) => key_fault(&api, &name, &error),
        other => Fault::bad_request(other.to_string()),
    })?;
    Ok(shown(content::key_value(&item)))
}

async fn remove(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    params: Params,
) -> Answer {
    let scope = single_scope(&params, &caller)?;
    if api.datastore.delete(&scope, &name).await? {
        return Ok(removed());
    }
    Err(missing(&name))
}

fn show(api: &Api, item: &KeyValue, decrypt: bool) -> Result<Value, Fault> {
    let mut shown = content::key_value(item);
    if !decrypt || !item.secret {
        return Ok(shown);
    }
    let open = api.datastore.reveal(item);
    let open = open.map_err(|error| key_fault(api, &item.name, &error))?;
    if let Value::Object(members) = &mut shown {
        members.insert("value".to_owned(), open.reveal().as_str().into());
        members.insert("encrypted".to_owned(), false.into());
    }
    Ok(shown)
}

fn key_fault(api: &Api, name: &str, error: &KeyRingError) -> Fault {
    match error {
        KeyRingError::NoKey => Fault::bad_request(format!(
            "Crypto key not found in {}. Unable to encrypt / decrypt value for key {name}.",
            api.settings.encryption_key_path
        )),
        KeyRingError::Undecipherable(_) => {
            Fault::bad_request(format!("The value of key \"{name}\" can not be decrypted: {error}"))
        }
    }
}

fn single_scope(params: &Params, caller: &Caller) -> Result<Scope, Fault> {
    scope(params.text("scope"), params.text("user"), caller)
}

/// The scope of one item. A named user means the user's, unless a scope is named; `all` means
/// the system's.
fn scope(named: Option<&str>, user: Option<&str>, caller: &Caller) -> Result<Scope, Fault> {
    let of_user = || Ok(Scope::User(same_user(user, caller)?));
    match named.filter(|named| !named.is_empty()).map(short) {
        None if user.is_some() => of_user(),
        Some("user") => of_user(),
        None | Some("system" | "all") => {
            same_user(user, caller)?;
            Ok(Scope::System)
        }
        Some(other) => Err(Fault::bad_request(format!(
            "Scope st2kv.{other} is not in allowed scopes list: ['system', 'user', \
             'st2kv.system', 'st2kv.user']."
        ))),
    }
}

fn short(scope: &str) -> &str {
    scope.strip_prefix("st2kv.").unwrap_or(scope)
}

fn user(params: &Params, caller: &Caller) -> Result<String, Fault> {
    same_user(params.text("user"), caller)
}

/// Another user's items are for administrators with roles switched on, which they are not.
fn same_user(named: Option<&str>, caller: &Caller) -> Result<String, Fault> {
    match named.filter(|named| *named != caller.user) {
        None => Ok(caller.user.clone()),
        Some(_) => Err(Fault::forbidden(
            "\"user\" attribute can only be provided by admins when RBAC is enabled",
        )),
    }
}

fn missing(name: &str) -> Fault {
    Fault::not_found(format!("The key \"{name}\" does not exist in the StackStorm datastore."))
}
