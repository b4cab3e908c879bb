//! The registrar on directories that change.

use std::os::unix::fs::symlink;
use std::time::Duration;

use st2_model::{
    Action, ActionAlias, Config, ConfigSchema, Object, Pack, Policy, ResourceRef, Rule, SensorType,
    Trigger, TriggerType,
};
use st2_ports::Topic;

use super::fixture::{PACK_YAML, Site, hook_rule};
use crate::{Error, Kind, Request, collect_trigger, ensure_trigger};

/// The pack's triggers and those of its rules; `core` has ten of its own.
async fn triggers(site: &Site) -> Vec<Trigger> {
    let all = site.all::<Trigger>().await.into_iter();
    let is_ours =
        |trigger: &Trigger| trigger.reference.pack() != "core" || !trigger.parameters.is_empty();
    all.filter(is_ours).collect()
}

fn names(problems: &[crate::Problem]) -> Vec<(&str, &str, &str)> {
    problems
        .iter()
        .map(|problem| (problem.pack.as_str(), problem.file.as_str(), problem.field.as_str()))
        .collect()
}

#[tokio::test]
async fn an_unchanged_pack_costs_no_write() {
    let site = Site::new();
    site.write_pack();
    let first = site.register().await;
    assert_eq!(first.problems, []);
    assert_eq!(first.packs, 1);
    assert!(!site.writes().is_empty());
    let second = site.register().await;
    assert_eq!((second.packs, second.unchanged_packs), (0, 1));
    assert_eq!(site.writes(), [""; 0]);
    let forced = site.force().await;
    assert_eq!((forced.packs, forced.written()), (1, 0));
    assert_eq!(forced.counts[&Kind::Actions].found, 1);
    assert_eq!(site.writes(), [""; 0]);
}

#[tokio::test]
async fn everything_in_a_pack_is_registered() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    let pack = &site.all::<Pack>().await[0];
    assert!(pack.files.contains(&"actions/act.yaml".to_owned()));
    assert_eq!(site.all::<Action>().await.len(), 1);
    assert_eq!(site.all::<SensorType>().await.len(), 1);
    assert_eq!(site.all::<Rule>().await.len(), 2);
    assert_eq!(site.all::<ActionAlias>().await.len(), 1);
    assert_eq!(site.all::<Policy>().await.len(), 1);
    assert_eq!(site.all::<Config>().await.len(), 1);
    assert_eq!(site.all::<ConfigSchema>().await.len(), 1);
    let kinds = site.all::<TriggerType>().await;
    assert!(kinds.iter().any(|kind| kind.reference.to_string() == "testpack.ev"));
    assert_eq!(triggers(&site).await.len(), 2);
}

#[tokio::test]
async fn one_bad_file_is_reported_and_stops_nothing() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    site.write(
        "packs/testpack/actions/act.yaml",
        "name: act\nrunner_type: noop\nparameters: {p: {type: str}}\n",
    );
    site.write("packs/testpack/actions/two.yaml", "name: two\nrunner_type: noop\n");
    site.write("packs/testpack/rules/broken.yaml", "name: [unclosed\n");
    for _ in 0..2 {
        // What is wrong is said again each time, until it is mended.
        let report = site.register().await;
        assert_eq!(
            names(&report.problems),
            [
                ("testpack", "actions/act.yaml", "parameters.p.type"),
                ("testpack", "rules/broken.yaml", ""),
            ]
        );
        assert!(report.problems[0].reason.contains("'str' is not one of"));
        assert!(report.problems[1].reason.starts_with("line "));
    }
    let shown = site.register().await.problems[0].to_string();
    assert!(
        shown.starts_with("pack \"testpack\", actions/act.yaml, parameters.p.type: "),
        "{shown}"
    );
    let actions = site.all::<Action>().await;
    assert_eq!(actions.len(), 2, "the bad file's action stays as it was: {actions:?}");
    site.writes();
    site.register().await;
    assert_eq!(site.writes(), [""; 0], "a lasting problem costs no write");

    site.write("packs/testpack/actions/act.yaml", "name: act\nrunner_type: noop\nenabled: false\n");
    site.remove("packs/testpack/rules/broken.yaml");
    let report = site.register().await;
    assert_eq!(report.problems, []);
    let actions = site.all::<Action>().await;
    assert!(actions.iter().any(|action| !action.enabled));
}

