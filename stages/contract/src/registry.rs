//! The list of stages a binary can run.

use crate::Stage;

/// The stages of a binary, in the order they are listed to users.
///
/// It is explicit on purpose: registration by linker tricks gives a silently empty list when nothing refers to a crate.
#[derive(Default)]
pub struct Registry(Vec<Box<dyn Stage>>);

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a stage; one with the same name replaces the earlier.
    #[must_use]
    pub fn with(mut self, stage: Box<dyn Stage>) -> Self {
        self.0.retain(|known| known.name() != stage.name());
        self.0.push(stage);
        self
    }

    /// The stage of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&dyn Stage> {
        self.iter().find(|stage| stage.name() == name)
    }

    /// The stages of that letter in a chain word, in the order they are listed.
    pub fn by_letter(&self, letter: char) -> impl Iterator<Item = &dyn Stage> {
        self.iter().filter(move |stage| stage.letter() == Some(letter))
    }

    /// All stages.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Stage> {
        self.0.iter().map(AsRef::as_ref)
    }
}
