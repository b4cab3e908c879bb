//! Lists: from query parameters to a question to the store, and from rows to an answer.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use st2_http::{Fault, Page, Params};
use st2_model::{ResourceRef, Timestamp};
use st2_ports::{Entity, Filter, Order, Ports, Query, Sort};

use crate::projection::Projection;

/// Most ids in one filter of executions.
const IDS_MAX: usize = 100;

/// How a query parameter narrows a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Ids between commas.
    Id,
    /// Up to a hundred ids between commas.
    FewIds,
    /// The text at this path.
    Text(&'static str),
    /// One of the texts between commas, at this path.
    OneOf(&'static str),
    /// The flag at this path.
    Flag(&'static str),
    /// The pack of a resource.
    Pack,
    /// The names, between commas, of a resource of a pack.
    Name,
    /// The time at this path: one, or a range `from..to`.
    Time(&'static str),
    /// The time at this path, later than the given one.
    After(&'static str),
    /// The time at this path, earlier than the given one.
    Before(&'static str),
}

/// How one resource is listed.
pub(crate) struct Listing {
    /// The limit when none is asked for; `None` for all.
    pub(crate) limit: Option<usize>,
    /// Query parameters that narrow the list.
    pub(crate) filters: &'static [(&'static str, By)],
    /// The order when none is asked for, by paths of the store.
    pub(crate) order: &'static [(&'static str, Order)],
    /// Members that a projection may name.
    pub(crate) members: &'static [&'static str],
    /// Members that may be excluded; empty for all.
    pub(crate) excludable: &'static [&'static str],
    /// Members that every projection keeps.
    pub(crate) keeps: &'static [&'static str],
}

/// A record that can be listed.
pub(crate) trait Row: Entity {
    /// Its ref, when it is a resource of a pack.
    fn reference(&self) -> Option<&ResourceRef> {
        None
    }
}

macro_rules! rows {
    (pack: $($kind:ident),*; other: $($plain:ident),*) => {
        $(impl Row for st2_model::$kind {
            fn reference(&self) -> Option<&ResourceRef> {
                Some(&self.reference)
            }
        })*
        $(impl Row for st2_model::$plain {})*
    };
}
rows! {
    pack: Action, ActionAlias, Policy, Rule, SensorType, TriggerType;
    other: ApiKey, Config, ConfigSchema, Execution, Pack, PolicyType, RuleEnforcement, RunnerType,
        TriggerInstance
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Rows<E> {
    /// The rows of the page.
    pub(crate) items: Vec<E>,
    /// How many there are in all.
    pub(crate) total: u64,
    /// The limit of the page.
    pub(crate) limit: Option<usize>,
}

/// A list's question, before it is asked.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) filter: Filter,
    /// Names of resources of packs, which the store does not know apart from their refs.
    names: Option<Vec<String>>,
    sort: Vec<Sort>,
    sorts_by_name: Option<Order>,
    page: Page,
    /// Members of the record that are not read.
    pub(crate) without: Vec<&'static str>,
}

impl Listing {
    /// The projection of a request.
    pub(crate) fn projection(&self, params: &Params) -> Result<Projection, Fault> {
        Projection::parse(params, self)
    }

    /// What a request asks for.
    pub(crate) fn question(&self, params: &Params) -> Result<Question, Fault> {
        let page = params.page(self.limit)?;
        let (sort, sorts_by_name) = self.sort(params);
        let mut question = Question {
            filter: Filter::All,
            names: None,
            sort,
            sorts_by_name,
            page,
            without: Vec::new(),
        };
        for (name, by) in self.filters {
            if let Some(value) = params.text(name) {
                question.narrow(*by, value)?;
            }
        }
        Ok(question)
    }

