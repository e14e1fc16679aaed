//! Text in columns: widths as terminals show them, and nothing in it that a terminal obeys.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a text takes.
#[must_use]
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text with blanks behind it up to `columns`; a longer one is cut, with `…` for what is gone.
#[must_use]
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let mut fitting = cut(text, columns);
    fitting.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(&fitting))));
    fitting
}

/// The text in at most `columns`, with `…` for what is gone.
#[must_use]
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut taken = 1;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > columns {
            break;
        }
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// The text without what a terminal obeys: control characters but ends of lines become `\u{FFFD}`, tabs a blank. What a
/// stage, a file or an own program says must not move the cursor or change the colours.
#[must_use]
pub(crate) fn plain(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' => '\n',
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_cut_and_padded_by_the_columns_it_takes() {
        assert_eq!(fit("train", 8), "train   ");
        assert_eq!(fit("evaluate-1", 8), "evaluat…");
        assert_eq!(fit("量化模型", 8), "量化模型");
        assert_eq!(fit("量化模型", 6), "量化… ");
        assert_eq!((cut("ab", 1), cut("ab", 0)), ("…".to_owned(), String::new()));
    }

    proptest! {
        #[test]
        fn a_fitted_text_takes_just_its_columns(text in "\\PC{0,12}", columns in 0usize..12) {
            prop_assert_eq!(width(&fit(&text, columns)), columns);
        }

        #[test]
        fn a_plain_text_holds_nothing_that_a_terminal_obeys(text in ".{0,20}") {
            prop_assert!(plain(&text).chars().all(|c| c == '\n' || !c.is_control()));
        }
    }
}
