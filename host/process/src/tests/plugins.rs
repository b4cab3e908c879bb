//! Subprocess plugins of every character: well behaved ones are this very executable, started again
//! as [`guest_entry`]; the hostile ones are shell scripts that write to their channel by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::process::ExitCode;
use std::result::Result;

use async_trait::async_trait;
use st2_model::ResourceRef;
use st2_plugin::{
    Artifact, Binding, EndReason, Ended, Error as PluginError, Grants, GuestHost, GuestLog,
    HostError, Limits, LogSource, Plugin, PluginInstance, PluginLoader, StartContext,
};
use st2_protocol::{
    DatastoreDelete, DatastoreGet, DatastoreItem, DatastoreList, DatastoreSet, DispatchItem,
    DispatchOutcome, LogLevel, Trigger,
};
use st2_sdk::{PollingSensor, Sensor, SensorContext, SensorResult};

use super::*;
use crate::plugin::{NativeLoader, NativePlugins, Program, SubprocessPlugin};

/// The sensor host of these tests.
#[derive(Default)]
struct Host {
    items: Mutex<Vec<DispatchItem>>,
    keys: Mutex<BTreeSet<String>>,
    logs: Mutex<Vec<GuestLog>>,
    values: Mutex<BTreeMap<String, String>>,
    refusals: Mutex<u32>,
}

impl Host {
    fn triggers(&self) -> Vec<String> {
        self.items.lock().unwrap().iter().map(|item| item.trigger.clone()).collect()
    }

    fn has_log(&self, source: &LogSource, text: &str) -> bool {
        let logs = self.logs.lock().unwrap();
        logs.iter().any(|log| log.source == *source && log.message.contains(text))
    }
}

#[async_trait]
impl GuestHost for Host {
    async fn dispatch(&self, items: Vec<DispatchItem>) -> Result<Vec<DispatchOutcome>, HostError> {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return Err(HostError::Unavailable { reason: "test".to_owned() });
        }
        let (mut keys, mut stored) = (self.keys.lock().unwrap(), self.items.lock().unwrap());
        let store = |item: DispatchItem| {
            if item.dedupe_key.as_ref().is_some_and(|key| !keys.insert(key.clone())) {
                return DispatchOutcome::Duplicate;
            }
            stored.push(item);
            DispatchOutcome::Stored { trigger_instance_id: stored.len().to_string() }
        };
        Ok(items.into_iter().map(store).collect())
    }

    fn log(&self, record: GuestLog) {
        self.logs.lock().unwrap().push(record);
    }

    async fn datastore_get(&self, call: DatastoreGet) -> Result<Option<String>, HostError> {
        Ok(self.values.lock().unwrap().get(&call.name).cloned())
    }

    async fn datastore_set(&self, call: DatastoreSet) -> Result<(), HostError> {
        self.values.lock().unwrap().insert(call.name, call.value);
        Ok(())
    }

    async fn datastore_list(&self, _: DatastoreList) -> Result<Vec<DatastoreItem>, HostError> {
        Ok(Vec::new())
    }

    async fn datastore_delete(&self, call: DatastoreDelete) -> Result<bool, HostError> {
        Ok(self.values.lock().unwrap().remove(&call.name).is_some())
    }
}

/// Not a test: becomes a plugin when the tests below start it again as one.
#[test]
fn guest_entry() {
    let Some(character) = std::env::var_os("CHARACTER") else { return };
    let character = character.into_string().unwrap();
    let code = match character.as_str() {
        "polling" => st2_sdk::serve_polling(Polls),
        "file-watch" => st2_linux::file_watch_sensor(),
        _ => st2_sdk::serve(Guest(character)),
    };
    std::process::exit(i32::from(code != ExitCode::SUCCESS));
}

struct Polls;

impl PollingSensor for Polls {
    fn poll(&self, context: &SensorContext) -> SensorResult {
        dispatch(context, "p.polled")
    }
}

struct Guest(String);

fn dispatch(context: &SensorContext, trigger: &str) -> SensorResult {
    let trigger = trigger.to_owned();
    context.service().dispatch(DispatchItem { trigger, ..DispatchItem::default() })?;
    Ok(())
}

