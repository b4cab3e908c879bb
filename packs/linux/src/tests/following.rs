//! Files that come, go, and change their names while the sensor runs.

use super::*;

#[test]
fn any_number_of_files_at_once_coming_and_going() {
    let rig = Rig::new();
    let names: Vec<String> = (0..50).map(|number| format!("file-{number:02}")).collect();
    for name in &names {
        create(&rig.path(name), "old\n");
    }
    let guest = rig.start();
    for name in &names {
        guest.add_trigger(rig.trigger(name)).unwrap();
    }
    for name in &names {
        rig.append(name, format!("from {name}\n"));
    }
    let mut lines = rig.lines(50);
    lines.sort();
    assert_eq!(lines, names.iter().map(|name| format!("from {name}")).collect::<Vec<_>>());

    for name in &names[..49] {
        guest.remove_trigger(rig.trigger(name)).unwrap();
        rig.append(name, "not seen\n");
    }
    rig.append("file-49", "still seen\n");
    assert_eq!(rig.lines(51)[50], "still seen");
    assert_eq!(rig.host.datastore().len(), 1, "positions of removed triggers are gone");
    guest.stop().unwrap();
    assert_eq!(rig.host.items().len(), 51);
}

#[test]
fn two_triggers_on_one_file_get_every_line_each() {
    let rig = Rig::new();
    create(&rig.path("shared"), "");
    let guest = rig.start_with(&["shared"]);
    let second = Trigger {
        id: "second".to_owned(),
        reference: "linux.second".to_owned(),
        ..rig.trigger("shared")
    };
    guest.add_trigger(second).unwrap();
    rig.append("shared", "x\n");
    let mut triggers: Vec<_> =
        rig.host.wait_for_items(2).into_iter().map(|item| item.trigger).collect();
    triggers.sort();
    assert_eq!(triggers, ["linux.second", "linux.shared"]);
    guest.stop().unwrap();
}

#[test]
fn rotation_by_rename_loses_nothing_of_either_file() {
    let rig = Rig::new();
    create(&rig.path("app.log"), "");
    let guest = rig.start_with(&["app.log"]);
    let mut expected = Vec::new();
    for round in 0..5 {
        rig.append("app.log", format!("{round} before\n"));
        std::fs::rename(rig.path("app.log"), rig.path("app.log.1")).unwrap();
        // The writer has not noticed yet.
        rig.append("app.log.1", format!("{round} after the rename\n"));
        expected.push(format!("{round} before"));
        expected.push(format!("{round} after the rename"));
        assert_eq!(rig.lines(expected.len()), expected);
        create(&rig.path("app.log"), format!("{round} in the new file\n"));
        expected.push(format!("{round} in the new file"));
        assert_eq!(rig.lines(expected.len()), expected);
        // And some writers never notice.
        rig.append("app.log.1", format!("{round} late\n"));
        expected.push(format!("{round} late"));
        assert_eq!(rig.lines(expected.len()), expected);
    }
    guest.stop().unwrap();
    assert_eq!(rig.host.duplicates(), 0);
}

#[test]
fn an_unfinished_line_of_a_file_that_goes_away_is_a_line() {
    let rig = Rig::new();
    create(&rig.path("a"), "");
    let guest = rig.start_with(&["a"]);
    rig.append("a", "one\nunfinished");
    assert_eq!(rig.lines(1), ["one"]);
    std::fs::rename(rig.path("a"), rig.path("a.1")).unwrap();
    create(&rig.path("a"), "new 0\n");
    assert_eq!(rig.lines(2), ["one", "new 0"]);
    // Only now is the first file out of sight.
    std::fs::rename(rig.path("a"), rig.path("a.1")).unwrap();
    create(&rig.path("a"), "new 1\n");
    assert_eq!(rig.lines(4), ["one", "new 0", "unfinished", "new 1"]);
    guest.stop().unwrap();
}

