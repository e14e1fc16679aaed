//! The list of stages and tools a binary can run.

use crate::{Stage, Tool};

/// The stages and tools of a binary, in the order they are listed to users.
///
/// It is explicit on purpose: registration by linker tricks gives a silently empty list when nothing refers to a crate.
#[derive(Default)]
pub struct Registry {
    stages: Vec<Box<dyn Stage>>,
    tools: Vec<Box<dyn Tool>>,
}

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a stage; one with the same name replaces the earlier.
    #[must_use]
    pub fn with(mut self, stage: Box<dyn Stage>) -> Self {
        self.stages.retain(|known| known.name() != stage.name());
        self.stages.push(stage);
        self
    }

    /// Adds a tool; one with the same name replaces the earlier.
    #[must_use]
    pub fn with_tool(mut self, tool: Box<dyn Tool>) -> Self {
        self.tools.retain(|known| known.name() != tool.name());
        self.tools.push(tool);
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
        self.stages.iter().map(AsRef::as_ref)
    }

    /// The tool of that name.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&dyn Tool> {
        self.tools().find(|tool| tool.name() == name)
    }

    /// All tools.
    pub fn tools(&self) -> impl Iterator<Item = &dyn Tool> {
        self.tools.iter().map(AsRef::as_ref)
    }
}
