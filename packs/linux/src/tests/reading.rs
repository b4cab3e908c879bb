//! What becomes of the bytes of a file.

use super::*;
use crate::lines::{Line, LineReader};

fn split(chunks: &[&[u8]], line_bytes_max: usize) -> (Vec<Line>, Option<Line>) {
    let mut reader = LineReader::new(100, line_bytes_max);
    let mut lines = Vec::new();
    for chunk in chunks {
        reader.push(chunk, &mut lines);
    }
    (lines, reader.flush())
}

fn cut(text: &str, start: u64, end: u64, is_cut: bool) -> Line {
    Line { text: text.to_owned(), start, end, is_cut }
}

#[test]
fn offsets_and_line_ends_are_right_however_the_bytes_come() {
    let text = b"one\r\n\ntwo\rthree\nrest";
    for size in 1..=text.len() {
        let chunks: Vec<_> = text.chunks(size).collect();
        let (lines, rest) = split(&chunks, 64);
        let expected = [
            cut("one", 100, 105, false),
            cut("", 105, 106, false),
            cut("two\rthree", 106, 116, false),
        ];
        assert_eq!(lines, expected, "chunks of {size}");
        assert_eq!(rest, Some(cut("rest", 116, 120, false)));
    }
    assert_eq!(split(&[b"a\n"], 64).1, None);
}

#[test]
fn a_long_line_is_cut_and_the_next_one_is_whole() {
    let (lines, rest) = split(&[b"1234567", b"890\r\nabc\n"], 4);
    assert_eq!(lines, [cut("1234", 100, 112, true), cut("abc", 112, 116, false)]);
    assert_eq!(rest, None);
}

#[test]
fn the_payload_names_file_and_line() {
    let rig = Rig::new();
    create(&rig.path("app.log"), "old line\n");
    let guest = rig.start_with(&["app.log"]);
    rig.append("app.log", "hello\n");
    let items = rig.host.wait_for_items(1);
    assert_eq!(items[0].trigger, "linux.app.log");
    let expected = serde_json::json!({
        "file_path": rig.path("app.log").to_str().unwrap(),
        "file_name": "app.log",
        "line": "hello",
    });
    assert_eq!(serde_json::Value::from(items[0].payload.clone()), expected);
    guest.stop().unwrap();
}

#[test]
fn unfinished_lines_wait_and_wrong_bytes_are_replaced() {
    let rig = Rig::new();
    create(&rig.path("a"), "");
    let guest = rig.start_with(&["a"]);
    rig.append("a", "first\nsec");
    assert_eq!(rig.lines(1), ["first"]);
    rig.append("a", b"ond \xff\xfe\r\n\n");
    rig.append("a", "end\n");
    assert_eq!(rig.lines(4), ["first", "second \u{fffd}\u{fffd}", "", "end"]);
    guest.stop().unwrap();
}

#[test]
fn a_burst_arrives_complete_once_and_in_order() {
    const COUNT: usize = 100_000;
    let rig = Rig::new();
    create(&rig.path("burst"), "");
    let guest = rig.start_with(&["burst"]);
    let writer =
        std::io::BufWriter::new(OpenOptions::new().append(true).open(rig.path("burst")).unwrap());
    let mut writer = writer;
    for number in 0..COUNT {
        writeln!(writer, "line {number}").unwrap();
    }
    writer.flush().unwrap();
    let items = rig.host.wait_for_items(COUNT);
    assert_eq!(items.len(), COUNT);
    assert!(items.iter().map(line).eq((0..COUNT).map(|number| format!("line {number}"))));
    assert_eq!(rig.host.duplicates(), 0);
    guest.stop().unwrap();
}

#[test]
fn a_line_of_100_megabytes_is_cut_in_bounded_memory() {
    let rig = Rig::new();
    create(&rig.path("huge"), "");
    let guest = rig.start_with(&["huge"]);
    let mut file = OpenOptions::new().append(true).open(rig.path("huge")).unwrap();
    let megabyte = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        file.write_all(&megabyte).unwrap();
    }
    file.write_all(b"\nnext\n").unwrap();
    let items = rig.host.wait_for_items(2);
    assert_eq!(line(&items[0]).len(), crate::LINE_BYTES_MAX);
    assert_eq!(items[0].payload["truncated"], true);
    assert_eq!(line(&items[1]), "next");
    assert!(!items[1].payload.contains_key("truncated"));
    assert!(rig.host.wait_for_log("has 104857601 bytes and was cut"));
    guest.stop().unwrap();
}

#[test]
fn many_lines_that_grow_when_escaped_still_fit_the_protocol() {
    let rig = Rig::new();
    create(&rig.path("control"), "");
    let guest = rig.start_with(&["control"]);
    let long = vec![1_u8; crate::LINE_BYTES_MAX];
    for _ in 0..4 {
        rig.append("control", [&long[..], b"\n"].concat());
    }
    assert!(rig.lines(4).iter().all(|line| line.len() == crate::LINE_BYTES_MAX));
    guest.stop().unwrap();
}