#[test]
fn rotation_by_truncation_goes_on_at_the_beginning() {
    let rig = Rig::new();
    create(&rig.path("a"), "");
    let guest = rig.start_with(&["a"]);
    for round in 0..5 {
        // The same text at the same place of the same file: not to be taken for a repeat.
        rig.append("a", "started\nrunning");
        let seen = rig.lines(2 * round + 1);
        assert_eq!(seen[2 * round], "started", "round {round}: {seen:?}");
        File::create(rig.path("a")).unwrap();
        assert_eq!(rig.lines(2 * round + 2)[2 * round + 1], "running");
    }
    guest.stop().unwrap();
    assert_eq!(rig.host.duplicates(), 0);
}

#[test]
fn a_file_that_was_replaced_in_place_by_a_longer_one_is_noticed() {
    let rig = Rig::new();
    create(&rig.path("a"), "");
    let guest = rig.start_with(&["a"]);
    rig.append("a", "short\n");
    assert_eq!(rig.lines(1), ["short"]);
    create(&rig.path("a"), "a longer first line\nand a second\n");
    assert_eq!(rig.lines(3)[1..], ["a longer first line", "and a second"]);
    guest.stop().unwrap();
}

#[test]
fn files_and_folders_that_appear_later_are_read_from_the_beginning() {
    let rig = Rig::new();
    let guest = rig.start_with(&["later", "deep/er/still/file"]);
    create(&rig.path("later"), "first\n");
    assert_eq!(rig.lines(1), ["first"]);
    std::fs::create_dir(rig.path("deep")).unwrap();
    std::fs::create_dir_all(rig.path("deep/er/still")).unwrap();
    create(&rig.path("deep/er/still/file"), "second\n");
    assert_eq!(rig.lines(2), ["first", "second"]);
    // The whole tree goes away and comes back.
    std::fs::remove_dir_all(rig.path("deep")).unwrap();
    std::fs::create_dir_all(rig.path("deep/er/still")).unwrap();
    create(&rig.path("deep/er/still/file"), "third\n");
    assert_eq!(rig.lines(3)[2], "third");
    guest.stop().unwrap();
}

#[test]
fn a_link_is_followed_also_when_it_points_elsewhere_later() {
    let rig = Rig::new();
    std::fs::create_dir(rig.path("one")).unwrap();
    std::fs::create_dir(rig.path("two")).unwrap();
    create(&rig.path("one/log"), "");
    create(&rig.path("two/log"), "");
    std::os::unix::fs::symlink(rig.path("one/log"), rig.path("link")).unwrap();
    let guest = rig.start_with(&["link"]);
    rig.append("one/log", "from one\n");
    assert_eq!(rig.lines(1), ["from one"]);
    std::fs::remove_file(rig.path("link")).unwrap();
    std::os::unix::fs::symlink(rig.path("two/log"), rig.path("link")).unwrap();
    rig.append("two/log", "from two\n");
    assert_eq!(rig.lines(2), ["from one", "from two"]);
    guest.stop().unwrap();
}

#[test]
fn what_is_no_regular_file_is_said_and_waited_for() {
    let rig = Rig::new();
    std::fs::create_dir(rig.path("thing")).unwrap();
    let guest = rig.start_with(&["thing"]);
    assert!(rig.host.wait_for_log("thing: not a regular file"));
    std::fs::remove_dir(rig.path("thing")).unwrap();
    create(&rig.path("thing"), "now it is\n");
    assert_eq!(rig.lines(1), ["now it is"]);
    guest.stop().unwrap();
}

#[test]
fn a_trigger_without_a_usable_path_is_refused_by_name() {
    let rig = Rig::new();
    let guest = rig.start();
    let mut trigger = rig.trigger("a");
    trigger.parameters.clear();
    let error = guest.add_trigger(trigger.clone()).unwrap_err();
    assert_eq!(error.message, "trigger linux.a: parameter file_path is missing");
    trigger.parameters.insert("file_path".to_owned(), "a/b".into());
    let error = guest.add_trigger(trigger).unwrap_err();
    assert_eq!(error.message, "trigger linux.a: file_path a/b is not absolute");
    guest.stop().unwrap();
}
