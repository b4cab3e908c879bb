//! Operators beyond the recordings.

use serde_json::{Value, json};
use st2_model::Timestamp;

use super::{Operator, Test};
use crate::Error;

fn check(operator: &str, value: Value, pattern: Value) -> Result<bool, Error> {
    let now = "2026-03-15T12:30:45.500Z".parse::<Timestamp>().unwrap();
    Test::new(Operator::named(operator).unwrap(), pattern).check(&value, now)
}

#[test]
fn names_are_known_in_any_case_and_nowhere_else() {
    assert_eq!(Operator::named("MatchRegex"), Some(Operator::Matchregex));
    assert_eq!(Operator::named("regex "), None);
    assert_eq!(Operator::names().count(), 33);
}

#[test]
fn errors_name_the_operand_and_what_it_should_be() {
    let error = check("startswith", json!(5), json!("a")).unwrap_err();
    assert_eq!(error.to_string(), "the value is a number, a string is expected");
    let error = check("in", json!("a"), json!(5)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the pattern is a number, a string, an array or an object is expected"
    );
    let error = check("regex", json!("a"), json!("(")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pattern \"(\" is not a regular expression: missing ), unterminated subpattern at \
         position 0"
    );
}

#[test]
fn wildcards_take_every_form_of_class() {
    for (text, pattern, expected) in [
        ("a", "[!b-c]", true),
        ("b", "[!b-c]", false),
        ("]", "[]]", true),
        ("a", "[!]]", true),
        ("]", "[!]]", false),
        ("x", "[!z-a]", true),
        ("abcabc", "*b*c", true),
        ("abcab", "*b*c", false),
        ("", "", true),
        ("", "**", true),
        ("[a", "[a", true),
    ] {
        let result = check("matchwildcard", json!(text), json!(pattern));
        assert_eq!(result, Ok(expected), "{text:?} {pattern:?}");
    }
}

#[test]
fn a_hostile_wildcard_ends() {
    let text = "a".repeat(50_000);
    let pattern = format!("*{}b", "a".repeat(2_000));
    let error = check("matchwildcard", json!(text), json!(pattern)).unwrap_err();
    assert!(matches!(error, Error::TooManySteps { .. }));
}

#[test]
fn large_numbers_are_compared_without_rounding() {
    let large = 9_007_199_254_740_993_u64;
    assert_eq!(check("gt", json!(large), json!(9_007_199_254_740_992.0)), Ok(true));
    assert_eq!(check("lt", json!(u64::MAX), json!(1e300)), Ok(true));
    assert_eq!(check("gt", json!(-5), json!(-5.5)), Ok(true));
    assert_eq!(check("equals", json!(0), json!(-0.0)), Ok(true));
}
