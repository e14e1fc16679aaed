//! Class lists.

use contract::{Issue, config::Dataset};
use serde::{Deserialize, Serialize};

/// Names of the classes in the order of the mask values; the first is the background.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Classes(Vec<String>);

const PASCAL_VOC: &[&str] = &[
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "dining table",
    "dog",
    "horse",
    "motorbike",
    "person",
    "potted plant",
    "sheep",
    "sofa",
    "train",
    "tv/monitor",
];
const PERSON: &[&str] = &["background", "person"];
const INDOOR: &[&str] = &["background", "bottle", "chair", "dining table", "person", "tv/monitor"];
const OUTDOOR: &[&str] = &[
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bus",
    "car",
    "cat",
    "dog",
    "motorbike",
    "person",
    "train",
];
/// Classes of the built-in set.
pub(crate) const SHAPES: &[&str] = &["background", "disc", "square", "triangle"];

/// Names that bring their class list.
const KNOWN: &[(&str, &[&str])] = &[
    ("pascal_voc", PASCAL_VOC),
    ("person_pascal_voc", PERSON),
    ("pascal_voc_person", PERSON),
    ("indoor_pascal_voc", INDOOR),
    ("outdoor_pascal_voc", OUTDOOR),
    ("shapes", SHAPES),
];

impl Classes {
    /// The classes of a data set: `class_names` where it is given, else the list that belongs to `name`.
    ///
    /// # Errors
    /// Neither key names classes, or `class_names` cannot be a class list: fewer than 2 names, more than 255, an empty or
    /// a repeated name, or another number than the built-in set has.
    pub fn from_config(dataset: &Dataset) -> Result<Self, Issue> {
        let known = dataset
            .name
            .as_deref()
            .and_then(|name| KNOWN.iter().find(|(known, _)| *known == name))
            .map(|(_, classes)| *classes);
        match (&dataset.class_names, known) {
            (Some(names), _) => Self::from_names(names, dataset.name.as_deref() == Some("shapes")),
            (None, Some(classes)) => Ok(Self(classes.iter().map(|&name| name.to_owned()).collect())),
            (None, None) => Err(Issue::missing("dataset.class_names", without_list(dataset.name.as_deref()))
                .with_help(
                    "list the names of the classes in the order of the mask values, background first",
                )),
        }
    }

    /// No classes: for sets whose masks nobody looks at.
    #[must_use]
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// As many classes, for readers to whom names mean nothing: `class 0`, `class 1` ...
    #[must_use]
    pub fn numbered(count: usize) -> Self {
        Self((0..count).map(|class| format!("class {class}")).collect())
    }

    fn from_names(names: &[String], shapes: bool) -> Result<Self, Issue> {
        let invalid = |message: String| Err(Issue::invalid("dataset.class_names", message));
        if names.len() < 2 || names.len() > 255 {
            return invalid(format!("{} class names are given; there are 2 to 255 of them", names.len()));
        }
        if names.iter().any(|name| name.trim().is_empty()) {
            return invalid("a class name is empty".to_owned());
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return invalid(format!("the class name `{}` is given twice", pair[0]));
        }
        if shapes && names.len() != SHAPES.len() {
            return invalid(format!(
                "{} class names are given, but the built-in set `shapes` has {} classes: {}",
                names.len(),
                SHAPES.len(),
                SHAPES.join(", ")
            ));
        }
        Ok(Self(names.to_vec()))
    }

    /// Number of classes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "nobody asks: a data set has at least two")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

fn without_list(name: Option<&str>) -> String {
    let known: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
    let known = known.join(", ");
    match name {
        Some(name) => format!("only these data sets bring their class list, not `{name}`: {known}"),
        None => format!("without it, `dataset.name` must be one of {known}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(name: Option<&str>, class_names: Option<&[&str]>) -> Dataset {
        Dataset {
            name: name.map(str::to_owned),
            class_names: class_names.map(|names| names.iter().map(|&n| n.to_owned()).collect()),
            ..Dataset::default()
        }
    }

    #[test]
    fn known_names_bring_their_classes() {
        let count = |name| Classes::from_config(&dataset(Some(name), None)).map(|classes| classes.len()).ok();
        assert_eq!(count("pascal_voc"), Some(21));
        assert_eq!(count("pascal_voc_person"), count("person_pascal_voc"));
        assert_eq!(count("indoor_pascal_voc"), Some(6));
        assert_eq!(count("outdoor_pascal_voc"), Some(12));
        assert_eq!(count("shapes"), Some(4));
    }

    #[test]
    fn other_names_need_class_names() {
        let issue = Classes::from_config(&dataset(Some("camvid"), None)).expect_err("no classes");
        assert_eq!(issue.key, "dataset.class_names");
        assert!(issue.message.contains("camvid"), "{}", issue.message);
        let classes = Classes::from_config(&dataset(Some("camvid"), Some(&["sky", "road"])));
        assert_eq!(classes.expect("classes").names(), ["sky", "road"]);
    }

    #[test]
    fn lists_that_cannot_be_class_lists_are_refused() {
        for (names, wanted) in [
            (&["one"][..], "1 class names"),
            (&["a", "b", "a"][..], "`a` is given twice"),
            (&["a", " "][..], "empty"),
        ] {
            let issue = Classes::from_config(&dataset(None, Some(names))).expect_err("refused");
            assert!(issue.message.contains(wanted), "{}", issue.message);
        }
        assert!(Classes::from_config(&dataset(Some("shapes"), Some(&["a", "b"]))).is_err());
    }
}
