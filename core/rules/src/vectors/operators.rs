//! Every operator against `operators.jsonl`.

use serde_json::Value;
use st2_expr::jinja::Engine;
use st2_model::Timestamp;

use crate::Error;
use crate::operators::{Operator, Test};

fn now_of(row: &Value) -> Timestamp {
    row["now"].as_str().map_or(Timestamp::from_micros(0), |text| text.parse().unwrap())
}

/// Whether our error says what the Python exception `kind` says.
fn is_same_kind(error: &Error, kind: &str) -> bool {
    let kinds: &[&str] = match error {
        Error::Operand { .. } | Error::Shape { .. } => &["TypeError", "AttributeError"],
        Error::NotComparable { .. } => &["TypeError"],
        Error::NotANumber { .. } => &["ValueError"],
        Error::Date { .. } => &["ParserError"],
        Error::Regex(_) => &["error"],
        Error::Condition { .. } => &["UnrecognizedConditionError"],
        Error::UnknownOperator { .. } => &["Exception"],
        _ => &[],
    };
    kinds.contains(&kind)
}

fn compare(ours: Result<bool, Error>, row: &Value) -> Result<(), String> {
    match (ours, row["result"].as_bool(), row["error"]["type"].as_str()) {
        (Ok(ours), Some(theirs), _) if ours == theirs => Ok(()),
        (Err(error), _, Some(kind)) if is_same_kind(&error, kind) => Ok(()),
        (ours, theirs, kind) => Err(format!("got {ours:?}, recorded {theirs:?} {kind:?}")),
    }
}

#[test]
fn vectors_operators() {
    let engine = Engine::default();
    st2_vectors::run("operators", |_, row| {
        if let Some(name) = row["operator_lookup"].as_str() {
            return match (Operator::named(name), row.get("error")) {
                (Some(_), None) | (None, Some(_)) => Ok(()),
                (found, _) => Err(format!("{name:?} is {found:?}")),
            };
        }
        let operator = Operator::named(row["operator"].as_str().unwrap()).unwrap();
        if operator == Operator::Search {
            return compare(super::criteria::search(row, &engine), row);
        }
        let test = Test::new(operator, row["criteria_pattern"].clone());
        compare(test.check(&row["value"], now_of(row)), row)
    });
}
