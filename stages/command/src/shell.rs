//! The shell's language, as far as it is needed: quoting, and which words of a line could name files.

/// A word that the shell reads as this very text.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// The text without its quotes.
    pub(crate) text: String,
    /// Whether it stands where a command's name stands.
    pub(crate) is_command: bool,
}

/// The words of a line for `sh -c` but those that it writes to (`> FILE`). A line that a shell would refuse has words all the same: the shell says what is wrong
/// with it.
pub(crate) fn words(line: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut text = String::new();
    let mut started = false;
    let mut is_command = true;
    let mut is_target = false;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"') | None, '\\') => {
                text.extend(chars.next().filter(|next| *next != '\n'));
                started = true;
            }
            (Some(_), c) => text.push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                started = true;
            }
            (None, c) if c.is_whitespace() || ";|&()<>".contains(c) => {
                if std::mem::take(&mut started) {
                    let word = Word { text: std::mem::take(&mut text), is_command };
                    if !std::mem::take(&mut is_target) {
                        // `NAME=value` in front of a command leaves its place to the next word.
                        is_command = is_command && is_assignment(&word.text);
                        words.push(word);
                    }
                }
                is_target |= c == '>';
                is_command = match c {
                    ';' | '|' | '&' | '(' | '\n' => true,
                    '<' => false,
                    _ => is_command,
                };
            }
            (None, c) => {
                text.push(c);
                started = true;
            }
        }
    }
    if started && !is_target {
        words.push(Word { text, is_command });
    }
    words
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| crate::environment::is_name(name) && !name.is_empty())
}
