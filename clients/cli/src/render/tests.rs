//! Looks that no recorded vector shows.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::colour::Palette;
use super::{Look, execution, json as json_text, list, path, schema, table, time, wrap, yaml};

fn look() -> Look {
    Look {
        palette: Palette::choose(false, |_| None),
        zone: TimeZone::UTC,
        now: "2020-01-01T10:01:40Z".parse().unwrap(),
        durations: true,
        width: 100,
    }
}

fn machine(value: Value) -> String {
    yaml::to_text(&value, yaml::MACHINE)
}

#[test]
fn texts_that_read_as_something_else_are_quoted() {
    let cases = [
        ("yes", "'yes'"),
        ("~", "'~'"),
        ("010", "'010'"),
        ("1e5", "1e5"),
        ("1.5e+5", "'1.5e+5'"),
        ("1:30", "'1:30'"),
        ("2020-01-01", "'2020-01-01'"),
        ("<<", "'<<'"),
        ("=", "'='"),
        ("a: b", "'a: b'"),
        ("a:b", "a:b"),
        ("a #b", "'a #b'"),
        ("a#b", "a#b"),
        ("- a", "'- a'"),
        ("-a", "-a"),
        ("---", "'---'"),
        ("it's", "it's"),
        ("'s", "'''s'"),
        ("a ", "'a '"),
        ("tab\tbed", "\"tab\\tbed\""),
        ("x \ny", "\"x \\ny\""),
        ("\u{1F600}", "\"\\U0001F600\""),
        ("null and void", "null and void"),
        ("%a", "'%a'"),
        ("a%", "a%"),
        ("[a", "'[a'"),
        ("a,b]", "a,b]"),
        ("", "''"),
    ];
    for (text, expected) in cases {
        assert_eq!(machine(json!({ "k": text })), format!("k: {expected}\n"), "{text:?}");
    }
}

#[test]
fn long_texts_fold_at_the_first_blank_past_the_width() {
    let words = "word ".repeat(20);
    let text = machine(json!({ "k": words.trim() }));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [format!("k: {}", "word ".repeat(16).trim()), format!("    {}", "word ".repeat(4).trim())]
    );
    let inside = yaml::to_text(&json!({ "k": words.trim() }), yaml::TEXT);
    assert_eq!(inside.lines().count(), 1);
}

#[test]
fn long_escaped_texts_fold_with_a_backslash() {
    let words = format!("\u{e9}{}", " word".repeat(20));
    let text = machine(json!({ "k": words }));
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("k: \"\\xE9 word") && first.ends_with('\\'), "{text}");
    assert!(text.lines().nth(1).unwrap().starts_with("    \\ word"), "{text}");
}

#[test]
fn containers_nest_like_the_reference_prints_them() {
    let value = json!({"b": [[1, [2]], {"x": {}, "y": []}], "a": {"c": null}});
    assert_eq!(machine(value), "a:\n    c: null\nb:\n-   - 1\n    -   - 2\n-   x: {}\n    y: []\n");
    assert_eq!(machine(json!({ "a\nb": 1 })), "? 'a\n\n    b'\n: 1\n");
}

#[test]
fn floats_have_a_point_or_a_signed_exponent() {
    assert_eq!(
        json_text::machine(&json!([1e20, 1.0, 1e-7])),
        "[\n    1e+20,\n    1.0,\n    1e-07\n]"
    );
    assert_eq!(machine(json!({ "k": 1e20 })), "k: 1.0e+20\n");
}

#[test]
fn json_is_sorted_and_ascii() {
    let text = json_text::machine(&json!({"b": "J\u{f6}rg \u{1F600}", "a": {}}));
    assert_eq!(text, "{\n    \"a\": {},\n    \"b\": \"J\\u00f6rg \\ud83d\\ude00\"\n}");
}

#[test]
fn cells_break_at_blanks_hyphens_and_inside_long_words() {
    assert_eq!(wrap::cell("one two three", 7), ["one two", "three"]);
    assert_eq!(wrap::cell("well-known", 6), ["well-", "known"]);
    assert_eq!(wrap::cell("2020-01-01T10:00", 9), ["2020-01-", "01T10:00"]);
    assert_eq!(wrap::cell("abcdefgh", 3), ["abc", "def", "gh"]);
    assert_eq!(wrap::cell("a\n\nb", 5), ["a", "", "b"]);
    assert_eq!(wrap::cell("\u{6f22}\u{5b57}\u{6f22}", 4), ["\u{6f22}\u{5b57}", "\u{6f22}"]);
    assert_eq!(wrap::width("\u{1b}[91mred\u{1b}[0m"), 3);
}

#[test]
fn frames_fit_their_longest_line() {
    assert_eq!(table::boxed(&["a", "long"]), "+------+\n| a    |\n| long |\n+------+");
}

