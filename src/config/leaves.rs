//! What two configurations differ in, value by value, and where each of these values stands.

use super::{
    Loaded,
    node::{Content, Entry, Node},
    overrides::COMMAND_LINE,
    path::{KeyPath, Step},
    read,
    secrets::Secrets,
    text::hide_credentials,
};

/// The key of a value that two configurations do not have in common. Where a whole section is in one of them alone, the
/// section.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leaf {
    path: KeyPath,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueOrigin {
    /// It stands in a file.
    Line {
        /// The file, as it was named.
        file: String,
        /// The line, from 1.
        line: usize,
        /// Whether it is a line of what a template was rendered to.
        rendered: bool,
    },
    /// It was changed on the command line, by this argument.
    CommandLine(String),
    /// Nothing says it, so it is the default.
    Default,
    /// The program has chosen it.
    Chosen,
}

impl Leaf {
    /// The dotted key.
    #[must_use]
    pub fn key(&self) -> String {
        self.path.to_string()
    }

    /// The value of a dotted key; none where the text is no key.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        KeyPath::parse(key).map(|path| Self { path })
    }

    /// The entry of `stages` that it belongs to, which no other entry reads.
    #[must_use]
    pub fn entry(&self) -> Option<&str> {
        match self.path.0.as_slice() {
            [Step::Key(section), Step::Key(entry), ..] if section == "stages" => Some(entry),
            _ => None,
        }
    }

    /// Whether a change on the command line sets it or a part of it, or a section that it is in.
    #[must_use]
    pub fn is_set_by(&self, change: &str) -> bool {
        let key = change.split('=').next().unwrap_or_default().trim_start_matches(['+', '~']).trim();
        let Some(changed) = KeyPath::parse(key) else { return false };
        changed.0.starts_with(&self.path.0) || self.path.0.starts_with(&changed.0)
    }
}

impl Loaded {
    /// What this configuration and an older one differ in, in the order of this one, then what only the other has.
    #[must_use]
    pub fn differences(&self, old: &Self) -> Vec<Leaf> {
        let mut found = Vec::new();
        compare(&old.root, &self.root, &KeyPath::default(), &mut found);
        found.into_iter().map(|path| Leaf { path }).collect()
    }

    /// This configuration with the values that `other` has there; none where that is no whole configuration.
    #[must_use]
    pub fn with<'a>(&self, leaves: impl IntoIterator<Item = &'a Leaf>, other: &Self) -> Option<Self> {
        let mut root = self.root.clone();
        for Leaf { path } in leaves {
            put(&mut root, &path.0, other.root.get(path).cloned())?;
        }
        let read::Reading { config, mistakes, .. } = read::read(root.clone());
        let config = config.filter(|_| mistakes.is_empty())?;
        Some(Self {
            config,
            notes: Vec::new(),
            file: self.file.clone(),
            root,
            overrides: Vec::new(),
            secrets: Secrets::default(),
            referred: None,
        })
    }

    /// Whether both have the same value there.
    #[must_use]
    pub fn agrees(&self, leaf: &Leaf, other: &Self) -> bool {
        match (self.root.get(&leaf.path), other.root.get(&leaf.path)) {
            (Some(one), Some(two)) => {
                let mut found = Vec::new();
                compare(one, two, &KeyPath::default(), &mut found);
                found.is_empty()
            }
            (None, None) => true,
            _ => false,
        }
    }

    /// The value there in one line, without secrets; none where there is none.
    #[must_use]
    pub fn brief(&self, leaf: &Leaf) -> Option<String> {
        let node = self.root.get(&leaf.path)?;
        Some(match node.scalar() {
            Some(scalar) if !scalar.is_empty() => self.secrets.hide(&scalar.brief()),
            _ => node.describe(),
        })
    }

    /// Where the value there comes from.
    #[must_use]
    pub fn origin(&self, leaf: &Leaf) -> ValueOrigin {
        let Some(node) = self.root.get(&leaf.path) else {
            let removed =
                self.overrides.iter().find(|change| change.starts_with('~') && leaf.is_set_by(change));
            return removed.map_or(ValueOrigin::Default, |change| ValueOrigin::CommandLine(change.clone()));
        };
        let own = node.place.as_ref().filter(|_| node.scalar().is_some_and(|scalar| !scalar.is_empty()));
        let Some(place) = own.or_else(|| self.root.nearest_key_place(&leaf.path)) else {
            return ValueOrigin::Chosen;
        };
        if place.text.name == COMMAND_LINE {
            return ValueOrigin::CommandLine(hide_credentials(&place.text.shown));
        }
        ValueOrigin::Line {
            file: place.text.name.clone(),
            line: place.position().0,
            rendered: place.text.rendered,
        }
    }
}

/// The paths at which two trees have other values.
fn compare(old: &Node, new: &Node, path: &KeyPath, found: &mut Vec<KeyPath>) {
    match (&old.content, &new.content) {
        (Content::Map(old), Content::Map(new)) => {
            for entry in new {
                let path = path.key(&entry.key);
                match old.iter().find(|known| known.key == entry.key) {
                    Some(known) => compare(&known.value, &entry.value, &path, found),
                    None => found.push(deepest(path, &entry.value)),
                }
            }
            let gone = old.iter().filter(|known| new.iter().all(|entry| entry.key != known.key));
            found.extend(gone.map(|known| deepest(path.key(&known.key), &known.value)));
        }
        (Content::List(old), Content::List(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(old, new, &path.index(index), found);
            }
        }
        (Content::Scalar(old), Content::Scalar(new)) if old.text == new.text && old.kind == new.kind => {}
        _ => found.push(path.clone()),
    }
}

