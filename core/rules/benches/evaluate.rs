//! Occurrences a second through 1,000 rules of one trigger.

#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use st2_expr::jinja::{Engine, KeyLookup, KeyTable};
use st2_model::{Id, Rule, Timestamp};
use st2_rules::{Evaluation, Occurrence, RuleSet};

const RULES: usize = 1_000;

fn rule(number: usize, criteria: Value) -> Rule {
    let id = format!("{number:024x}");
    serde_json::from_value(json!({
        "id": id,
        "ref": format!("bench.rule{number}"),
        "type": {"ref": "standard"},
        "trigger": "bench.trigger",
        "criteria": criteria,
        "action": {"ref": "core.noop"},
        "enabled": true,
        "context": {},
        "tags": [],
        "metadata_file": "",
    }))
    .unwrap()
}

/// What is measured: a name, how many rules, their criteria by number.
type Case = (&'static str, usize, fn(usize) -> Value);

/// One in a thousand, by name: the index finds it.
fn by_constant(number: usize) -> Value {
    json!({"trigger.name": {"type": "equals", "pattern": format!("host{number}")}})
}

/// Nothing an index could use: every rule is asked.
fn by_comparison(number: usize) -> Value {
    json!({
        "trigger.load": {"type": "gt", "pattern": number},
        "trigger.name": {"type": "startswith", "pattern": "host"},
    })
}

fn by_regex(number: usize) -> Value {
    json!({"trigger.name": {"type": "regex", "pattern": format!("^host{number}(\\.|$)")}})
}

fn by_template(number: usize) -> Value {
    json!({"trigger.load": {"type": "gt", "pattern": format!("{{{{ trigger.limit + {number} }}}}")}})
}

fn by_search(number: usize) -> Value {
    json!({
        "trigger.disks": {
            "type": "search",
            "condition": "any",
            "pattern": {"item.used": {"type": "gt", "pattern": number + 90}},
        }
    })
}

fn evaluate(criterion: &mut Criterion) {
    let cases: [Case; 5] = [
        ("equals constant", RULES, by_constant),
        ("two comparisons", RULES, by_comparison),
        ("regex", RULES, by_regex),
        ("search over 3 elements", RULES, by_search),
        ("template, 10 rules", 10, by_template),
    ];
    let payload = json!({
        "name": "host500",
        "load": 1,
        "limit": 5,
        "disks": [{"used": 10}, {"used": 20}, {"used": 30}],
        "labels": {"site": "a", "role": "db"},
    });
    let id = Id::derived(&["bench"]);
    let keys: Arc<dyn KeyLookup> = Arc::new(KeyTable::complete());
    let mut group = criterion.benchmark_group("occurrences through 1,000 rules");
    group.throughput(Throughput::Elements(1));
    for (name, count, criteria) in cases {
        let rules = (0..count).map(|number| rule(number, criteria(number)));
        let rules = RuleSet::new(rules, Arc::new(Engine::default()));
        let occurrence = Occurrence { id: &id, trigger: "bench.trigger", payload: &payload };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let now = Timestamp::from_micros(0);
                let answer = rules.evaluate(black_box(&occurrence), Arc::clone(&keys), now);
                assert!(matches!(answer, Evaluation::Decided(_)));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