#[tokio::test]
async fn only_what_changed_is_written_and_told() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    let old = triggers(&site).await;
    let mut rules = site.listen(Topic::RuleChanged).await;
    let mut sensors = site.listen(Topic::SensorChanged).await;
    let mut packs = site.listen(Topic::ContentChanged).await;
    let mut changed = site.listen(Topic::TriggerChanged).await;
    site.writes();
    site.write("packs/testpack/rules/hook.yaml", hook_rule("two"));
    let report = site.register().await;
    assert_eq!(report.written(), 1);
    let hook: ResourceRef = "testpack.hook".parse().expect("a ref");
    assert_eq!(rules.heard().await, [Rule::id_of(&hook).to_string()]);
    assert_eq!(sensors.heard().await, [""; 0]);
    assert_eq!(packs.heard().await, ["testpack"]);
    let new = triggers(&site).await;
    let urls: Vec<&str> =
        new.iter().filter_map(|trigger| trigger.parameters.get("url")?.as_str()).collect();
    assert_eq!(urls, ["two"], "the trigger that no rule waits for is gone");
    let was = |trigger: &&Trigger| trigger.parameters.contains_key("url");
    let mut expected: Vec<String> = [old.iter().find(was), new.iter().find(was)]
        .into_iter()
        .flatten()
        .map(|trigger| trigger.id.to_string())
        .collect();
    let mut heard = changed.heard().await;
    expected.sort();
    heard.sort();
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn a_sensor_changes_with_its_code() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    let before = site.all::<SensorType>().await;
    let mut sensors = site.listen(Topic::SensorChanged).await;
    let mut rules = site.listen(Topic::RuleChanged).await;
    site.write("packs/testpack/sensors/s.py", "class Sens: 1\n");
    site.register().await;
    let after = site.all::<SensorType>().await;
    assert_ne!(before[0].digest, after[0].digest);
    assert_eq!(sensors.heard().await, [after[0].id.to_string()]);
    assert_eq!(rules.heard().await, [""; 0]);
}

#[tokio::test]
async fn a_file_that_was_only_touched_is_not_parsed_again() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    let mut packs = site.listen(Topic::ContentChanged).await;
    site.write("packs/testpack/actions/act.yaml", "name: act\nrunner_type: noop\n");
    let report = site.register().await;
    assert_eq!((report.packs, report.written()), (1, 0));
    assert_eq!(packs.heard().await, [""; 0]);
    assert_eq!(site.register().await.unchanged_packs, 1);
}

#[tokio::test]
async fn data_that_a_guest_keeps_writing_is_not_content() {
    let site = Site::new();
    site.write_pack();
    site.write("packs/testpack/data.log", "one");
    site.register().await;
    site.writes();
    site.write("packs/testpack/data.log", "two, and more");
    assert_eq!(site.register().await.unchanged_packs, 1);
    assert_eq!(site.writes(), [""; 0]);
}

#[tokio::test]
async fn what_was_switched_through_the_api_stays_while_its_file_is_unchanged() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    let rules = site.ports.repository::<Rule>();
    let mut rule = site.all::<Rule>().await.remove(0);
    rule.enabled = false;
    rules.put(&rule).await.expect("a store that works");
    site.write("packs/testpack/actions/act.yaml", "name: act\nrunner_type: noop\nenabled: false\n");
    site.register().await;
    let enabled = |rules: Vec<Rule>| rules.iter().filter(|rule| rule.enabled).count();
    assert_eq!(enabled(site.all::<Rule>().await), 1);
    site.force().await;
    assert_eq!(enabled(site.all::<Rule>().await), 2);
}