    fn sort(&self, params: &Params) -> (Vec<Sort>, Option<Order>) {
        let mut sort = Vec::new();
        let mut by_name = None;
        for (index, key) in params.list("sort").unwrap_or_default().into_iter().enumerate() {
            let key = key.trim();
            let (name, order) = match key.strip_prefix('-') {
                Some(name) => (name, Order::Descending),
                None => (key.strip_prefix('+').unwrap_or(key), Order::Ascending),
            };
            if index == 0 && name == "name" && self.is_of_packs() {
                by_name = Some(order);
            } else if let Some(path) = self.sort_path(name) {
                sort.push(Sort { path: path.to_owned(), order });
            }
        }
        if sort.is_empty() {
            let order = self.order.iter();
            sort = order
                .map(|(path, order)| Sort { path: (*path).to_owned(), order: *order })
                .collect();
        }
        (sort, by_name)
    }

    fn is_of_packs(&self) -> bool {
        self.filters.iter().any(|(_, by)| *by == By::Name)
    }

    fn sort_path(&self, name: &str) -> Option<&'static str> {
        let filter = self.filters.iter().find(|(filter, _)| *filter == name);
        match (filter, name) {
            (Some((_, by)), _) => match by {
                By::Id | By::FewIds => Some("id"),
                By::Text(path) | By::OneOf(path) | By::Flag(path) => Some(path),
                By::Time(path) | By::After(path) | By::Before(path) => Some(path),
                By::Pack | By::Name => Some("ref"),
            },
            (None, "id") => Some("id"),
            (None, "ref") if self.is_of_packs() => Some("ref"),
            (None, _) => None,
        }
    }
}

impl Question {
    /// The part that is asked for.
    pub(crate) const fn page(&self) -> Page {
        self.page
    }

    /// The order that is asked for.
    pub(crate) fn sorted(&self) -> Vec<Sort> {
        self.sort.clone()
    }

    /// Adds a condition.
    pub(crate) fn and(&mut self, filter: Filter) {
        let all = std::mem::replace(&mut self.filter, Filter::All);
        self.filter = all.and(filter);
    }

    /// Sorts by `path` before everything else.
    pub(crate) fn sort_first(&mut self, path: &str, order: Order) {
        self.sort.retain(|sort| sort.path != path);
        self.sort.insert(0, Sort { path: path.to_owned(), order });
    }

    fn narrow(&mut self, by: By, value: &str) -> Result<(), Fault> {
        match by {
            By::Id => self.and(ids(value, None)?),
            By::FewIds => self.and(ids(value, Some(IDS_MAX))?),
            By::Text(path) => self.and(equals(path, value)),
            By::OneOf(path) => self.and(Filter::is_in(path, value.split(','))),
            By::Flag(path) => self.and(Filter::eq(path, flag(value)?)),
            By::Pack => self.and(Filter::Prefix("ref".to_owned(), format!("{value}."))),
            By::Name => {
                let names: Vec<String> = value.split(',').map(str::to_owned).collect();
                let holds = |name: &String| Filter::Contains("ref".to_owned(), format!(".{name}"));
                self.and(Filter::Or(names.iter().map(holds).collect()));
                self.names = Some(names);
            }
            By::Time(path) => match value.split_once("..") {
                Some((from, to)) => self.range(path, time(from)?, time(to)?),
                None => self.and(Filter::eq(path, time(value)?.micros())),
            },
            By::After(path) => self.and(Filter::at_least(path, time(value)?.micros() + 1)),
            By::Before(path) => self.and(Filter::below(path, time(value)?.micros())),
        }
        Ok(())
    }

    /// Between two times, both included; the later first when `from` is the later.
    fn range(&mut self, path: &'static str, from: Timestamp, to: Timestamp) {
        let order = if from > to { Order::Descending } else { Order::Ascending };
        let (first, last) = (from.min(to), from.max(to));
        self.and(Filter::Range {
            path: path.to_owned(),
            from: Some(first.micros().into()),
            to: Some((last.micros() + 1).into()),
        });
        self.sort_first(path, order);
    }

