//! Text to tokens. Blanks and newlines only separate.

use super::super::number;

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    /// Digits and what touches them, not checked yet.
    Number(&'a str),
    /// A word: a name or a keyword.
    Word(&'a str),
    /// An operator or another sign of the grammar.
    Symbol(&'static str),
    /// A character that begins nothing of the grammar.
    Other(&'a str),
    /// No more text.
    End,
}

/// Longer ones first, where one begins another.
const SYMBOLS: [&str; 20] = [
    "**", "//", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%", "<", ">", "(", ")", ",", ":", ".", "=", "!",
];

/// Words that Python lets follow a number without a blank.
const AFTER_NUMBER: [&str; 4] = ["if", "else", "and", "or"];

/// The token after `from`, with its position.
pub(super) fn token(text: &str, from: usize) -> (usize, Token<'_>) {
    let rest = text[from..].trim_start();
    let at = text.len() - rest.len();
    (at, first_token(text, at))
}

fn first_token(text: &str, at: usize) -> Token<'_> {
    let rest = &text[at..];
    let mut chars = rest.chars();
    let Some(first) = chars.next() else {
        return Token::End;
    };
    let digit_follows = || chars.clone().next().is_some_and(|c| c.is_ascii_digit());
    if first.is_ascii_digit() || first == '.' && digit_follows() {
        return Token::Number(number_before_word(&text[at..number::token_end(text, at)]));
    }
    if is_in_word(first) {
        return Token::Word(&rest[..rest.find(|c| !is_in_word(c)).unwrap_or(rest.len())]);
    }
    match SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
        Some(symbol) => Token::Symbol(symbol),
        None => Token::Other(&rest[..first.len_utf8()]),
    }
}

fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `20` of `20else`.
fn number_before_word(token: &str) -> &str {
    let mut numbers = AFTER_NUMBER.iter().filter_map(|word| token.strip_suffix(word));
    numbers.find(|number| number::read_number(number).is_ok()).unwrap_or(token)
}

impl Token<'_> {
    /// The text it came from.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Number(text) | Self::Word(text) | Self::Other(text) => text,
            Self::Symbol(text) => text,
            Self::End => "",
        }
    }
}
