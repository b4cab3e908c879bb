//! What the next life of the sensor makes of what the last one left.

use super::*;

#[test]
fn it_goes_on_where_it_stopped() {
    let rig = Rig::new();
    create(&rig.path("a"), "before\n");
    rig.start_with(&["a"]).stop().unwrap();
    rig.append("a", "while away\n");
    let guest = rig.start_with(&["a"]);
    rig.append("a", "back again\n");
    assert_eq!(rig.lines(2), ["while away", "back again"]);
    guest.stop().unwrap();
}

#[test]
fn a_crash_between_dispatch_and_answer_neither_loses_nor_repeats() {
    const COUNT: usize = 5_000;
    let rig = Rig::new();
    create(&rig.path("a"), "");
    let mut guest = Some(rig.start_with(&["a"]));
    let text: String = (0..COUNT).map(|number| format!("line {number}\n")).collect();
    rig.host.die_after_items(700);
    rig.append("a", text);
    for _ in 0..3 {
        assert!(rig.host.wait_for_items(1).len() < COUNT);
        drop(guest.take().unwrap().wait());
        // Dies again at some other place.
        let next = rig.start();
        rig.host.die_after_items(900);
        drop(next.add_trigger(rig.trigger("a")));
        guest = Some(next);
    }
    drop(guest.take().unwrap().wait());
    let last = rig.start_with(&["a"]);
    assert!(rig.lines(COUNT).into_iter().eq((0..COUNT).map(|number| format!("line {number}"))));
    last.stop().unwrap();
    assert!(rig.host.duplicates() > 0, "the keys were needed");
    assert_eq!(rig.host.items().len(), COUNT);
}

#[test]
fn a_file_rotated_while_nobody_watched_is_found_and_finished() {
    let rig = Rig::new();
    create(&rig.path("a"), "");
    let guest = rig.start_with(&["a"]);
    rig.append("a", "one\n");
    assert_eq!(rig.lines(1), ["one"]);
    guest.stop().unwrap();
    rig.append("a", "two\n");
    std::fs::rename(rig.path("a"), rig.path("a.1")).unwrap();
    create(&rig.path("a"), "three\n");
    let guest = rig.start_with(&["a"]);
    assert_eq!(rig.lines(3), ["one", "two", "three"]);
    guest.stop().unwrap();
}

#[test]
fn a_file_that_is_gone_for_good_is_reported() {
    let rig = Rig::new();
    create(&rig.path("a"), "");
    let guest = rig.start_with(&["a"]);
    rig.append("a", "one\n");
    assert_eq!(rig.lines(1), ["one"]);
    guest.stop().unwrap();
    std::fs::remove_file(rig.path("a")).unwrap();
    // Whether or not it gets the same inode, it is another file.
    create(&rig.path("a"), "two\nthree\n");
    let guest = rig.start_with(&["a"]);
    assert_eq!(rig.lines(3), ["one", "two", "three"]);
    guest.stop().unwrap();
    assert_eq!(rig.host.duplicates(), 0);
}

#[test]
fn a_file_truncated_while_nobody_watched_starts_anew() {
    let rig = Rig::new();
    create(&rig.path("a"), "");
    let guest = rig.start_with(&["a"]);
    rig.append("a", "same text\n");
    assert_eq!(rig.lines(1), ["same text"]);
    guest.stop().unwrap();
    create(&rig.path("a"), "new text, and longer\n");
    let guest = rig.start_with(&["a"]);
    assert_eq!(rig.lines(2), ["same text", "new text, and longer"]);
    guest.stop().unwrap();
}

#[test]
fn a_file_that_did_not_exist_yet_is_still_read_from_the_beginning() {
    let rig = Rig::new();
    rig.start_with(&["later"]).stop().unwrap();
    create(&rig.path("later"), "first\n");
    let guest = rig.start_with(&["later"]);
    assert_eq!(rig.lines(1), ["first"]);
    guest.stop().unwrap();
}

#[test]
fn a_trigger_removed_and_made_again_starts_at_the_end() {
    let rig = Rig::new();
    create(&rig.path("a"), "");
    let guest = rig.start_with(&["a"]);
    rig.append("a", "one\n");
    assert_eq!(rig.lines(1), ["one"]);
    guest.remove_trigger(rig.trigger("a")).unwrap();
    rig.append("a", "not wanted\n");
    guest.add_trigger(rig.trigger("a")).unwrap();
    rig.append("a", "two\n");
    assert_eq!(rig.lines(2), ["one", "two"]);
    guest.stop().unwrap();
}

#[test]
fn a_store_that_is_away_for_a_while_costs_nothing() {
    let rig = Rig::new();
    create(&rig.path("a"), "");
    let guest = rig.start_with(&["a"]);
    rig.host.be_unavailable(3);
    rig.append("a", "one\ntwo\n");
    assert_eq!(rig.lines(2), ["one", "two"]);
    guest.stop().unwrap();
    assert_eq!(rig.host.duplicates(), 0);
}

#[test]
fn an_unreadable_position_is_no_reason_to_give_up() {
    let rig = Rig::new();
    create(&rig.path("a"), "old\n");
    rig.host.set_value("position.linux.a", "not json");
    let guest = rig.start_with(&["a"]);
    rig.append("a", "new\n");
    assert_eq!(rig.lines(1), ["new"]);
    guest.stop().unwrap();
}