    /// Asks the store.
    pub(crate) async fn ask<E: Row>(self, ports: &Ports) -> Result<Rows<E>, Fault> {
        let repository = ports.repository::<E>();
        let mut query = Query::of(self.filter);
        query.sort = self.sort;
        query.without = self.without;
        let Page { limit, offset } = self.page;
        if self.names.is_none() && self.sorts_by_name.is_none() {
            query.limit = limit;
            query.offset = offset;
            let items: Vec<E> = values(repository.find(&query).await?);
            let found = offset + items.len();
            let is_last = limit.is_none_or(|limit| items.len() < limit);
            let total = match is_last && (offset == 0 || !items.is_empty()) {
                true => u64::try_from(found).unwrap_or(u64::MAX),
                false => repository.count(&query.filter).await?,
            };
            return Ok(Rows { items, total, limit });
        }
        let mut items: Vec<E> = values(repository.find(&query).await?);
        let name = |item: &E| item.reference().map(|found| found.name().to_owned());
        if let Some(names) = &self.names {
            items.retain(|item| name(item).is_some_and(|name| names.contains(&name)));
        }
        match self.sorts_by_name {
            Some(Order::Ascending) => items.sort_by_key(name),
            Some(Order::Descending) => items.sort_by_key(|item| std::cmp::Reverse(name(item))),
            None => {}
        }
        let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
        let page = items.into_iter().skip(offset).take(limit.unwrap_or(usize::MAX)).collect();
        Ok(Rows { items: page, total, limit })
    }
}

fn values<E>(found: Vec<st2_ports::Versioned<E>>) -> Vec<E> {
    found.into_iter().map(|found| found.value).collect()
}

/// The text at `path` is `value`; the word null asks for its absence.
pub(crate) fn equals(path: &str, value: &str) -> Filter {
    if value.eq_ignore_ascii_case("null") {
        return Filter::Exists(path.to_owned(), false);
    }
    Filter::eq(path, value)
}

fn ids(value: &str, most: Option<usize>) -> Result<Filter, Fault> {
    let ids: Vec<&str> = value.split(',').collect();
    if let Some(most) = most.filter(|most| ids.len() > *most) {
        return Err(Fault::bad_request(format!(
            "Maximum of {most} items can be provided for a query parameter value"
        )));
    }
    if let Some(id) = ids.iter().find(|id| !is_id(id)) {
        return Err(Fault::bad_request(format!(
            "'{id}' is not a valid ObjectId, it must be a 12-byte input or a 24-character hex \
             string"
        )));
    }
    Ok(Filter::is_in("id", ids))
}

/// Whether a text has the form of an id.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn flag(value: &str) -> Result<bool, Fault> {
    match value {
        "1" | "true" | "True" => Ok(true),
        "0" | "false" | "False" => Ok(false),
        _ => Err(Fault::bad_request(format!("Invalid bool representation \"{value}\" provided."))),
    }
}

/// Reads a time.
pub(crate) fn time(value: &str) -> Result<Timestamp, Fault> {
    value
        .trim()
        .parse()
        .map_err(|_| Fault::bad_request("Datetime value does not match expected format."))
}

impl<E> Rows<E> {
    /// The answer of a list that shows each row by itself.
    pub(crate) fn answer(self, show: impl FnMut(&E) -> Value) -> Response {
        let shown = self.items.iter().map(show).collect();
        self.with(shown)
    }

    /// The answer of a list whose rows were turned into `shown`.
    pub(crate) fn with(&self, shown: Vec<Value>) -> Response {
        counted(shown, self.total, self.limit)
    }
}

/// A list with the headers that say how much there is.
pub(crate) fn counted(shown: Vec<Value>, total: u64, limit: Option<usize>) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("x-total-count"), HeaderValue::from(total));
    if let Some(limit) = limit {
        headers.insert(HeaderName::from_static("x-limit"), HeaderValue::from(limit));
    }
    (headers, Json(Value::Array(shown))).into_response()
}
