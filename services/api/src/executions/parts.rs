//! What hangs on one execution: output, result, single attributes, children.

use std::io::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::IntoResponse;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;
use serde_json::Value;
use st2_execution::Executions;
use st2_http::{Fault, Params};
use st2_model::{Execution, Id, OutputChunk, kinds};
use st2_ports::{Filter, Order, Query, StoreError};

use super::find;
use super::show::{Wish, execution_fault};
use crate::Api;
use crate::api::Answer;
use crate::lookup;
use crate::projection::Projection;

/// Chunks of output that are read at once.
const CHUNKS_AT_ONCE: usize = 200;
/// Executions that one answer of children holds at most.
const CHILDREN_MAX: usize = 100_000;

pub(super) async fn output(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    let execution = find(&api, &id).await?.value;
    let kind = params.text("output_type").unwrap_or("all").to_owned();
    let executions = api.executions.clone();
    let chunks = stream::try_unfold(Some(0), move |from| {
        let (executions, kind) = (executions.clone(), kind.clone());
        async move {
            match from {
                Some(from) => next(&executions, execution.id, &kind, from).await.map(Some),
                None => Ok(None),
            }
        }
    });
    let kind = [(CONTENT_TYPE, "text/plain; charset=UTF-8")];
    Ok((kind, Body::from_stream(chunks)).into_response())
}

/// The text of some chunks, and where to go on.
async fn next(
    executions: &Executions,
    id: Id<kinds::Execution>,
    kind: &str,
    from: u64,
) -> Result<(String, Option<u64>), StoreError> {
    let chunks = executions.output(id, from, CHUNKS_AT_ONCE).await?;
    let next = match chunks.last() {
        Some(last) if chunks.len() == CHUNKS_AT_ONCE => Some(last.sequence + 1),
        _ => None,
    };
    let wanted = |chunk: &&OutputChunk| kind == "all" || chunk.output_type.as_str() == kind;
    Ok((chunks.iter().filter(wanted).map(|chunk| chunk.data.as_str()).collect(), next))
}

pub(super) async fn result(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    let flag = |name: &str| params.boolean(name).map(|flag| flag.unwrap_or(false));
    let (download, compress) = (flag("download")?, flag("compress")?);
    let execution = lookup::by_id::<Execution>(&api.ports, &id).await?.value;
    let result = masked_result(&api, &execution).await?.unwrap_or(Value::Null);
    let text = if flag("pretty_format")? {
        serde_json::to_vec_pretty(&result)
    } else {
        serde_json::to_vec(&result)
    };
    let mut bytes = text.map_err(|error| Fault::internal(&error))?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/json"));
    if compress {
        bytes = zip(&bytes).map_err(|error| Fault::internal(&error))?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-gzip"));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if download {
        let end = if compress { ".gz" } else { "" };
        let name = format!("attachment; filename=execution_{}_result.json{end}", execution.id);
        if let Ok(name) = HeaderValue::from_str(&name) {
            headers.insert(CONTENT_DISPOSITION, name);
        }
    }
    Ok((headers, bytes).into_response())
}

fn zip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

async fn masked_result(api: &Api, execution: &Execution) -> Result<Option<Value>, Fault> {
    let known = api.executions.content(execution).await;
    let known = known.map_err(|error| execution_fault(&error))?;
    let wish = Wish { show_secrets: !api.settings.mask_secrets, ..Wish::default() };
    api.shown_result(execution, &known, &wish).await
}

pub(super) async fn attribute(
    State(api): State<Arc<Api>>,
    Path((id, attribute)): Path<(String, String)>,
) -> Answer {
    if !matches!(attribute.as_str(), "result" | "trigger_instance" | "status") {
        return Err(Fault::bad_request(format!(
            "Invalid attribute \"{attribute}\" specified. Valid attributes are: result, \
             trigger_instance, status"
        )));
    }
    let execution = lookup::by_id::<Execution>(&api.ports, &id).await?.value;
    let wish = Wish {
        projection: Projection::only(&attribute),
        show_secrets: !api.settings.mask_secrets,
        result_bytes_max: None,
    };
    let mut shown = api.show_execution(&execution, &wish).await?;
    let value = shown.get_mut(&attribute).map(Value::take);
    Ok(Json(value.unwrap_or(Value::Null)).into_response())
}

pub(super) async fn children(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    let depth = params.integer("depth")?.unwrap_or(-1);
    let projection = super::LISTING.projection(&params)?;
    let parent = lookup::by_id::<Execution>(&api.ports, &id).await?.value;
    let mut found = descendants(&api, parent.id, depth).await?;
    if params.text("result_fmt") == Some("sorted") {
        found.sort_by_key(|child| child.start_timestamp);
    }
    let wish =
        Wish { projection, show_secrets: !api.settings.mask_secrets, result_bytes_max: None };
    Ok(Json(api.show_executions(&found, &wish).await?).into_response())
}

/// The executions below `root`, parents before children, siblings by start time. A negative depth
/// means all of them.
async fn descendants(
    api: &Api,
    root: Id<kinds::Execution>,
    depth: i64,
) -> Result<Vec<Execution>, Fault> {
    let mut found = Vec::new();
    let mut open = below(api, root, depth).await?;
    while let Some((child, depth)) = open.pop() {
        if found.len() >= CHILDREN_MAX {
            let text = format!("The execution has more than {CHILDREN_MAX} children.");
            return Err(Fault::bad_request(text));
        }
        if depth != 0 {
            open.extend(below(api, child.id, depth).await?);
        }
        found.push(child);
    }
    Ok(found)
}

/// The children of one execution, the first one last, with the depth that is left.
async fn below(
    api: &Api,
    parent: Id<kinds::Execution>,
    depth: i64,
) -> Result<Vec<(Execution, i64)>, Fault> {
    if depth == 0 {
        return Ok(Vec::new());
    }
    let query = Query::of(Filter::eq("parent", parent.to_string()));
    let query = query.by("start_timestamp", Order::Descending);
    let found = api.ports.repository::<Execution>().find(&query).await?;
    Ok(found.into_iter().map(|child| (child.value, depth - 1)).collect())
}
