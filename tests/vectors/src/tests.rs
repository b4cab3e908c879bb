//! The kit's own rules.

use crate::differences::Differences;
use crate::recording::Recording;
use crate::verdicts::Verdicts;

fn outcome(list: &str, must_come: bool, verdicts: &[(&str, bool)]) -> Result<String, String> {
    let listed = Differences::parse(list).unwrap();
    let mut all = Verdicts::against("x".to_owned(), listed, must_come);
    for (id, is_as_recorded) in verdicts {
        all.add(id, if *is_as_recorded { Ok(()) } else { Err("differs".to_owned()) });
    }
    all.outcome()
}

#[test]
fn what_is_as_recorded_or_listed_is_counted() {
    let told = outcome("b\twhy\n", true, &[("a", true), ("b", false), ("c", true)]).unwrap();
    assert_eq!(told, "x: 3 run, 2 as recorded, 1 different on purpose");
}

#[test]
fn lists_only_shrink() {
    for (list, verdicts, problem) in [
        ("", &[("a", false)][..], "a: differs"),
        ("a\twhy", &[("a", true)], "a: is as recorded, but listed as different"),
        ("b\twhy", &[("a", true)], "b: is listed, but not recorded"),
        ("", &[("a", true), ("a", true)], "a: came twice"),
        ("", &[], "no line was run"),
    ] {
        let told = outcome(list, true, verdicts).unwrap_err();
        assert!(told.ends_with(&format!("1 problems:\n{problem}")), "{told}");
    }
}

#[test]
fn other_recordings_may_lack_lines_and_nothing_else() {
    assert!(outcome("b\twhy", false, &[("a", true)]).is_ok());
    assert!(outcome("b\twhy", false, &[("b", true)]).is_err());
    assert!(outcome("b\twhy", false, &[("a", false)]).is_err());
    assert!(outcome("b\twhy", false, &[]).is_err());
}

#[test]
fn a_list_needs_reasons_and_names_an_id_once() {
    for (list, problem) in [
        ("a", "line 1 is not an id, a tab and a reason"),
        ("a\twhy\n\n", "line 2 is not an id, a tab and a reason"),
        ("a\t ", "line 1 is not an id, a tab and a reason"),
        ("\twhy", "line 1 is not an id, a tab and a reason"),
        ("a\twhy\na\twhy", "line 2: a is listed twice"),
    ] {
        assert_eq!(Differences::parse(list), Err(problem.to_owned()));
    }
}

#[test]
fn every_line_behind_the_header_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("x.jsonl"), text).unwrap();
    write("{\"about\": 1}\n{\"id\": \"x-1\"}\n{\"n\": 2}");
    let recording = Recording::open("x", folder.path()).unwrap();
    assert_eq!(recording.header()["about"], 1);
    assert_eq!(recording.ids(), ["x-1", "3"]);
    assert_eq!(recording.only(|line| line["n"] == 2).ids(), ["3"]);
    for (text, problem) in [("", "x.jsonl: there is no header"), ("{}\n\n", "line 2: EOF")] {
        write(text);
        let told = Recording::open("x", folder.path()).unwrap_err();
        assert!(told.contains(problem), "{told}");
    }
    assert!(Recording::open("y", folder.path()).is_err());
}