impl Sensor for Guest {
    fn setup(&self, context: &SensorContext) -> SensorResult {
        match self.0.as_str() {
            "no-setup" => Err("config: field \"url\" is missing".into()),
            _ => {
                context.service().log(LogLevel::Info, format!("{:?}", context.config()));
                Ok(())
            }
        }
    }

    fn run(&self, context: &SensorContext) -> SensorResult {
        println!("on stdout");
        eprint!("on stderr, without line end");
        dispatch(context, "p.running")?;
        match self.0.as_str() {
            "fails" => return Err("disk on fire".into()),
            "aborts" => std::process::abort(),
            "exits" => std::process::exit(3),
            "returns" => return Ok(()),
            "stubborn" => loop {
                std::thread::park();
            },
            "denied" => {
                let error = context.service().set_value("a", "b").unwrap_err();
                context.service().log(LogLevel::Error, error.to_string());
            }
            _ => {}
        }
        context.stop().wait(Duration::MAX);
        Ok(())
    }

    fn cleanup(&self, context: &SensorContext) -> SensorResult {
        Ok(context.service().set_value("clean", "yes")?)
    }

    fn add_trigger(&self, context: &SensorContext, trigger: Trigger) -> SensorResult {
        dispatch(context, &format!("p.added-{}", trigger.id))
    }
}

fn sensor() -> ResourceRef {
    ResourceRef::new("test", "Sensor").unwrap()
}

fn program(argv: Vec<OsString>) -> Program {
    Program { sensor: sensor(), executable: None, argv, cwd: None, may_gain: false }
}

fn self_again() -> Program {
    let exe = std::env::current_exe().unwrap();
    let args = ["guest", "tests::plugins::guest_entry", "--exact", "--nocapture"];
    let argv = args.map(OsString::from).to_vec();
    Program { executable: Some(exe), ..program(argv) }
}

fn script(text: &str) -> Program {
    program(["bash", "-c", text].map(OsString::from).to_vec())
}

fn patient() -> Limits {
    Limits { stop_grace: LONG, start_timeout: LONG, call_timeout: LONG, ..Limits::default() }
}

async fn start_program(
    host: &Arc<Host>,
    program: Program,
    character: &str,
    binding: Binding,
) -> Result<Box<dyn PluginInstance>, PluginError> {
    let bound = SubprocessPlugin(program).bind(binding)?;
    let host = Arc::clone(host) as Arc<dyn GuestHost>;
    let env = vec![("CHARACTER".to_owned(), character.to_owned())];
    bound.start(StartContext { host, env }).await
}

async fn start(host: &Arc<Host>, character: &str, limits: Limits) -> Box<dyn PluginInstance> {
    let binding = Binding { limits, ..Binding::default() };
    start_program(host, self_again(), character, binding).await.unwrap()
}

async fn ends(instance: &mut Box<dyn PluginInstance>) -> Ended {
    timeout(LONG, instance.run()).await.unwrap()
}

#[tokio::test]
async fn a_good_guest_lives_and_stops_in_order() {
    let host = Arc::new(Host::default());
    let mut instance = start(&host, "good", patient()).await;
    let control = instance.control();
    let pid = control.process_id().unwrap().to_string();
    let life = async {
        until("it runs", || host.triggers().contains(&"p.running".to_owned())).await;
        control.ping().await.unwrap();
        let trigger = Trigger { id: "7".to_owned(), ..Trigger::default() };
        control.add_trigger(trigger).await.unwrap();
        assert!(is_alive(&pid));
        control.stop();
        control.stop();
    };
    let (ended, ()) = tokio::join!(ends(&mut instance), life);
    assert_eq!(ended, Ended { reason: EndReason::Stopped, exit_code: Some(0) });
    assert!(host.triggers().contains(&"p.added-7".to_owned()));
    assert_eq!(host.values.lock().unwrap()["clean"], "yes");
    assert!(host.has_log(&LogSource::Stdout, "on stdout"));
    assert!(!is_alive(&pid));
    let error = control.ping().await.unwrap_err();
    assert!(matches!(error, PluginError::Gone { .. }), "{error}");
}