#[tokio::test]
async fn what_is_gone_is_removed_and_reported() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    let mut from_api = site.all::<Action>().await.remove(0);
    from_api.reference = "testpack.from_api".parse().expect("a ref");
    from_api.id = Action::id_of(&from_api.reference);
    from_api.metadata_file = String::new();
    let actions = site.ports.repository::<Action>();
    actions.put(&from_api).await.expect("a store that works");
    for file in ["actions/act.yaml", "sensors/s.yaml", "rules/hook.yaml", "config.schema.yaml"] {
        site.remove(&format!("packs/testpack/{file}"));
    }
    site.remove("configs/testpack.yaml");
    // Another name in the same file: the old one is gone too.
    site.write(
        "packs/testpack/aliases/a.yaml",
        "name: other\naction_ref: testpack.act\nformats: [do it]\n",
    );
    let mut report = site.register().await;
    report.removed.sort();
    assert_eq!(
        report.removed,
        [
            "action testpack.act",
            "alias testpack.al",
            "rule testpack.hook",
            "sensor testpack.Sens",
            "trigger type testpack.ev",
        ]
    );
    let left = site.all::<Action>().await;
    assert_eq!(left, [from_api]);
    assert_eq!(site.all::<Config>().await, []);
    assert_eq!(site.all::<ConfigSchema>().await, []);
    // A rule still waits for the trigger of the type that is gone.
    let left: Vec<String> = triggers(&site).await.iter().map(|t| t.reference.to_string()).collect();
    assert_eq!(left, ["testpack.ev"]);
}

#[tokio::test]
async fn nothing_is_removed_where_that_is_not_wanted() {
    let site = Site::with(|settings| settings.prune = false);
    site.write_pack();
    site.register().await;
    site.remove("packs/testpack/actions/act.yaml");
    let report = site.register().await;
    assert_eq!(report.removed, [""; 0]);
    assert_eq!(site.all::<Action>().await.len(), 1);
}

#[tokio::test]
async fn a_pack_that_is_gone_is_removed_with_all_its_files_defined() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    std::fs::remove_dir_all(site.path("packs/testpack")).expect("a directory");
    let report = site.register().await;
    assert!(report.removed.contains(&"pack testpack".to_owned()), "{:?}", report.removed);
    assert_eq!(site.all::<Pack>().await, []);
    assert_eq!(site.all::<Rule>().await, []);
    assert_eq!(triggers(&site).await, []);
}

#[tokio::test]
async fn a_missing_base_path_removes_nothing() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    std::fs::rename(site.path("packs"), site.path("elsewhere")).expect("a directory");
    let report = site.register().await;
    assert!(report.problems[0].reason.contains("doesn't exist"), "{:?}", report.problems);
    assert_eq!(site.all::<Pack>().await.len(), 1);
    std::fs::rename(site.path("elsewhere"), site.path("packs")).expect("a directory");
    site.writes();
    assert_eq!(site.register().await.problems, []);
    assert_eq!(site.writes(), [""; 0]);
}

#[tokio::test]
async fn the_first_of_two_directories_of_a_pack_counts() {
    let site = Site::new();
    site.write_pack();
    site.write("more/testpack/pack.yaml", PACK_YAML.replace("1.0.0", "2.0.0"));
    site.write("more/testpack/actions/other.yaml", "name: other\nrunner_type: noop\n");
    let report = site.register().await;
    assert_eq!(report.problems, []);
    assert!(report.warnings[0].reason.contains("already found in"), "{:?}", report.warnings);
    assert_eq!(site.all::<Pack>().await[0].version, "1.0.0");
    assert_eq!(site.all::<Action>().await.len(), 1);
}

#[tokio::test]
async fn hostile_files_are_problems_and_block_nothing() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let site = Site::new();
    site.write_pack();
    let actions = site.path("packs/testpack/actions");
    symlink("loop.yaml", actions.join("loop.yaml")).expect("a link");
    symlink("/nowhere/at/all.yaml", actions.join("dangling.yaml")).expect("a link");
    symlink("/dev/zero", actions.join("zero.yaml")).expect("a link");
    symlink("..", actions.join("up")).expect("a link");
    symlink("triggers", site.path("packs/testpack/triggers")).expect("a link");
    std::fs::write(actions.join(OsStr::from_bytes(b"bad\xff.yaml")), "name: x\n").expect("a file");
    let huge = std::fs::File::create(actions.join("huge.yaml")).expect("a file");
    huge.set_len(5 * 1024 * 1024).expect("a sparse file");
    std::fs::create_dir(actions.join("folder.yaml")).expect("a directory");
    let deep = "[".repeat(100_000);
    site.write("packs/testpack/actions/deep.yaml", format!("name: {deep}"));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
                c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
                e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
                g: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
    site.write("packs/testpack/actions/bomb.yaml", bomb);
    let registered = tokio::time::timeout(Duration::from_secs(60), site.register()).await;
    let report = registered.expect("an end");
    let files: Vec<&str> = report.problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(
        files,
        [
            "actions/bad\u{fffd}.yaml",
            "actions/bomb.yaml",
            "actions/dangling.yaml",
            "actions/deep.yaml",
            "actions/huge.yaml",
            "actions/loop.yaml",
            "actions/zero.yaml",
            "triggers",
        ]
    );
    assert_eq!(site.all::<Action>().await.len(), 1);
    assert_eq!(site.all::<Rule>().await.len(), 2);
}

