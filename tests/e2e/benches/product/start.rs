//! Time until ready and memory, without content of one's own and with a lot of it.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use st2_e2e::{Node, Site, children, cpu_time, pause, resident_bytes};

use crate::table::{Table, megabytes};

const ORIGINAL_START: &str = "12-20 s";

pub(crate) fn measure(table: &mut Table) -> Result<()> {
    plain(table)?;
    with_actions(table, 2_000, "<= 300 ms unchanged")?;
    with_actions(table, 4_000, "new <= 2 s, same <= 200 ms")
}

fn plain(table: &mut Table) -> Result<()> {
    let site = Site::new()?;
    let node = site.node()?;
    let first = node.ready.milliseconds;
    node.stop()?;
    let node = site.node()?;
    let measured = format!("first {first} ms, again {} ms", node.ready.milliseconds);
    table.line("ready, shipped packs only", &measured, "<= 300 ms", ORIGINAL_START)?;
    idle(table, &node, "idle, shipped packs only")?;
    node.stop()?;
    Ok(())
}

fn with_actions(table: &mut Table, actions: usize, target: &str) -> Result<()> {
    let site = Site::new()?;
    write_pack(&site, actions)?;
    let node = site.node()?;
    let new = node.ready.milliseconds;
    node.stop()?;
    let node = site.node()?;
    let what = format!("ready, pack of {actions} actions");
    let measured = format!("new {new} ms, unchanged {} ms", node.ready.milliseconds);
    table.line(&what, &measured, target, ORIGINAL_START)?;
    idle(table, &node, &format!("idle, pack of {actions} actions"))?;
    node.stop()?;
    Ok(())
}

fn write_pack(site: &Site, actions: usize) -> Result<()> {
    let mut pack = site.pack("generated")?;
    for n in 0..actions {
        let parameter = |position: u32| {
            json!({
                "type": "string", "description": "What it is for.", "required": position < 2,
                "position": position,
            })
        };
        let parameters: serde_json::Map<_, _> =
            (0..6).map(|position| (format!("parameter_{position}"), parameter(position))).collect();
        pack = pack.action(&json!({
            "name": format!("action_{n}"), "runner_type": "noop", "enabled": true,
            "description": "Written by a benchmark.", "parameters": parameters,
        }))?;
    }
    Ok(())
}

/// Memory of the node and its sensors once nothing happens any more, and what doing nothing costs.
fn idle(table: &mut Table, node: &Node, what: &str) -> Result<()> {
    const LOOK: Duration = Duration::from_secs(5);
    pause(Duration::from_secs(1));
    let before = cpu_time(node.pid())?;
    pause(LOOK);
    let busy = cpu_time(node.pid())?.saturating_sub(before);
    let sensors: u64 =
        children(node.pid()).into_iter().map(|pid| resident_bytes(pid).unwrap_or_default()).sum();
    let share = busy.as_secs_f64() / LOOK.as_secs_f64() * 100.0;
    let measured = format!(
        "{} + sensor {}, CPU {share:.1} %",
        megabytes(resident_bytes(node.pid())?),
        megabytes(sensors)
    );
    table.line(what, &measured, "<= 60 MB", "1,170 MB")
}
