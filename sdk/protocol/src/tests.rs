//! The Rust types, `schema.json` and `protocol.md` say the same.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::*;

fn validator(pointer: Option<&str>) -> Validator {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    if let Some(name) = pointer {
        assert!(schema["$defs"].get(name).is_some(), "schema.json lacks {name}");
        schema.as_object_mut().unwrap().remove("oneOf");
        schema["$ref"] = json!(format!("#/$defs/{name}"));
    }
    jsonschema::validator_for(&schema).unwrap()
}

fn check(validator: &Validator, line: &[u8]) {
    assert_eq!(line.last(), Some(&b'\n'));
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one message, one line");
    let message: Value = serde_json::from_slice(line).unwrap();
    let errors: Vec<_> = validator.iter_errors(&message).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{message}\n{errors:?}");
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn trigger() -> Trigger {
    Trigger {
        id: "66f0c0ffee66f0c0ffee66f0".to_owned(),
        reference: "linux.4b1d".to_owned(),
        name: "4b1d".to_owned(),
        pack: "linux".to_owned(),
        trigger_type: "linux.file_watch.line".to_owned(),
        parameters: object(json!({"file_path": "/tmp/a\nb"})),
        uid: "trigger:linux:4b1d".to_owned(),
        description: Some("d".to_owned()),
    }
}

fn host_calls() -> Vec<HostCall> {
    vec![
        HostCall::Initialize(Initialize {
            protocol_versions: vec![PROTOCOL_VERSION],
            kind: GuestKind::Sensor,
            pack: "linux".to_owned(),
            name: "FileWatchSensor".to_owned(),
            limits: ChannelLimits::default(),
        }),
        HostCall::Configure(Configure {
            config: object(json!({"token": "x"})),
            poll_interval_ms: Some(5_000),
        }),
        HostCall::Configure(Configure::default()),
        HostCall::AddTrigger(AddTrigger { trigger: trigger() }),
        HostCall::UpdateTrigger(UpdateTrigger { trigger: trigger() }),
        HostCall::RemoveTrigger(RemoveTrigger { trigger: trigger() }),
        HostCall::Run(Nothing {}),
        HostCall::Poll(Nothing {}),
        HostCall::Ping(Nothing {}),
        HostCall::Cleanup(Nothing {}),
        HostCall::Shutdown(Nothing {}),
    ]
}

fn guest_calls() -> Vec<GuestCall> {
    let name = || "position".to_owned();
    let item = DispatchItem {
        trigger: "linux.4b1d".to_owned(),
        payload: object(json!({"line": "a\u{2028}\n"})),
        trace_tag: Some("t".to_owned()),
        dedupe_key: Some("1:2:3".to_owned()),
    };
    let bare = DispatchItem { trigger: "linux.4b1d".to_owned(), ..DispatchItem::default() };
    vec![
        GuestCall::Dispatch(Dispatch { items: vec![item, bare] }),
        GuestCall::DatastoreGet(DatastoreGet { name: name(), local: false, decrypt: true }),
        GuestCall::DatastoreSet(DatastoreSet {
            name: name(),
            value: "v".to_owned(),
            local: true,
            ttl_seconds: Some(60),
            encrypt: true,
        }),
        GuestCall::DatastoreList(DatastoreList {
            prefix: "p".to_owned(),
            local: true,
            limit: Some(10),
            offset: 20,
        }),
        GuestCall::DatastoreDelete(DatastoreDelete { name: name(), local: true }),
        GuestCall::Log(Log {
            level: LogLevel::Warning,
            message: "m".to_owned(),
            logger: Some("l".to_owned()),
        }),
    ]
}

/// Encodes, validates, decodes and compares every call of one side.
fn round_trip<C: Call + PartialEq + std::fmt::Debug>(calls: &[C], side: &str) {
    let (any, own) = (validator(None), validator(Some(side)));
    for (id, call) in calls.iter().enumerate() {
        let is_log = call.method() == "log";
        let id = id as u64;
        let line = if is_log { encode_notification(call) } else { encode_request(id, call) };
        let line = line.unwrap();
        for validator in [&any, &own, &validator(Some(call.method()))] {
            check(validator, &line);
        }
        match decode::<C>(line.trim_ascii_end()).unwrap() {
            Incoming::Request { id: read, call: again } => {
                assert!(!is_log && read == id);
                assert_eq!(again.as_ref(), Ok(call));
            }
            Incoming::Notification { call: again } => {
                assert!(is_log);
                assert_eq!(again.as_ref(), Ok(call));
            }
            other => panic!("{other:?}"),
        }
    }
    let methods: std::collections::BTreeSet<_> = calls.iter().map(Call::method).collect();
    assert_eq!(methods, C::METHODS.iter().copied().collect(), "a sample of every method");
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let described = schema["$defs"][side]["oneOf"].as_array().unwrap();
    assert_eq!(described.len(), C::METHODS.len(), "the schema describes every method");
}

#[test]
fn every_call_of_the_host_fits_the_schema() {
    round_trip(&host_calls(), "from_host");
}

#[test]
fn every_call_of_a_guest_fits_the_schema() {
    round_trip(&guest_calls(), "from_guest");
}

#[test]
fn every_answer_fits_the_schema() {
    let initialized = Initialized {
        protocol_version: PROTOCOL_VERSION,
        sensor_kind: SensorKind::Polling,
        sdk: Some("x 1".to_owned()),
    };
    let outcomes = vec![
        DispatchOutcome::Stored { trigger_instance_id: "i".to_owned() },
        DispatchOutcome::Duplicate,
        DispatchOutcome::Refused { reason: "r".to_owned() },
    ];
    let items = vec![DatastoreItem { name: "n".to_owned(), value: "v".to_owned() }];
    let mut results = vec![
        ("initialize", json!(initialized)),
        ("dispatch", json!(Dispatched { outcomes })),
        ("datastore_get", json!(DatastoreValue { value: Some("v".to_owned()) })),
        ("datastore_get", json!(DatastoreValue::default())),
        ("datastore_list", json!(DatastoreItems { items })),
        ("datastore_delete", json!(DatastoreDeleted { deleted: true })),
    ];
    let plain = "configure add_trigger update_trigger remove_trigger run poll ping cleanup shutdown \
                 datastore_set";
    results.extend(plain.split_whitespace().map(|method| (method, json!(Done {}))));
    let (any, answer) = (validator(None), validator(Some("good_answer")));
    for (method, result) in results {
        let line = encode_result(7, &result).unwrap();
        check(&any, &line);
        check(&answer, &line);
        assert!(validator(Some(&format!("{method}_result"))).is_valid(&result), "{method}");
        let Incoming::Answer { id: 7, result: Ok(read) } = decode::<GuestCall>(&line).unwrap()
        else {
            panic!("{method} is no answer");
        };
        assert_eq!(serde_json::from_str::<Value>(read.get()).unwrap(), result);
    }
}

#[test]
fn every_error_fits_the_schema() {
    let mut error = RpcError::new(ErrorCode::NotGranted, "not granted: datastore:write");
    error.data = Some(json!({"grant": "datastore:write"}));
    for id in [None, Some(3)] {
        let line = encode_error(id, &error).unwrap();
        check(&validator(None), &line);
        check(&validator(Some("error_answer")), &line);
        match decode::<HostCall>(&line).unwrap() {
            Incoming::Complaint(read) => assert!(id.is_none() && read == error),
            Incoming::Answer { id: read, result: Err(again) } => {
                assert!(Some(read) == id && again == error);
            }
            other => panic!("{other:?}"),
        }
    }
    for code in -32800..-31900_i64 {
        assert_eq!(i64::from(ErrorCode::from(code)), code);
    }
}

#[test]
fn every_example_of_the_documentation_is_valid() {
    let text = include_str!("../protocol.md");
    let blocks = text.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let examples: Vec<_> = blocks.flat_map(str::lines).collect();
    assert!(examples.len() > 10);
    for example in examples {
        check(&validator(None), format!("{example}\n").as_bytes());
    }
    for method in HostCall::METHODS.iter().chain(GuestCall::METHODS) {
        assert!(text.contains(&format!("`{method}`")), "protocol.md does not name {method}");
    }
}

fn refused(line: &str) -> RpcError {
    match decode::<GuestCall>(line.as_bytes()) {
        Err(error) => error.answer(),
        Ok(
            Incoming::Request { call: Err(error), .. }
            | Incoming::Notification { call: Err(error) },
        ) => error,
        Ok(other) => panic!("{line} was understood: {other:?}"),
    }
}

#[test]
fn bad_lines_have_the_documented_outcome() {
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let deep = format!(r#"{{"trigger":"a.b","payload":{{"x":{deep}}}}}"#);
    let deep =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"dispatch","params":{{"items":[{deep}]}}}}"#);
    let cases = [
        ("nonsense", ErrorCode::Parse),
        (r#"{"jsonrpc":"2.0""#, ErrorCode::Parse),
        (&deep, ErrorCode::InvalidParams),
        ("[]", ErrorCode::InvalidRequest),
        (r#"["2.0",1,"ping",{},null,null]"#, ErrorCode::InvalidRequest),
        ("42", ErrorCode::InvalidRequest),
        (r#"{"jsonrpc":"1.0","id":1,"method":"dispatch"}"#, ErrorCode::InvalidRequest),
        (r#"{"id":1,"method":"dispatch"}"#, ErrorCode::InvalidRequest),
        (r#"{"jsonrpc":"2.0"}"#, ErrorCode::InvalidRequest),
        (r#"{"jsonrpc":"2.0","id":"one","method":"dispatch"}"#, ErrorCode::InvalidRequest),
        (r#"{"jsonrpc":"2.0","id":-1,"method":"dispatch"}"#, ErrorCode::InvalidRequest),
        (r#"{"jsonrpc":"2.0","id":1,"method":"explode"}"#, ErrorCode::MethodNotFound),
        (r#"{"jsonrpc":"2.0","id":1,"method":"run"}"#, ErrorCode::MethodNotFound),
        (r#"{"jsonrpc":"2.0","id":1,"method":"dispatch"}"#, ErrorCode::InvalidParams),
        (r#"{"jsonrpc":"2.0","id":1,"method":"dispatch","params":[1]}"#, ErrorCode::InvalidParams),
        (r#"{"jsonrpc":"2.0","method":"log","params":{"level":"loud"}}"#, ErrorCode::InvalidParams),
    ];
    for (line, code) in cases {
        assert_eq!(refused(line).code, code, "{line}");
    }
    assert!(decode::<GuestCall>(b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}").is_err());
    let named = refused(r#"{"jsonrpc":"2.0","id":1,"method":"datastore_get","params":{}}"#);
    assert!(named.message.contains("datastore_get") && named.message.contains("name"), "{named}");
}

#[test]
fn unknown_members_are_ignored() {
    let line = r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"new":1},"newer":2}"#;
    let decoded = decode::<HostCall>(line.as_bytes()).unwrap();
    assert!(matches!(decoded, Incoming::Request { id: 1, call: Ok(HostCall::Ping(_)) }));
}

#[test]
fn lines_come_out_whole_however_the_bytes_arrive() {
    let text = b"one\n\ntwo\nthree\n";
    for size in 1..=text.len() {
        let mut buffer = LineBuffer::new(6);
        let mut lines = Vec::new();
        for chunk in text.chunks(size) {
            buffer.push(chunk);
            while let Some(line) = buffer.next_line().unwrap() {
                lines.push(String::from_utf8(line.to_vec()).unwrap());
            }
        }
        assert_eq!(lines, ["one", "two", "three"], "chunks of {size}");
        assert!(!buffer.has_partial_line());
    }
}

#[test]
fn a_line_above_the_limit_is_refused_before_its_end() {
    let mut buffer = LineBuffer::new(6);
    buffer.push(b"12345\n123456");
    assert_eq!(buffer.next_line(), Ok(Some(&b"12345"[..])));
    assert_eq!(buffer.next_line(), Ok(None));
    buffer.push(b"7");
    assert_eq!(buffer.next_line(), Err(LineTooLong { line_bytes_max: 6 }));
    let mut whole = LineBuffer::new(6);
    whole.push(b"123456\n");
    assert!(whole.next_line().is_err());
}

proptest::proptest! {
    /// Whatever arrives, in whatever pieces, has one of the documented outcomes.
    #[test]
    fn no_bytes_can_do_harm(chunks in proptest::collection::vec(proptest::collection::vec(0_u8.., 0..64), 0..8)) {
        let mut buffer = LineBuffer::new(48);
        for chunk in chunks {
            buffer.push(&chunk);
            while let Ok(Some(line)) = buffer.next_line() {
                assert!(line.len() < 48 && !line.contains(&b'\n'));
                drop(decode::<GuestCall>(line));
            }
        }
    }

    /// Messages with one member wrong are told apart from lines that are no JSON.
    #[test]
    fn a_damaged_message_is_never_mistaken(position in 0_usize..120, byte in 32_u8..127) {
        let call = GuestCall::Dispatch(Dispatch { items: vec![DispatchItem {
            trigger: "linux.4b1d".to_owned(),
            payload: object(json!({"line": "x", "n": [1, 2, {"deep": null}]})),
            ..DispatchItem::default()
        }] });
        let mut line = encode_request(7, &call).unwrap();
        line.pop();
        let position = position % line.len();
        line[position] = byte;
        let is_json = serde_json::from_slice::<Value>(&line).is_ok();
        match decode::<GuestCall>(&line) {
            Err(LineError::NotJson(_)) => assert!(!is_json),
            Err(LineError::NotAMessage { .. }) => {}
            Ok(_) => assert!(is_json),
        }
    }
}
