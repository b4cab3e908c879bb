//! Sensors on their real channel, against the fake host of the kit.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};
use st2_protocol::{ChannelLimits, ErrorCode, HostCall, Nothing};

use crate::testing::FakeHost;
use crate::{
    DispatchItem, DispatchOutcome, Error, PollingSensor, Sensor, SensorContext, SensorResult,
    Trigger,
};

fn item(trigger: &str, key: Option<&str>) -> DispatchItem {
    DispatchItem {
        trigger: trigger.to_owned(),
        dedupe_key: key.map(str::to_owned),
        ..DispatchItem::default()
    }
}

/// A sensor made of a closure that is its `run`.
struct Run<F>(F);

impl<F: Fn(&SensorContext) -> SensorResult + Send + Sync + 'static> Sensor for Run<F> {
    fn run(&self, context: &SensorContext) -> SensorResult {
        (self.0)(context)
    }
}

fn idle(context: &SensorContext) -> SensorResult {
    context.stop().wait(Duration::MAX);
    Ok(())
}

#[test]
fn calls_come_in_order_and_cleanup_after_run() {
    #[derive(Default)]
    struct Recorder(Arc<Mutex<Vec<String>>>);
    impl Recorder {
        fn note(&self, text: impl Into<String>) -> SensorResult {
            self.0.lock().unwrap().push(text.into());
            Ok(())
        }
    }
    impl Sensor for Recorder {
        fn setup(&self, context: &SensorContext) -> SensorResult {
            self.note(format!("setup {}", context.config()["colour"]))
        }
        fn run(&self, context: &SensorContext) -> SensorResult {
            context.service().dispatch(item("p.started", None))?;
            context.stop().wait(Duration::MAX);
            self.note("run ends")
        }
        fn cleanup(&self, _: &SensorContext) -> SensorResult {
            self.note("cleanup")
        }
        fn add_trigger(&self, _: &SensorContext, trigger: Trigger) -> SensorResult {
            self.note(format!("add {}", trigger.reference))
        }
        fn remove_trigger(&self, _: &SensorContext, trigger: Trigger) -> SensorResult {
            self.note(format!("remove {}", trigger.reference))
        }
    }
    let trigger = || Trigger { reference: "p.t".to_owned(), ..Trigger::default() };
    let notes = Arc::new(Mutex::new(Vec::new()));
    let host = FakeHost::new();
    let config = json!({"colour": "red"}).as_object().unwrap().clone();
    let sensor = Recorder(Arc::clone(&notes));
    let guest = host.start_with(sensor, config, ChannelLimits::default()).unwrap();
    guest.add_trigger(trigger()).unwrap();
    guest.run();
    assert_eq!(host.wait_for_items(1).len(), 1);
    guest.ping().unwrap();
    guest.update_trigger(trigger()).unwrap();
    guest.stop().unwrap();
    let expected = ["setup \"red\"", "add p.t", "remove p.t", "add p.t", "run ends", "cleanup"];
    assert_eq!(*notes.lock().unwrap(), expected);
}

#[test]
fn a_polling_sensor_polls_when_asked() {
    struct Poll(AtomicUsize);
    impl PollingSensor for Poll {
        fn poll(&self, context: &SensorContext) -> SensorResult {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            context.service().dispatch(item(&format!("p.{count}"), None))?;
            Ok(())
        }
    }
    let host = FakeHost::new();
    let guest = host.start_polling(Poll(AtomicUsize::new(0)), Map::new()).unwrap();
    guest.poll().unwrap();
    guest.poll().unwrap();
    let triggers: Vec<_> = host.items().into_iter().map(|item| item.trigger).collect();
    assert_eq!(triggers, ["p.0", "p.1"]);
    let error = guest.call(HostCall::Run(Nothing {})).unwrap_err();
    assert_eq!(error.code, ErrorCode::OutOfOrder);
    guest.stop().unwrap();
}