#[tokio::test]
async fn output_without_a_line_end_reaches_the_log() {
    let host = Arc::new(Host::default());
    let mut instance = start(&host, "exits", patient()).await;
    let ended = ends(&mut instance).await;
    assert_eq!(ended.exit_code, Some(3));
    drop(instance);
    assert!(host.has_log(&LogSource::Stderr, "on stderr, without line end"));
}

#[tokio::test]
async fn every_way_to_end_has_its_reason() {
    let crashed = |reason: &str| EndReason::Crashed { reason: reason.to_owned() };
    for (character, expected, code) in [
        ("returns", EndReason::Returned, 0),
        ("exits", crashed("the process ended with exit code 3"), 3),
        ("aborts", crashed("the process ended with signal SIGABRT"), -6),
        ("fails", crashed("the sensor failed in run: disk on fire"), 1),
    ] {
        let host = Arc::new(Host::default());
        let mut instance = start(&host, character, patient()).await;
        let ended = ends(&mut instance).await;
        assert_eq!(ended, Ended { reason: expected, exit_code: Some(code) }, "{character}");
        assert_eq!(host.triggers(), ["p.running"], "{character}: dispatched before its end");
    }
}

#[tokio::test]
async fn one_that_does_not_stop_is_ended_within_its_grace() {
    let host = Arc::new(Host::default());
    let limits = Limits { stop_grace: Duration::from_millis(20), ..patient() };
    // Ignores SIGTERM too: that is inherited.
    let inner = self_again();
    let mut argv = ["bash", "-c", "trap '' TERM; exec \"$0\" \"$@\""].map(OsString::from).to_vec();
    argv.push(inner.executable.unwrap().into());
    argv.extend(inner.argv.into_iter().skip(1));
    let binding = Binding { limits, ..Binding::default() };
    let mut instance = start_program(&host, program(argv), "stubborn", binding).await.unwrap();
    let control = instance.control();
    let life = async {
        until("it runs", || !host.triggers().is_empty()).await;
        control.stop();
    };
    let (ended, ()) = tokio::join!(ends(&mut instance), life);
    assert_eq!(ended, Ended { reason: EndReason::Stopped, exit_code: Some(-9) });
}

#[tokio::test]
async fn a_polling_guest_is_polled_in_its_interval() {
    let host = Arc::new(Host::default());
    let poll_interval = Some(Duration::from_millis(1));
    let binding = Binding { poll_interval, limits: patient(), ..Binding::default() };
    let started = start_program(&host, self_again(), "polling", binding).await;
    let mut instance = started.unwrap();
    let control = instance.control();
    let life = async {
        until("it was polled", || host.triggers().len() >= 3).await;
        control.stop();
    };
    let (ended, ()) = tokio::join!(ends(&mut instance), life);
    assert_eq!(ended.reason, EndReason::Stopped);
}

