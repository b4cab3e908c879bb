//! The syntax and meaning of Python's regular expressions, beyond the recordings.

use super::{PythonRegex, Search};

fn finds(pattern: &str, text: &str) -> bool {
    PythonRegex::new(pattern, Search::Anywhere)
        .unwrap_or_else(|e| panic!("{e}"))
        .is_match(text)
        .unwrap()
}

fn refusal(pattern: &str) -> String {
    PythonRegex::new(pattern, Search::Anywhere)
        .map(|_| "accepted".to_owned())
        .unwrap_or_else(|e| e.to_string())
}

#[test]
fn what_python_accepts_means_what_python_means() {
    for (pattern, text, expected) in [
        ("a{2,}?b", "aab", true),
        ("a{,}b", "b", true),
        ("a++b", "aaab", true),
        ("a++ab", "aaab", false),
        (r"\bé\b", "é", true),
        (r"\Bb", "ab", true),
        (r"a\b", "a\u{301}", true),
        (r"[\w-]+$", "a-b", true),
        (r"[^\W\d]", "1", false),
        (r"[\S]", " ", false),
        (r"\s", "\u{1c}", true),
        (r"(?a)\s", "\u{1c}", false),
        (r"\101", "A", true),
        (r"[\101]", "A", true),
        (r"[\b]", "\u{8}", true),
        ("(?i)ı", "I", true),
        ("(?i)[a-j]", "İ", true),
        ("(?i)straße", "STRASSE", false),
        ("(?ai)k", "\u{212a}", false),
        ("(?i)k", "\u{212a}", true),
        ("(?i)[^a]", "A", false),
        ("(?x) a # b\n b", "ab", true),
        ("(?x) [ ] ", " ", true),
        ("(?s).", "\n", true),
        ("(?s-i:.)", "\n", true),
        ("(?m)a$", "a\nb", true),
        ("(?m)^", "a\n", true),
        (r"(a)?(?(1)b|c)", "c", true),
        (r"(?P<q>['x]).*?(?P=q)", "'a'", true),
        (r"(?<=(a|b))c", "bc", true),
        (r"x*", "", true),
        (r"[&&a]", "&", true),
        (r"[[]", "[", true),
        ("a|b|", "", true),
        (r"\x41\u00e9\U0001F600", "Aé😀", true),
    ] {
        assert_eq!(finds(pattern, text), expected, "{pattern:?} in {text:?}");
    }
}

#[test]
fn what_python_refuses_is_refused_with_the_place() {
    for (pattern, reason, position) in [
        ("a{2,1}", "min repeat greater than max repeat", 2),
        ("a{99999999999}", "the repetition number is too large", 2),
        ("^*", "nothing to repeat", 1),
        ("(|*)", "nothing to repeat", 2),
        ("a)", "unbalanced parenthesis", 1),
        ("(?P<1>a)", "bad character in group name '1'", 4),
        ("(?P=x)", "unknown group name 'x'", 4),
        (r"(a\1)", "cannot refer to an open group", 3),
        ("(?(2)a)", "invalid group reference 2", 3),
        ("(?(0)a)", "bad group number", 3),
        ("()(?(1)a|b|c)", "conditional backref with more than two branches", 10),
        ("(?#", "missing ), unterminated comment", 0),
        ("(?z)", "unknown extension ?z", 1),
        ("(?L)a", "bad inline flags: cannot use 'L' flag with a str pattern", 2),
        ("(?i-:a)", "missing flag", 4),
        ("(?<=a|bc)d", "look-behind requires fixed-width pattern", 0),
        (r"\x4", r"incomplete escape \x4", 0),
        (r"\777", r"octal escape value \777 outside of range 0-0o377", 0),
        ("[a--b]", "bad character range a--", 1),
        ("[a", "unterminated character set", 0),
    ] {
        let expected = format!(
            "pattern \"{pattern}\" is not a regular expression: {reason} at position {position}"
        );
        assert_eq!(refusal(pattern), expected);
    }
}

#[test]
fn groups_cannot_nest_without_end() {
    let deep = format!("{}{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(refusal(&deep).contains("nested more than 100 deep"));
}

#[test]
fn texts_of_every_kind_are_matched_alike() {
    for (pattern, text, expected) in [
        ("a$", "a", true),
        ("a$", "a\n", true),
        ("a$", "a\n\n", false),
        (r"a\Z", "a\n", false),
        (r"\ba\b", "a-é", true),
        (r"\ba\b", "aé", false),
        (r"\ba\b", "b a", true),
        (r"é\b", "é\u{301}", true),
        (r"\B", "ab", true),
        (r"a\B", "a²", true),
        (r"a$|b\b", "b\n", true),
    ] {
        assert_eq!(finds(pattern, text), expected, "{pattern:?} in {text:?}");
    }
}