#[test]
fn errors_and_panics_of_the_sensor_are_answers() {
    struct Broken;
    impl Sensor for Broken {
        fn run(&self, context: &SensorContext) -> SensorResult {
            idle(context)
        }
        fn add_trigger(&self, _: &SensorContext, _: Trigger) -> SensorResult {
            Err("no such file".into())
        }
        fn remove_trigger(&self, _: &SensorContext, _: Trigger) -> SensorResult {
            panic!("boom {}", 1)
        }
    }
    let guest = FakeHost::new().start(Broken).unwrap();
    let error = guest.add_trigger(Trigger::default()).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::GuestFailed, "no such file"));
    let error = guest.remove_trigger(Trigger::default()).unwrap_err();
    assert_eq!(error.message, "the sensor panicked: boom 1");
    guest.ping().unwrap();
    guest.stop().unwrap();
}

#[test]
fn a_failing_set_up_is_told() {
    struct NoSetup;
    impl Sensor for NoSetup {
        fn setup(&self, _: &SensorContext) -> SensorResult {
            Err("config: field \"url\" is missing".into())
        }
        fn run(&self, _: &SensorContext) -> SensorResult {
            Ok(())
        }
    }
    let error = FakeHost::new().start(NoSetup).err().unwrap();
    assert_eq!(error.message, "config: field \"url\" is missing");
}

#[test]
fn the_datastore_works() {
    let guest_side = Run(|context: &SensorContext| {
        let service = context.service();
        assert_eq!(service.get_value("a")?, None);
        service.set_value("a", "1")?;
        service.set_value("ab", "2")?;
        service.set_value("b", "3")?;
        assert_eq!(service.get_value("a")?.as_deref(), Some("1"));
        let names: Vec<_> = service.list_values("a")?.into_iter().map(|item| item.name).collect();
        assert_eq!(names, ["a", "ab"]);
        assert!(service.delete_value("a")? && !service.delete_value("a")?);
        service.log(crate::LogLevel::Info, "done");
        idle(context)
    });
    let host = FakeHost::new();
    let guest = host.start(guest_side).unwrap();
    guest.run();
    assert!(host.wait_for_log("done"));
    guest.stop().unwrap();
    assert_eq!(host.datastore().into_keys().collect::<Vec<_>>(), ["ab", "b"]);
}

#[test]
fn calls_are_repeated_while_the_store_is_away() {
    let host = FakeHost::new();
    host.be_unavailable(2);
    let guest = host.start(Run(|context: &SensorContext| {
        context.service().dispatch(item("p.t", None))?;
        idle(context)
    }));
    let guest = guest.unwrap();
    guest.run();
    assert_eq!(host.wait_for_items(1).len(), 1);
    guest.stop().unwrap();
}

#[test]
fn a_sensor_that_waits_for_the_store_can_be_stopped() {
    let host = FakeHost::new();
    host.be_unavailable(usize::MAX);
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let guest = host.start(Run(move |context: &SensorContext| {
        context.service().log(crate::LogLevel::Info, "trying");
        let error = context.service().dispatch(item("p.t", None)).unwrap_err();
        sender.send(matches!(error, Error::Stopping)).unwrap();
        Ok(())
    }));
    let guest = guest.unwrap();
    guest.run();
    assert!(host.wait_for_log("trying"));
    guest.stop().unwrap();
    assert!(receiver.recv().unwrap());
}

#[test]
fn many_items_go_out_in_order_and_repeats_are_dropped() {
    const COUNT: usize = 20_500;
    let host = FakeHost::new();
    let send = |context: &SensorContext| {
        let mut outcomes = Vec::new();
        let items = (0..COUNT).map(|n| item("p.t", Some(&n.to_string())));
        context.service().dispatch_many(items, |batch| outcomes.extend(batch))?;
        let stored =
            outcomes.iter().filter(|outcome| matches!(outcome, DispatchOutcome::Stored { .. }));
        let text = format!("{} outcomes, {} stored", outcomes.len(), stored.count());
        context.service().log(crate::LogLevel::Info, text);
        idle(context)
    };
    for stored in [COUNT, 0] {
        let guest = host.start(Run(send)).unwrap();
        guest.run();
        assert!(host.wait_for_log(&format!("{COUNT} outcomes, {stored} stored")));
        guest.stop().unwrap();
    }
    let items = host.items().into_iter();
    let keys = items.map(|item| item.dedupe_key.unwrap().parse::<usize>().unwrap());
    assert!(keys.eq(0..COUNT));
    assert_eq!(host.duplicates(), COUNT);
}

