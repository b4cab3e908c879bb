//! Making events happen and seeing, through the API, what became of them.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use st2_support::wait_for as until;

use crate::client::Client;

/// How long a consequence may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Appends to a file, which is made if there is none.
///
/// # Errors
/// When it can not be written.
pub fn append(file: &Path, text: &str) -> Result<()> {
    OpenOptions::new().create(true).append(true).open(file)?.write_all(text.as_bytes())?;
    Ok(())
}

/// Waits until so many files are followed: their positions are stored then, and what is appended
/// from now on is not missed.
///
/// # Errors
/// When that takes too long.
pub fn followed(api: &mut Client, files: usize) -> Result<()> {
    until("the sensor following its files", PATIENCE, || {
        let items = api.get("/v1/keys?scope=all&limit=100")?;
        let is_position = |item: &&Value| {
            item.get("name").and_then(Value::as_str).is_some_and(|name| name.contains(":position."))
        };
        let found = items.as_array().into_iter().flatten().filter(is_position).count();
        Ok((found >= files).then_some(()))
    })
}

/// Waits until a rule has fired so many times, at most 100, and gives the enforcements, the last
/// one first.
///
/// # Errors
/// When that takes too long.
pub fn fired(api: &mut Client, rule: &str, times: usize) -> Result<Vec<Value>> {
    until(&format!("{rule} firing {times} times"), PATIENCE, || {
        let found = api.get(&format!("/v1/ruleenforcements?rule_ref={rule}&limit=100"))?;
        let found = found.as_array().cloned().unwrap_or_default();
        Ok((found.len() >= times).then_some(found))
    })
}

/// Waits until an execution has ended, and gives it.
///
/// # Errors
/// When that takes too long.
pub fn ended(api: &mut Client, id: &str) -> Result<Value> {
    until(&format!("the end of execution {id}"), PATIENCE, || {
        let found = api.get(&format!("/v1/executions/{id}"))?;
        let is_over = found.get("end_timestamp").is_some_and(|at| !at.is_null());
        Ok(is_over.then_some(found))
    })
}
