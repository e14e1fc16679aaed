//! Layers put one upon another.

use crate::{Activation, GraphBuilder, GraphError, Initializer, LayerId, Op};

/// A chain of layers that grows at its end.
pub(super) struct Stack<'a> {
    pub(super) builder: &'a mut GraphBuilder,
    /// Its end.
    pub(super) last: LayerId,
}

impl Stack<'_> {
    /// Adds a layer that reads the last one.
    pub(super) fn add(&mut self, name: &str, op: Op, initializer: Initializer) -> Result<(), GraphError> {
        self.last = self.builder.layer(name, op, &[self.last], initializer)?;
        Ok(())
    }

    /// Adds the sum of two layers, the shortcut first.
    pub(super) fn sum(&mut self, name: &str, inputs: [LayerId; 2]) -> Result<(), GraphError> {
        let add = Op::Add { activation: Activation::Linear };
        self.last = self.builder.layer(name, add, &inputs, Initializer::default())?;
        Ok(())
    }

    /// Channels of a layer's output.
    pub(super) fn channels(&self, id: LayerId) -> usize {
        self.builder.shape(id).last().copied().unwrap_or(0)
    }
}
