//! `st2sensorcontainer` with one sensor, beside an `st2d` that runs none.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use st2_e2e::{Program, Site, append, children, ended, fired, followed, rule, signal, until};
use st2_model::{KeyValue, TriggerInstance};
use tokio::time::Instant;

const SENSOR: &str = "linux.FileWatchSensor";
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the end of a sensor may go unnoticed.
const SOON: Duration = Duration::from_secs(5);

fn container(site: &Site, sensor: &str) -> Result<Program> {
    let arguments = ["--single-sensor-mode", "--sensor-ref", sensor];
    Ok(site.program("st2sensorcontainer")?.args(arguments))
}

#[test]
fn one_sensor_in_a_process_of_its_own() -> Result<()> {
    let site = Site::new()?;
    let file = site.path("watched");
    site.pack("single")?.rule(&rule("single", "line", &file, "core.noop", json!({})))?;
    let node = site.node_of(&site.st2d()?.args(["--without-sensors"]))?;
    let mut api = node.client()?;
    assert!(children(node.pid()).is_empty(), "no sensor runs here");

    // Events go into the store of the node, and its engines act on them.
    let mut process = site.start(&container(&site, SENSOR)?)?;
    let ready = process.line("ready in ", PATIENCE)?;
    assert!(ready.ends_with(&format!(" ms, data {}", node.ready.data.display())), "{ready}");
    followed(&mut api, 1)?;
    for n in 0..20 {
        append(&file, &format!("first {n}\n"))?;
    }
    for enforcement in fired(&mut api, "single.line", 20)? {
        let id = enforcement["execution_id"].as_str().unwrap_or_default();
        assert_eq!(ended(&mut api, id)?["status"], "succeeded");
    }

    // Killed, the sensor takes its container along, which tells how: -9, as the shell shows it.
    let sensors = children(process.pid());
    assert_eq!(sensors.len(), 1, "{sensors:?}");
    let start = Instant::now();
    signal(sensors[0], "KILL")?;
    let end = process.wait(SOON)?;
    println!("the container ended {:?} after its sensor was killed", start.elapsed());
    assert_eq!(end.code, Some(-9 & 0xff), "{}", end.stderr);
    let errors: Vec<&str> = end.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors, ["error: sensorcontainer: the sensor ended with code -9"]);
    append(&file, "while nobody watched\n")?;

    // The next one goes on where the first one was, and cleans up when it is asked to stop.
    let mut process = site.start(&container(&site, SENSOR)?)?;
    process.line("ready in ", PATIENCE)?;
    for n in 0..20 {
        append(&file, &format!("second {n}\n"))?;
    }
    fired(&mut api, "single.line", 41)?;
    process.signal("TERM")?;
    let end = process.wait(PATIENCE)?;
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert!(end.stderr.contains("reason=Stopped code=0"), "{}", end.stderr);
    assert!(!end.stderr.contains(" WARN ") && !end.stderr.contains("ERROR"), "{}", end.stderr);
    let logged = node.stop()?.stderr;
    assert!(!logged.contains("did not stop in time"), "{logged}");
    site.nothing_left()?;

    let records = site.records()?;
    let mut lines: BTreeMap<String, u32> = BTreeMap::new();
    let mut exits = Vec::new();
    for instance in records.all::<TriggerInstance>()? {
        let payload = records.payload(&instance.payload)?;
        if instance.trigger.pack() == "linux" {
            *lines.entry(payload["line"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        } else if instance.trigger.name() == "st2.sensor.process_exit" {
            exits.push(payload["exit_code"].clone());
        }
    }
    assert_eq!(lines.len(), 41, "{lines:?}");
    assert!(lines.values().all(|times| *times == 1), "{lines:?}");
    exits.sort_by_key(Value::as_i64);
    assert_eq!(exits, [json!(-9), json!(0)], "what the node was told of the ends");
    let positions = records.all::<KeyValue>()?;
    let stored = positions.iter().find(|item| item.name.contains(":position."));
    let stored: Value = serde_json::from_str(&stored.expect("a position").value)?;
    assert_eq!(stored["files"][0]["offset"], json!(std::fs::metadata(&file)?.len()), "{stored}");
    Ok(())
}

#[test]
fn a_second_container_takes_over_and_the_node_may_restart() -> Result<()> {
    let site = Site::new()?;
    let file = site.path("watched");
    site.pack("single")?.rule(&rule("single", "line", &file, "core.noop", json!({})))?;
    let st2d = site.st2d()?.args(["--without-sensors"]);
    let mut node = site.node_of(&st2d)?;
    let mut api = node.client()?;
    let mut first = site.start(&container(&site, SENSOR)?)?;
    first.line("ready in ", PATIENCE)?;
    followed(&mut api, 1)?;
    let mut second = site.start(&container(&site, SENSOR)?)?;
    second.line("ready in ", PATIENCE)?;
    append(&file, "one\n")?;
    fired(&mut api, "single.line", 1)?;
    assert!(children(second.pid()).is_empty(), "the second one stands by: {}", second.log());

    first.kill()?;
    append(&file, "two\n")?;
    fired(&mut api, "single.line", 2)?;
    let sensors = until("the sensor in the second container", PATIENCE, || {
        Ok(Some(children(second.pid())).filter(|sensors| sensors.len() == 1))
    })?;
    assert_eq!(sensors.len(), 1);

    // A node that dies and comes back is found again.
    node.kill()?;
    append(&file, "three\n")?;
    let node = site.node_of(&st2d)?;
    let mut api = node.client()?;
    append(&file, "four\n")?;
    fired(&mut api, "single.line", 4)?;
    second.signal("TERM")?;
    assert_eq!(second.wait(PATIENCE)?.code, Some(0));
    node.stop()?;
    site.nothing_left()?;
    let seen = site.records()?.all::<TriggerInstance>()?;
    let seen = seen.iter().filter(|instance| instance.trigger.pack() == "linux").count();
    assert_eq!(seen, 4, "each line once");
    Ok(())
}

#[test]
fn wrong_arguments_are_refused_with_or_without_a_node() -> Result<()> {
    let site = Site::new()?;
    let cases: [(&[&str], &str); 3] = [
        (
            &["--single-sensor-mode"],
            "error: --sensor-ref argument must be provided when running in single sensor mode",
        ),
        (
            &["--single-sensor-mode", "--sensor-ref", "linux.Nobody"],
            "error: sensorcontainer: Sensor linux.Nobody not found.",
        ),
        (&["--single-sensor-mode", "--sensor-ref", "nodot"], "error: --sensor-ref nodot: "),
    ];
    let check = || -> Result<()> {
        for (arguments, text) in cases {
            let end = site.run(&site.program("st2sensorcontainer")?.args(arguments))?;
            assert_eq!(end.code, Some(1), "{arguments:?}: {}", end.stderr);
            assert_eq!(end.stdout, "", "{arguments:?}");
            let errors: Vec<&str> =
                end.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
            assert_eq!(errors.len(), 1, "{arguments:?}: {}", end.stderr);
            assert!(errors[0].starts_with(text), "{}", errors[0]);
        }
        Ok(())
    };
    check()?;
    let node = site.node_of(&site.st2d()?.args(["--without-sensors"]))?;
    check()?;
    node.stop()?;
    site.nothing_left()
}
