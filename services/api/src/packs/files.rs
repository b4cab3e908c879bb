//! The files of a pack.

use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use serde_json::json;
use st2_http::Fault;
use st2_model::{Pack, Timestamp};

use super::find;
use crate::Api;
use crate::api::{Answer, shown};

/// Larger files are not shown.
const FILE_BYTES_MAX: u64 = 500_000;
/// So many bytes are looked at to tell text from other content.
const PROBE_BYTES: usize = 1024;

pub(super) async fn all(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let pack = find(&api, &ref_or_id).await?.value;
    let mut list = Vec::new();
    for name in &pack.files {
        let Ok(path) = inside(&pack, name).await else { continue };
        let is_small = tokio::fs::metadata(&path)
            .await
            .is_ok_and(|found| found.is_file() && found.len() <= FILE_BYTES_MAX);
        if !is_small {
            continue;
        }
        if let Some(text) = tokio::fs::read(&path).await.ok().and_then(into_text) {
            list.push(json!({"file_path": name, "content": text}));
        }
    }
    Ok(shown(list.into()))
}

pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Path((ref_or_id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let pack = find(&api, &ref_or_id).await?.value;
    let missing = || Fault::not_found(format!("File \"{name}\" not found"));
    let path = inside(&pack, &name).await?;
    let found = tokio::fs::metadata(&path).await.map_err(|_| missing())?;
    if !found.is_file() {
        return Err(missing());
    }
    if found.len() > FILE_BYTES_MAX {
        return Err(Fault::bad_request(format!(
            "File \"{name}\" exceeds maximum allowed file size ({FILE_BYTES_MAX} bytes)"
        )));
    }
    let mut answered = HeaderMap::new();
    if let Ok(changed) = found.modified() {
        stamp(&mut answered, changed);
    }
    let is_known = [(IF_NONE_MATCH, ETAG), (IF_MODIFIED_SINCE, LAST_MODIFIED)].into_iter().any(
        |(asked, told)| headers.get(&asked).is_some_and(|asked| answered.get(&told) == Some(asked)),
    );
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, answered).into_response());
    }
    let content = tokio::fs::read(&path).await.map_err(|_| missing())?;
    answered.insert(CONTENT_TYPE, HeaderValue::from_static(kind(&path)));
    Ok((answered, content).into_response())
}

/// The path of a pack's file. It must not lead out of the pack, not even over links.
async fn inside(pack: &Pack, name: &str) -> Result<PathBuf, Fault> {
    let dir = PathBuf::from(pack.path.as_deref().unwrap_or_default());
    let invalid = || {
        Fault::bad_request(format!(
            "Invalid file path: \"{name}\". File path needs to be relative to the pack directory \
             ({}). For example \"my_action.py\".",
            dir.display()
        ))
    };
    let relative = FilePath::new(name);
    let is_plain =
        relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_plain || pack.path.is_none() {
        return Err(invalid());
    }
    let path = dir.join(relative);
    let (Ok(real), Ok(base)) =
        (tokio::fs::canonicalize(&path).await, tokio::fs::canonicalize(&dir).await)
    else {
        return Err(Fault::not_found(format!("File \"{name}\" not found")));
    };
    if real.starts_with(base) { Ok(real) } else { Err(invalid()) }
}

fn stamp(headers: &mut HeaderMap, changed: SystemTime) {
    let since = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
    if let Ok(tag) = HeaderValue::from_str(&format!("{:?}", since.as_secs_f64())) {
        headers.insert(ETAG, tag);
    }
    let at = Timestamp::from_micros(0).after(since).to_jiff();
    let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        headers.insert(LAST_MODIFIED, date);
    }
}

/// The text of a file, unless it is something else.
fn into_text(content: Vec<u8>) -> Option<String> {
    let probe = content.get(..PROBE_BYTES).unwrap_or(&content);
    let marks: [&[u8]; 3] = [&[0xef, 0xbb, 0xbf], &[0xff, 0xfe], &[0xfe, 0xff]];
    if probe.contains(&0) || marks.iter().any(|mark| probe.starts_with(mark)) {
        return None;
    }
    String::from_utf8(content).ok()
}

/// Images are shown by browsers, which believe nothing but the type; the rest is bytes.
fn kind(path: &FilePath) -> &'static str {
    match path.extension().and_then(|end| end.to_str()) {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