#[tokio::test]
async fn a_directory_that_can_not_be_read_removes_nothing() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    let actions = site.path("packs/testpack/actions");
    std::fs::rename(&actions, site.path("packs/testpack/kept")).expect("a directory");
    symlink("actions", &actions).expect("a link that leads to itself");
    let report = site.register().await;
    assert_eq!(names(&report.problems), [("testpack", "actions", "")]);
    assert!(report.problems[0].reason.contains("can not be read"));
    assert_eq!(report.removed, [""; 0]);
    assert_eq!(site.all::<Action>().await.len(), 1);
}

#[tokio::test]
async fn overrides_switch_and_switch_back() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    site.write("overrides/_global.yaml", "sensors: {defaults: {enabled: false}}\n");
    site.write("overrides/testpack.yaml", "rules: {exceptions: {hook: {enabled: false}}}\n");
    let report = site.register().await;
    assert_eq!(report.counts[&Kind::Sensors].overridden, 1);
    assert_eq!(report.counts[&Kind::Rules].overridden, 1);
    assert!(!site.all::<SensorType>().await[0].enabled);
    assert_eq!(site.all::<Rule>().await.iter().filter(|rule| rule.enabled).count(), 1);
    site.remove("overrides/_global.yaml");
    site.remove("overrides/testpack.yaml");
    site.register().await;
    assert!(site.all::<SensorType>().await[0].enabled);

    // In doubt nothing is touched: what was to be switched off might run.
    site.write("overrides/testpack.yaml", "rules: {defaults: {enable: false}}\n");
    site.write("packs/testpack/actions/new.yaml", "name: new\nrunner_type: noop\n");
    let report = site.register().await;
    assert_eq!(report.problems[0].field, "rules.defaults.enable");
    assert_eq!(site.all::<Action>().await.len(), 1);
}

#[tokio::test]
async fn a_rule_of_the_default_pack_gives_way_to_its_namesake() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    let mut rule = site.all::<Rule>().await.remove(0);
    rule.reference = ResourceRef::new("default", "late").expect("a ref");
    rule.id = Rule::id_of(&rule.reference);
    rule.metadata_file = String::new();
    site.ports.repository::<Rule>().put(&rule).await.expect("a store that works");
    site.write(
        "packs/testpack/rules/late.yaml",
        hook_rule("late").replace("name: hook", "name: late"),
    );
    let report = site.register().await;
    assert_eq!(report.removed, ["rule default.late"]);
    assert_eq!(site.all::<Rule>().await.len(), 3);
}

#[tokio::test]
async fn a_rule_waits_for_its_trigger_type_to_come() {
    let site = Site::new();
    site.write_pack();
    site.write(
        "packs/testpack/rules/early.yaml",
        "name: early\ntrigger: {type: later.ev}\naction: {ref: core.noop}\n",
    );
    let report = site.register().await;
    assert_eq!(names(&report.problems), [("testpack", "rules/early.yaml", "trigger")]);
    site.write("packs/later/pack.yaml", PACK_YAML.replace("testpack", "later"));
    site.write("packs/later/triggers/ev.yaml", "name: ev\n");
    assert_eq!(site.register().await.problems, []);
    assert_eq!(site.all::<Rule>().await.len(), 3);
}