#[test]
fn requests_in_flight_are_bounded() {
    let limits = ChannelLimits { requests_in_flight_max: 1, ..ChannelLimits::default() };
    let host = FakeHost::new();
    let guest = host.start_with(
        Run(|context: &SensorContext| {
            std::thread::scope(|scope| {
                for n in 0..8 {
                    let service = context.service().clone();
                    scope.spawn(move || service.dispatch(item("p.t", Some(&n.to_string()))));
                }
            });
            idle(context)
        }),
        Map::new(),
        limits,
    );
    let guest = guest.unwrap();
    guest.run();
    assert_eq!(host.wait_for_items(8).len(), 8);
    guest.stop().unwrap();
}

#[test]
fn a_message_above_the_limit_is_refused_before_it_is_sent() {
    let limits = ChannelLimits { line_bytes_max: 4_096, ..ChannelLimits::default() };
    let host = FakeHost::new();
    let guest = host.start_with(
        Run(|context: &SensorContext| {
            let mut large = item("p.t", None);
            large.payload.insert("line".to_owned(), Value::from("x".repeat(5_000)));
            let error = context.service().dispatch(large).unwrap_err();
            context.service().log(crate::LogLevel::Error, error.to_string());
            context.service().dispatch(item("p.small", None))?;
            idle(context)
        }),
        Map::new(),
        limits,
    );
    let guest = guest.unwrap();
    guest.run();
    assert!(host.wait_for_log("is longer than the limit of 4096 bytes"));
    assert_eq!(host.wait_for_items(1)[0].trigger, "p.small");
    guest.stop().unwrap();
}

#[test]
fn a_guest_that_loses_its_host_ends() {
    let host = FakeHost::new();
    let guest = host.start(Run(idle)).unwrap();
    guest.run();
    guest.cut().unwrap();
}

#[test]
fn a_dispatch_without_answer_is_an_error() {
    let host = FakeHost::new();
    host.die_after_items(0);
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let guest = host.start(Run(move |context: &SensorContext| {
        let error = context.service().dispatch(item("p.t", None)).unwrap_err();
        sender.send(error.is_final()).unwrap();
        Ok(())
    }));
    let guest = guest.unwrap();
    host.die_after_items(1);
    guest.run();
    assert!(receiver.recv().unwrap());
    assert_eq!(host.items().len(), 1);
    guest.wait().unwrap();
}

/// Speaks to a guest by hand.
fn by_hand(lines: &[u8]) -> (Vec<Value>, Result<(), crate::ServeError>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    std::thread::scope(|scope| {
        let guest = scope.spawn(|| crate::serve_on(theirs, Run(idle)));
        (&ours).write_all(lines).unwrap();
        ours.shutdown(std::net::Shutdown::Write).unwrap();
        let answers =
            BufReader::new(&ours).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        (answers.collect(), guest.join().unwrap())
    })
}

#[test]
fn bad_lines_have_the_documented_outcome() {
    let (answers, served) = by_hand(b"[]\n{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"dance\"}\n");
    assert_eq!(answers[0]["error"]["code"], -32600);
    assert_eq!(answers[1]["error"]["code"], -32601);
    assert!(served.is_ok());

    let (answers, served) = by_hand(b"hello\n");
    assert_eq!(answers[0]["error"]["code"], -32700);
    assert_eq!(served.unwrap_err().to_string(), "the host broke the protocol");

    let (_, served) = by_hand(b"{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}\n");
    assert_eq!(
        served.unwrap_err().to_string(),
        "the host answered request 9, which was never sent"
    );

    let early = b"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"run\"}\n";
    let (answers, served) = by_hand(early);
    assert_eq!(answers[0]["error"]["code"], -32005);
    assert!(served.is_ok());

    let other = br#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocol_versions":[9],"kind":"sensor","pack":"p","name":"N"}}"#;
    let (answers, _) = by_hand(&[&other[..], b"\n"].concat());
    assert_eq!(answers[0]["error"]["code"], -32004);
}