#[tokio::test]
async fn configuration_reaches_the_guest_and_a_missing_grant_is_named() {
    let host = Arc::new(Host::default());
    let config = serde_json::json!({"colour": "red"}).as_object().unwrap().clone();
    let binding =
        Binding { config, grants: Grants::none(), limits: patient(), ..Binding::default() };
    let mut instance = start_program(&host, self_again(), "denied", binding).await.unwrap();
    let control = instance.control();
    let life = async {
        let refusal = "not granted: datastore:local:write";
        until("it was refused", || host.has_log(&LogSource::Logger(None), refusal)).await;
        control.stop();
    };
    let (ended, ()) = tokio::join!(ends(&mut instance), life);
    assert_eq!(ended.reason, EndReason::Stopped);
    assert!(host.has_log(&LogSource::Logger(None), "red"));
    assert!(host.values.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_dispatch_is_repeated_until_the_store_is_back() {
    let host = Arc::new(Host::default());
    *host.refusals.lock().unwrap() = 2;
    let mut instance = start(&host, "returns", patient()).await;
    assert_eq!(ends(&mut instance).await.reason, EndReason::Returned);
    assert_eq!(host.triggers(), ["p.running"]);
}

#[tokio::test]
async fn a_failing_set_up_is_told() {
    let host = Arc::new(Host::default());
    let binding = Binding { limits: patient(), ..Binding::default() };
    let error = start_program(&host, self_again(), "no-setup", binding).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "sensor test.Sensor failed in configure: config: field \"url\" is missing"
    );
}

/// A guest that answers `initialize` and `configure` and then does as it pleases.
fn hostile(deed: &str) -> Program {
    script(&format!(
        r#"exec 5>&$ST2_PLUGIN_FD
        read -r line <&5
        echo '{{"jsonrpc":"2.0","id":0,"result":{{"protocol_version":1,"sensor_kind":"passive"}}}}' >&5
        read -r line <&5
        echo '{{"jsonrpc":"2.0","id":1,"result":{{}}}}' >&5
        {deed}
        sleep 1000"#
    ))
}

#[tokio::test]
async fn whoever_breaks_the_protocol_is_ended_with_the_reason() {
    for (deed, reason) in [
        ("echo nonsense >&5", "a line is not JSON: expected ident at line 1 column 2"),
        ("head -c 20000 /dev/zero >&5", "a line is longer than the limit of 16384 bytes"),
        (
            r#"echo '{"jsonrpc":"2.0","id":99,"result":{}}' >&5"#,
            "an answer to request 99, which was never sent",
        ),
    ] {
        let host = Arc::new(Host::default());
        let limits = Limits { line_bytes_max: 16 * 1024, ..patient() };
        let binding = Binding { limits, ..Binding::default() };
        let mut instance = start_program(&host, hostile(deed), "", binding).await.unwrap();
        let ended = ends(&mut instance).await;
        let reason = EndReason::Violation { reason: reason.to_owned() };
        assert_eq!(ended, Ended { reason, exit_code: Some(-9) });
    }
}

#[tokio::test]
async fn harmless_mistakes_are_answered_and_life_goes_on() {
    let host = Arc::new(Host::default());
    let deed = r#"
        echo '[]' >&5; echo '{"jsonrpc":"2.0","id":0,"method":"dance"}' >&5
        echo '{"jsonrpc":"2.0","method":"dance"}' >&5
        echo '{"jsonrpc":"2.0","id":0,"result":{}}' >&5
        for n in 1 2 3; do read -r line <&5; echo "$line"; done; exit 0"#;
    let binding = Binding { limits: patient(), ..Binding::default() };
    let mut instance = start_program(&host, hostile(deed), "", binding).await.unwrap();
    assert_eq!(ends(&mut instance).await.reason, EndReason::Returned);
    drop(instance);
    assert!(host.has_log(&LogSource::Stdout, "-32600"));
    assert!(host.has_log(&LogSource::Stdout, "-32601"));
    assert!(host.has_log(&LogSource::Host, "there is no method \"dance\""));
}

#[tokio::test]
async fn what_does_not_get_through_its_set_up_is_an_error() {
    let host = Arc::new(Host::default());
    let limits = Limits { start_timeout: Duration::from_millis(50), ..patient() };
    let attempt = async |program: Program, limits: &Limits| {
        let binding = Binding { limits: limits.clone(), ..Binding::default() };
        start_program(&host, program, "", binding).await.err().unwrap()
    };
    let silent = attempt(script("sleep 1000"), &limits).await;
    assert!(matches!(silent, PluginError::NoAnswer { call: "initialize", .. }), "{silent}");
    let exits = attempt(script("exit 3"), &patient()).await;
    let cause = std::error::Error::source(&exits).unwrap().to_string();
    assert_eq!(cause, "it ended during its set-up with exit code 3");
    let missing = attempt(program(vec!["/no/such/program".into()]), &patient()).await;
    assert!(matches!(missing, PluginError::NotStarted { .. }), "{missing}");
}

#[tokio::test]
async fn dropping_an_instance_ends_its_process() {
    let host = Arc::new(Host::default());
    let instance = start(&host, "good", patient()).await;
    let pid = instance.control().process_id().unwrap().to_string();
    assert!(is_alive(&pid));
    drop(instance);
    until("the guest is gone", || !is_alive(&pid)).await;
}

/// The whole way: a native plugin in its own process, killed without warning again and again.
#[tokio::test]
async fn a_file_watch_sensor_that_is_killed_neither_loses_nor_repeats_a_line() {
    const ROUNDS: usize = 6;
    const LINES_A_ROUND: usize = 2_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    std::fs::write(&path, "").unwrap();
    let parameters = serde_json::json!({"file_path": path.to_str().unwrap()});
    let trigger = Trigger {
        id: "1".to_owned(),
        reference: "linux.1".to_owned(),
        parameters: parameters.as_object().unwrap().clone(),
        ..Trigger::default()
    };
    let host = Arc::new(Host::default());
    for round in 0..ROUNDS {
        let mut instance = start(&host, "file-watch", patient()).await;
        let control = instance.control();
        let seen = host.items.lock().unwrap().len();
        let life = async {
            // The first life sees an empty file; later ones find what was written meanwhile.
            control.add_trigger(trigger.clone()).await.unwrap();
            let lines = (0..LINES_A_ROUND).map(|n| format!("{}\n", round * LINES_A_ROUND + n));
            let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
            std::io::Write::write_all(&mut file, lines.collect::<String>().as_bytes()).unwrap();
            until("some lines arrive", || host.items.lock().unwrap().len() > seen).await;
            let pid = i32::try_from(control.process_id().unwrap()).unwrap();
            let pid = nix::unistd::Pid::from_raw(pid);
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        };
        let (ended, ()) = tokio::join!(ends(&mut instance), life);
        assert_eq!(ended.exit_code, Some(-9));
    }
    let mut instance = start(&host, "file-watch", patient()).await;
    let control = instance.control();
    let life = async {
        control.add_trigger(trigger).await.unwrap();
        let all = ROUNDS * LINES_A_ROUND;
        until("all lines arrive", || host.items.lock().unwrap().len() >= all).await;
        control.stop();
    };
    let (ended, ()) = tokio::join!(ends(&mut instance), life);
    assert_eq!(ended.reason, EndReason::Stopped);
    let items = host.items.lock().unwrap();
    let lines = items.iter().map(|item| item.payload["line"].as_str().unwrap().to_owned());
    assert!(lines.eq((0..ROUNDS * LINES_A_ROUND).map(|number| number.to_string())));
}

#[tokio::test]
async fn native_plugins_are_known_by_the_reference_of_their_sensor() {
    let plugins = NativePlugins::new().with("linux.FileWatchSensor", || ExitCode::from(7));
    let args = |args: &[&str]| args.iter().map(OsString::from).collect::<Vec<_>>();
    assert_eq!(plugins.run_if_asked(args(&["st2d"])), None);
    assert_eq!(plugins.run_if_asked(args(&["st2d", "serve"])), None);
    let asked = args(&["st2d", "__plugin", "linux.FileWatchSensor"]);
    assert_eq!(plugins.run_if_asked(asked), Some(ExitCode::from(7)));
    let unknown = plugins.run_if_asked(args(&["st2d", "__plugin", "linux.Other"]));
    assert_eq!(unknown, Some(ExitCode::from(64)));

    let loader = NativeLoader::new(plugins);
    let artifact = |name: &str| Artifact {
        sensor: ResourceRef::new("linux", name).unwrap(),
        pack_folder: "/nowhere".into(),
        entry_point: "/nowhere/sensors/file_watch_sensor.py".into(),
    };
    assert!(loader.claims(&artifact("FileWatchSensor")));
    assert!(loader.load(&artifact("FileWatchSensor")).await.is_ok());
    assert!(!loader.claims(&artifact("Other")));
    let error = loader.load(&artifact("Other")).await.err().unwrap();
    assert!(error.to_string().starts_with("sensor linux.Other cannot be loaded"), "{error}");
}