#[tokio::test]
async fn a_trigger_lasts_as_long_as_a_rule_waits_for_it() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    let kind: ResourceRef = "core.st2.webhook".parse().expect("a ref");
    let mut parameters = Object::new();
    parameters.insert("url".into(), "free".into());
    let trigger = Trigger::of(&kind, parameters).expect("a trigger");
    let reference = trigger.reference.to_string();
    assert!(ensure_trigger(&site.ports, &trigger).await.expect("a store"));
    assert!(!ensure_trigger(&site.ports, &trigger).await.expect("a store"));
    let used = site.all::<Rule>().await.remove(1).trigger;
    assert!(!collect_trigger(&site.ports, &used).await.expect("a store"));
    assert!(!collect_trigger(&site.ports, "testpack.ev").await.expect("a store"));
    assert!(!collect_trigger(&site.ports, "core.nothing").await.expect("a store"));
    assert!(collect_trigger(&site.ports, &reference).await.expect("a store"));
    assert!(!collect_trigger(&site.ports, &reference).await.expect("a store"));
}

#[tokio::test]
async fn kinds_and_packs_can_be_asked_for() {
    let site = Site::new();
    site.write_pack();
    let request = Request {
        packs: Some(["testpack".to_owned()].into()),
        kinds: Some([Kind::Actions].into()),
        ..Request::default()
    };
    let report = site.registrar.register(request).await.expect("a pack");
    assert_eq!(report.counts[&Kind::Actions].found, 1);
    assert_eq!(site.all::<Rule>().await, []);
    let report = site.register().await;
    assert_eq!(report.packs, 1, "the rest is not taken for done");
    assert_eq!(site.all::<Rule>().await.len(), 2);
    let request = Request { packs: Some(["nothere".to_owned()].into()), ..Request::default() };
    let refused = site.registrar.register(request).await;
    let Err(error @ Error::PackNotFound { .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(error.to_string().starts_with("Pack \"nothere\" not found on disk: Directory \""));
}

#[tokio::test]
async fn unregistering_leaves_nothing_of_the_pack() {
    let site = Site::new();
    site.write_pack();
    site.register().await;
    site.registrar.unregister("testpack").await.expect("a store that works");
    assert_eq!(site.all::<Pack>().await, []);
    assert_eq!(site.all::<Action>().await, []);
    assert_eq!(site.all::<Config>().await, []);
    assert_eq!(triggers(&site).await, []);
    site.register().await;
    assert_eq!(site.all::<Rule>().await.len(), 2, "its files are still there");
}

#[tokio::test]
async fn two_packs_of_one_name_are_told_apart() {
    let site = Site::new();
    site.write_pack();
    site.write("packs/zzz/pack.yaml", PACK_YAML);
    let report = site.register().await;
    assert_eq!(names(&report.problems), [("zzz", "pack.yaml", "name")]);
    assert_eq!(site.all::<Pack>().await.len(), 1);
}

#[tokio::test]
async fn an_action_may_say_that_it_is_idempotent() {
    let site = Site::new();
    site.write_pack();
    site.write(
        "packs/testpack/actions/act.yaml",
        "name: act\nrunner_type: noop\nidempotent: true\n",
    );
    site.write(
        "packs/testpack/actions/bad.yaml",
        "name: bad\nrunner_type: noop\nidempotents: true\n",
    );
    let report = site.register().await;
    assert!(report.problems[0].reason.contains("'idempotents' was unexpected"));
    let actions = site.all::<Action>().await;
    assert!(actions[0].idempotent);
    assert_eq!(st2_wire::content::action(&actions[0])["idempotent"], true);
}

#[tokio::test]
async fn who_defines_a_name_twice_gets_the_last_and_a_warning() {
    let site = Site::new();
    site.write_pack();
    site.write("packs/testpack/actions/b.yaml", "name: act\nrunner_type: noop\ndescription: b\n");
    let report = site.register().await;
    assert!(report.warnings[0].reason.contains("actions/b.yaml"), "{:?}", report.warnings);
    site.write("packs/testpack/actions/act.yaml", "name: act\nrunner_type: noop\ndescription: a\n");
    site.register().await;
    let actions = site.all::<Action>().await;
    assert_eq!(actions[0].description.as_deref(), Some("b"));
}
