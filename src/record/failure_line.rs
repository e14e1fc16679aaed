//! A failure in one line.

/// Between what happened to a program and the last lines that it wrote.
pub(crate) const LAST_WORDS: &str = "; the last it wrote:";

/// What happened to a stage in one line: of a program that ended, how, and the last line that it wrote.
#[must_use]
pub fn failure_line(stage: &str, message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let Some(how) = first.strip_suffix(LAST_WORDS) else { return first.to_owned() };
    // Whoever shows the line names the stage.
    let how = [format!("`{stage}` "), format!("the process of `{stage}` ")]
        .iter()
        .find_map(|subject| how.strip_prefix(subject.as_str()))
        .unwrap_or(how);
    let last = message.lines().skip(1).map(str::trim).filter(|line| !line.is_empty()).last();
    last.map_or_else(|| how.to_owned(), |last| format!("{how}: {last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ended_is_told_with_the_last_line_that_it_wrote() {
        let line = |message: &str| failure_line("leaf", message);
        assert_eq!(
            line("`leaf` ended with exit code 7; the last it wrote:\n  Traceback:\n  unlucky\n  "),
            "ended with exit code 7: unlucky"
        );
        assert_eq!(
            line(
                "the process of `leaf` was killed by signal KILL before its work was done; the last it wrote:\n  x"
            ),
            "was killed by signal KILL before its work was done: x"
        );
        assert_eq!(line("`leaf` ended with exit code 7"), "`leaf` ended with exit code 7");
        assert_eq!(line("first\nsecond"), "first");
        assert_eq!(line(""), "");
    }
}