/// A section with a single key stands for that key.
fn deepest(path: KeyPath, node: &Node) -> KeyPath {
    match node.entries() {
        Some([only]) => deepest(path.key(&only.key), &only.value),
        _ => path,
    }
}

/// Puts a value at a path, or takes away what is there; none where the path leads through a value without parts.
fn put(node: &mut Node, path: &[Step], value: Option<Node>) -> Option<()> {
    let Some((step, rest)) = path.split_first() else {
        *node = value?;
        return Some(());
    };
    if matches!(step, Step::Key(_)) && node.is_absent() {
        node.content = Content::Map(Vec::new());
    }
    match (&mut node.content, step) {
        (Content::Map(entries), Step::Key(key)) => {
            let known = entries.iter().position(|entry| entry.key == *key);
            match (known, value) {
                (Some(index), None) if rest.is_empty() => {
                    entries.remove(index);
                }
                (Some(index), value) => put(&mut entries.get_mut(index)?.value, rest, value)?,
                (None, None) => {}
                (None, Some(value)) => {
                    let place = value.place.clone();
                    let mut inner = Node { place: place.clone(), content: Content::Map(Vec::new()) };
                    put(&mut inner, rest, Some(value))?;
                    entries.push(Entry { key: key.clone(), place, value: inner });
                }
            }
            Some(())
        }
        (Content::List(items), Step::Index(index)) => put(items.get_mut(*index)?, rest, value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_text;

    fn loaded(name: &str, text: &str, overrides: &[&str]) -> Loaded {
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        let started = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
        load_text(name, text, &overrides, &started).map_err(|errors| errors.render(false)).unwrap()
    }

    fn keys(found: &[Leaf]) -> Vec<String> {
        found.iter().map(Leaf::key).collect()
    }

    const OLD: &str = "operation_mode: training\ntraining:\n  epochs: 4\n  batch_size: 2\ndataset:\n  class_names: [a, b]\n";

    #[test]
    fn configurations_differ_in_the_values_that_only_one_has() {
        let old = loaded("old.yaml", OLD, &[]);
        let text = "# moved\ndataset: {class_names: [a, c]}\ntraining: {batch_size: 2, epochs: 5, optimizer: {Adam: {learning_rate: 0.1}}}\n";
        let new = loaded("new.yaml", text, &["operation_mode=training"]);
        let found = new.differences(&old);
        assert_eq!(
            keys(&found),
            ["dataset.class_names[1]", "training.epochs", "training.optimizer.Adam.learning_rate"]
        );
        assert_eq!(keys(&old.differences(&old)), Vec::<String>::new());
        let without = loaded("new.yaml", OLD, &["~training.batch_size"]);
        assert_eq!(keys(&without.differences(&old)), ["training.batch_size"]);
    }

    #[test]
    fn one_value_of_another_configuration_is_put_in_place_of_its_own() {
        let old = loaded("old.yaml", OLD, &[]);
        let new =
            loaded("new.yaml", OLD, &["training.epochs=9", "+training.dropout=0.5", "~training.batch_size"]);
        let mut mixed = loaded("old.yaml", OLD, &[]);
        for leaf in new.differences(&old) {
            assert!(!mixed.agrees(&leaf, &new));
            mixed = mixed.with([&leaf], &new).unwrap();
            assert!(mixed.agrees(&leaf, &new));
        }
        assert_eq!(mixed.config.training, new.config.training);
        let bad = loaded("bad.yaml", "training: {epochs: 3, batch_size: 2}\n", &[]);
        let section = bad.differences(&loaded("empty.yaml", "{}\n", &[]));
        assert_eq!(
            bad.with([&section[0]], &loaded("empty.yaml", "{}\n", &[])).unwrap().config.training,
            None
        );
    }

    #[test]
    fn a_value_comes_from_a_line_a_command_line_or_the_default() {
        let loaded = loaded("a.yaml", OLD, &["training.epochs=9", "~training.batch_size"]);
        let origin = |key: &str| loaded.origin(&Leaf::parse(key).unwrap());
        let line = |line| ValueOrigin::Line { file: "a.yaml".to_owned(), line, rendered: false };
        assert_eq!(origin("operation_mode"), line(1));
        assert_eq!(origin("dataset.class_names[1]"), line(6));
        assert_eq!(origin("training.epochs"), ValueOrigin::CommandLine("training.epochs=9".to_owned()));
        assert_eq!(
            origin("training.batch_size"),
            ValueOrigin::CommandLine("~training.batch_size".to_owned())
        );
        assert_eq!(origin("training.dropout"), ValueOrigin::Default);
    }

    #[test]
    fn a_change_sets_its_key_and_what_is_in_it() {
        let leaf = Leaf::parse("training.optimizer.Adam.learning_rate").unwrap();
        for change in ["training.optimizer.Adam.learning_rate=1", "++training.optimizer=SGD", "~training"] {
            assert!(leaf.is_set_by(change), "{change}");
        }
        for change in ["training.epochs=3", "", "=", "dataset.name=training"] {
            assert!(!leaf.is_set_by(change), "{change}");
        }
    }
}
