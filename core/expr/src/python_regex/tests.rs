//! The syntax and meaning of Python's regular expressions, beyond the recordings.

use proptest::prelude::*;

use super::{Options, PythonRegex, RegexError};

const SIZE_MAX: usize = 1000;

fn finds(pattern: &str, text: &str) -> bool {
    PythonRegex::new(pattern, Options::default())
        .unwrap_or_else(|e| panic!("{e}"))
        .is_match(text)
        .unwrap()
}

fn refusal(pattern: &str) -> String {
    PythonRegex::new(pattern, Options::default())
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

fn regex(pattern: &str) -> PythonRegex {
    PythonRegex::new(pattern, Options::default()).unwrap()
}

#[test]
fn options_are_flags() {
    let is_match = |options, text| PythonRegex::new("a.c", options).unwrap().is_match(text);
    let plain = Options::default();
    assert_eq!(is_match(plain, "xabc"), Ok(true));
    assert_eq!(is_match(Options { at_start: true, ..plain }, "xabc"), Ok(false));
    assert_eq!(is_match(plain, "ABC"), Ok(false));
    assert_eq!(is_match(Options { ignore_case: true, ..plain }, "ABC"), Ok(true));
    assert_eq!(is_match(plain, "a\nc"), Ok(false));
    assert_eq!(is_match(Options { dot_all: true, ..plain }, "a\nc"), Ok(true));
}

#[test]
fn empty_matches_stand_where_python_finds_them() {
    for (pattern, text, found, replaced) in [
        ("x*", "abxd", &["", "", "x", "", ""][..], "-a-b--d-"),
        ("|a", "a", &["", "a", ""], "---"),
        ("a|b|", "cab", &["", "a", "b", ""], "-c---"),
        ("(a)|b", "ab", &["a", ""], "--"),
        (r"\b", "a b", &["", "", "", ""], "-a- -b-"),
        ("^|a", "ab", &["", "a"], "--b"),
        ("é*?", "éa", &["", "é", "", ""], "---a-"),
        ("$", "a\n", &["", ""], "a-\n-"),
        ("(?m)^", "a\nb", &["", ""], "-a\n-b"),
        ("a*?", "aa", &["", "a", "", "a", ""], "-----"),
        ("(?<=a)|b", "ab", &["", "b"], "a--"),
        ("(?:a|ab)??", "ab", &["", "a", "", ""], "---b-"),
    ] {
        let regex = regex(pattern);
        let all = regex.find_all(text, SIZE_MAX).unwrap();
        assert_eq!(all, found.iter().map(|part| vec![(*part).to_owned()]).collect::<Vec<_>>());
        assert_eq!(regex.replace_all(text, "-", SIZE_MAX).unwrap(), replaced, "{pattern} {text}");
    }
    let pairs = regex(r"(?P<k>\w)=(\w)?").find_all("a=1 b=", SIZE_MAX).unwrap();
    assert_eq!(pairs, [["a", "1"], ["b", ""]]);
}

#[test]
fn replacements_are_read_as_python_reads_them() {
    for (pattern, replacement, text, expected) in [
        ("(a)(b)?", r"\2\1", "ac", "ac"),
        ("(?P<n>a)", r"<\g<n>\g<1>\g<0>>", "a", "<aaa>"),
        ("a", r"\101\0\07\.", "a", "A\0\u{7}\\."),
        ("(a)", r"\08", "a", "\u{0}8"),
        ("(a)", r"\é\-$1\n\\", "a", "\\é\\-$1\n\\"),
        ("(a)", r"\g<01>", "a", "a"),
    ] {
        let replaced = regex(pattern).replace_all(text, replacement, SIZE_MAX);
        assert_eq!(replaced.as_deref(), Ok(expected), "{replacement}");
    }
    for (pattern, replacement, reason, position) in [
        ("a", r"\x", r"bad escape \x", 0),
        ("a", r"\400", r"octal escape value \400 outside of range 0-0o377", 0),
        ("a", r"b\", "bad escape (end of text)", 1),
        ("a", r"\g", "missing <", 2),
        ("a", r"\g<n", "missing >, unterminated name", 3),
        ("a", r"\g<n>", "unknown group name 'n'", 3),
        ("a", r"\g<>", "unknown group name ''", 3),
        ("a", r"\12", "invalid group reference 12", 1),
        ("(a)", r"\18", "invalid group reference 18", 1),
        ("a", r"x\1", "invalid group reference 1", 2),
        ("a", r"\g<99999999999999999999>", "unknown group name '99999999999999999999'", 3),
    ] {
        let error = regex(pattern).replace_all("b", replacement, SIZE_MAX).unwrap_err();
        let expected = RegexError::Replacement {
            replacement: replacement.to_owned(),
            position,
            reason: reason.to_owned(),
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn results_are_bounded() {
    let text = "a".repeat(100);
    let too_large = RegexError::Size { max: SIZE_MAX };
    let found = regex("(?=(a*))").find_all(&text, SIZE_MAX);
    assert_eq!(found, Err(too_large.clone()));
    let replaced = regex("a").replace_all(&text, &"b".repeat(11), SIZE_MAX);
    assert_eq!(replaced, Err(too_large));
    let steps = regex(r"(a*)*(a*)*\1b").is_match(&"a".repeat(3000)).unwrap_err();
    assert!(matches!(steps, RegexError::Steps { .. }), "{steps}");
}

proptest! {
    #[test]
    fn nothing_panics(
        pattern in r"([ab^$|.*+?]|\{1,2\}|\(|\(\?:|\(\?P<n>|\(\?=|\(\?<=|\(\?i\)|\)|\[|\[\^|\]|-|\\[bBwdsZ1xu]|é|\n){0,12}",
        replacement in r"([a<>1n]|\\|\\g<|\\1){0,6}",
        text in "[abé \n]{0,8}",
        (at_start, ignore_case, dot_all) in any::<(bool, bool, bool)>(),
    ) {
        if let Ok(regex) = PythonRegex::new(&pattern, Options { at_start, ignore_case, dot_all }) {
            let found = regex.find_all(&text, SIZE_MAX);
            if let (Ok(found), Ok(is_match)) = (found, regex.is_match(&text)) {
                prop_assert_eq!(!found.is_empty(), is_match);
            }
            drop(regex.replace_all(&text, &replacement, SIZE_MAX));
        }
    }
}
