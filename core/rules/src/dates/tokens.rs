//! Cuts a date text into numbers, words and single characters.

use std::collections::VecDeque;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Word,
    Number,
    DottedWord,
    DottedNumber,
}

/// The tokens of `text`; white space is one blank per character.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut rest: VecDeque<char> = text.chars().filter(|c| *c != '\0').collect();
    let mut tokens = Vec::new();
    while let Some(first) = rest.pop_front() {
        let state = if first.is_alphabetic() {
            State::Word
        } else if first.is_ascii_digit() {
            State::Number
        } else {
            tokens.push(if first.is_whitespace() { ' ' } else { first }.to_string());
            continue;
        };
        run(first, state, &mut rest, &mut tokens);
    }
    tokens
}

/// Takes the run of letters or digits that starts with `first`, with dots in it.
fn run(first: char, mut state: State, rest: &mut VecDeque<char>, tokens: &mut Vec<String>) {
    let mut token = first.to_string();
    let mut has_letters = state == State::Word;
    while let Some(c) = rest.front().copied() {
        let after_dot = token.ends_with('.');
        state = match (state, c) {
            (State::Word, c) if c.is_alphabetic() => State::Word,
            (State::Word, '.') => State::DottedWord,
            (State::Number, c) if c.is_ascii_digit() => State::Number,
            (State::Number, '.') => State::DottedNumber,
            (State::Number, ',') if token.len() >= 2 => State::DottedNumber,
            (State::DottedWord, c) if c == '.' || c.is_alphabetic() => State::DottedWord,
            (State::DottedWord, c) if c.is_ascii_digit() && after_dot => State::DottedNumber,
            (State::DottedNumber, c) if c == '.' || c.is_ascii_digit() => State::DottedNumber,
            (State::DottedNumber, c) if c.is_alphabetic() && after_dot => State::DottedWord,
            _ => break,
        };
        has_letters |= state == State::DottedWord;
        token.push(c);
        rest.pop_front();
    }
    let dots = token.matches('.').count();
    let dotted = matches!(state, State::DottedWord | State::DottedNumber);
    if dotted && (has_letters || dots > 1 || token.ends_with(['.', ','])) {
        push_parts(&token, tokens);
    } else if state == State::DottedNumber && dots == 0 {
        tokens.push(token.replace(',', "."));
    } else {
        tokens.push(token);
    }
}

/// `1.2,` as `1`, `.`, `2`, `,`.
fn push_parts(token: &str, tokens: &mut Vec<String>) {
    for part in token.split_inclusive(['.', ',']) {
        let word = part.trim_end_matches(['.', ',']);
        let mark = part.get(word.len()..).unwrap_or_default();
        tokens.extend([word, mark].into_iter().filter(|p| !p.is_empty()).map(str::to_owned));
    }
}