#[test]
fn a_list_of_everything_takes_its_columns_from_the_first_item() {
    let grid = list::grid(
        &[json!({"name": "a", "tags": ["x", "y"], "o": {}, "b": true, "n": null})],
        &["all".to_owned()],
        &[],
        &look(),
    );
    assert!(grid.contains("| b    | n | name | o | tags |"), "{grid}");
    assert!(grid.contains("| True |   | a    |   | x, y |"), "{grid}");
}

#[test]
fn properties_come_in_the_order_of_the_command_then_sorted() {
    let item = json!({"z": 1, "name": "n", "id": "i", "a": 2});
    let names = |order: &[&str]| list::shown_attributes(&item, &["all".to_owned()], order);
    assert_eq!(names(&[]), ["id", "name", "a", "z"]);
    assert_eq!(names(&["z", "missing"]), ["z", "a", "id", "name"]);
}

#[test]
fn secrets_by_name_are_masked() {
    let execution = json!({"parameters": {"password": "abc", "private_key": "def", "user": "joe"}, "status": "running"});
    let shown = execution::text(&execution, &["parameters".to_owned()], &look());
    assert_eq!(
        shown,
        "parameters: \n  password: '********'\n  private_key: '********'\n  user: joe"
    );
    let table = list::properties(&execution, &["parameters".to_owned()], &[], &look());
    assert!(!table.contains("abc") && !table.contains("def"), "{table}");
}

#[test]
fn keys_of_a_result_are_printed_bare() {
    let execution =
        json!({"result": {"a": {"b": ["x", {"c": 1}]}, "t": true, "n": null, "a.b": "dotted"}});
    let key = |name| execution::key(&execution, name);
    assert_eq!(key("a.b"), "dotted");
    assert_eq!(key("a"), r#"{"b":["x",{"c":1}]}"#);
    assert_eq!((key("t"), key("n"), key("no.such")), ("True".into(), "None".into(), "None".into()));
    assert_eq!(path::get(&execution, "result.a.b[1].c"), Some(&json!(1)));
    assert_eq!(path::get(&execution, "result['t']"), Some(&json!(true)));
}

#[test]
fn tasks_are_indented_by_their_depth() {
    let child = |id: &str, parent: &str| json!({"id": id, "parent": parent, "status": "running", "start_timestamp": "2020-01-01T10:00:00Z"});
    let all = [child("a", "root"), child("b", "a"), child("c", "root")];
    let rows = execution::tasks("root", &all, &look());
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["+ a", "   b", "  c"]);
    assert_eq!(rows[0]["status"], "running (100s elapsed)");
    let ring = [child("a", "b"), child("b", "a")];
    assert_eq!(execution::tasks("root", &ring, &look()).len(), 2);
}

#[test]
fn line_breaks_stored_as_two_letters_are_broken_and_empty_lines_left_out() {
    let execution = json!({"result": {"stdout": "a\\nb\n\nc"}, "log": []});
    let attributes = ["result".to_owned(), "log".to_owned()];
    let shown = execution::text(&execution, &attributes, &look());
    assert_eq!(shown, "result: \n  stdout: 'a\n\nb\n    c'\nlog: \n  []".replace("\n\n", "\n"));
}

#[test]
fn what_is_null_stands_in_no_document() {
    let item = json!({"a": null, "b": {"c": null, "d": 1}});
    assert_eq!(path::choose(&item, &["all".to_owned()]), json!({"b": {"c": null, "d": 1}}));
    assert_eq!(path::choose(&item, &["a".to_owned(), "b.d".to_owned()]), json!({"b": {"d": 1}}));
}

#[test]
fn times_are_shown_in_the_chosen_zone() {
    let zone = TimeZone::get("Asia/Tokyo").unwrap_or(TimeZone::UTC);
    let shown = time::display("2020-01-01T10:00:01.123456Z", &zone);
    assert!(shown.starts_with("Wed, 01 Jan 2020 "), "{shown}");
    assert_eq!(time::display("never", &zone), "never");
    assert_eq!(
        time::elapsed(
            &json!({"status": "requested", "start_timestamp": "2020-01-01T10:00:00Z"}),
            look().now
        ),
        None
    );
}

#[test]
fn a_schema_is_guessed_from_a_result() {
    let text = schema::proposal(&json!({"l": [], "f": 1.5}));
    assert!(
        text.contains("|   f:                  ") && text.contains("|     type: number"),
        "{text}"
    );
}

#[test]
fn colours_need_a_terminal_that_knows_them() {
    let with = |terminal, pairs: &[(&str, &str)]| {
        Palette::choose(terminal, |name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    };
    assert_eq!(with(true, &[("TERM", "xterm")]).status("failed"), "\u{1b}[91mfailed\u{1b}[0m");
    for (terminal, pairs) in [
        (false, &[("TERM", "xterm")][..]),
        (true, &[("TERM", "dumb")][..]),
        (true, &[("TERM", "xterm"), ("NO_COLOR", "1")][..]),
        (true, &[("TERM", "xterm"), ("ST2_COLORIZE", "1")][..]),
    ] {
        assert_eq!(with(terminal, pairs).status("failed"), "failed");
    }
}
