//! The path of a key in the configuration.

use std::fmt;

/// A path such as `training.optimizer.Adam` or `dataset.class_names[2]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyPath(pub(super) Vec<Step>);

/// One step down the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Into a mapping.
    Key(String),
    /// Into a list.
    Index(usize),
}

impl KeyPath {
    /// Reads `a.b[0]["c.d"]`; None where a part is empty or an index is not a number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text;
        loop {
            rest = match rest.strip_prefix('[') {
                Some(inner) if !steps.is_empty() => match inner.strip_prefix('"') {
                    Some(quoted) => {
                        let (key, after) = quoted.split_once("\"]")?;
                        steps.push(Step::Key(key.to_owned()));
                        after
                    }
                    None => {
                        let (index, after) = inner.split_once(']')?;
                        steps.push(Step::Index(index.parse().ok()?));
                        after
                    }
                },
                _ => {
                    let end = rest.find(['.', '[']).unwrap_or(rest.len());
                    let (key, after) = rest.split_at(end);
                    if key.is_empty() {
                        return None;
                    }
                    steps.push(Step::Key(key.to_owned()));
                    after
                }
            };
            rest = match rest.strip_prefix('.') {
                Some(after) => after,
                None if rest.is_empty() => return Some(Self(steps)),
                None if rest.starts_with('[') => continue,
                None => return None,
            };
            if rest.starts_with('[') {
                return None;
            }
        }
    }

    /// The key of the run's folder.
    pub(super) fn run_dir() -> Self {
        Self::default().key("hydra").key("run").key("dir")
    }

    /// This path and one key more.
    pub(super) fn key(&self, key: impl Into<String>) -> Self {
        self.with(Step::Key(key.into()))
    }

    /// This path and one list position more.
    pub(super) fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The path without its last step, and that step.
    pub(super) fn split_last(&self) -> Option<(Self, &Step)> {
        self.0.split_last().map(|(last, parent)| (Self(parent.to_vec()), last))
    }

    /// How messages name the mapping at this path.
    pub(super) fn mapping_name(&self) -> String {
        if self.0.is_empty() { "the file".to_owned() } else { format!("`{self}`") }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if position == 0 => f.write_str(key)?,
                Step::Key(key) if key.contains(['.', '[']) => write!(f, "[\"{key}\"]")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_back_as_they_are_written() {
        for text in
            ["a", "a.b", "a.b[0].c", "a[0][1]", "stages[\"my.stage\"].needs[2]", "a[\"b[0]\"]", "a b.c-d"]
        {
            assert_eq!(KeyPath::parse(text).map(|path| path.to_string()).as_deref(), Some(text));
        }
        let steps = KeyPath::parse("stages[\"my.stage\"].x").map(|path| path.0.len());
        assert_eq!(steps, Some(3));
        for text in ["", ".", "a.", ".a", "a..b", "a[", "a[]", "a[x]", "a[0]b", "a.[0]", "[0]", "a[\"b"] {
            assert_eq!(KeyPath::parse(text), None, "{text}");
        }
    }
}
