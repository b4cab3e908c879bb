//! How many executions of the runner `noop` come to their end in a second, every step of each
//! stored, and how long one takes from its request to its first moment in a runner's hands.
//!
//! `cargo bench -p st2-stress --bench noop` prints it for the store in memory and for SQLite on
//! disk.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends when it can not run"
)]

#[path = "support/site.rs"]
mod site;

use futures::StreamExt;
use st2_execution::Request;
use st2_model::Object;
use st2_ports::Ports;
use tokio::time::Instant;

const EXECUTIONS: usize = 20_000;
const REQUESTERS: usize = 64;
const SINGLES: usize = 500;

fn request() -> Request {
    Request::new(site::ACTION.parse().unwrap(), Object::new()).by("ada")
}

async fn measure(name: &str, ports: Ports) {
    let (executions, mut calls) = site::engines(&ports).await;
    let mut waits = Vec::with_capacity(SINGLES);
    for _ in 0..SINGLES {
        let asked = Instant::now();
        executions.request(request()).await.unwrap();
        waits.push(calls.recv().await.unwrap().1 - asked);
    }
    println!("{name}: request to runner, one at a time: {}", site::percentiles(waits));

    let began = Instant::now();
    futures::stream::iter(0..EXECUTIONS)
        .map(|_| executions.request(request()))
        .buffer_unordered(REQUESTERS)
        .for_each(|requested| async move { drop(requested.unwrap()) })
        .await;
    let requested = began.elapsed();
    site::until_completed(&ports, EXECUTIONS + SINGLES).await;
    let all = began.elapsed();
    let rate = EXECUTIONS as f64 / all.as_secs_f64();
    println!(
        "{name}: {EXECUTIONS} executions requested in {requested:.2?}, completed in {all:.2?}: \
         {rate:.0}/s"
    );
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        measure("memory", site::in_memory()).await;
        let (ports, _folder) = site::on_disk();
        measure("sqlite", ports).await;
    });
}
