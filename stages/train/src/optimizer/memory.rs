//! What an optimizer remembers.

use super::Slot;
use rayon::prelude::*;

/// An optimizer's memory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Memory {
    /// Batches seen so far.
    pub(crate) batches: u64,
    /// Names of the numbers kept for each element.
    pub(crate) names: Vec<String>,
    /// For each parameter its slots, in the order of their names, each as long as the parameter; no slots where it does
    /// not move.
    pub(crate) slots: Vec<Vec<Vec<f32>>>,
}

impl Memory {
    /// The memory before the first step.
    pub(super) fn new(slots: &[Slot], parameters: &[Vec<f32>], trainable: &[bool]) -> Self {
        let fresh = |values: &Vec<f32>| slots.iter().map(|(_, value)| vec![*value; values.len()]).collect();
        Self {
            batches: 0,
            names: slots.iter().map(|(name, _)| (*name).to_owned()).collect(),
            slots: parameters
                .iter()
                .zip(trainable)
                .map(|(values, trainable)| if *trainable { fresh(values) } else { Vec::new() })
                .collect(),
        }
    }

    /// Adds gradients to a slot. Where that completes `batches` of them, their mean is left in `gradients` and the slot is
    /// empty again.
    pub(super) fn accumulate(
        &mut self,
        slot: Option<usize>,
        gradients: &mut [Vec<f32>],
        batches: Option<f32>,
    ) {
        let Some(slot) = slot else { return };
        self.slots.par_iter_mut().zip(gradients).for_each(|(slots, gradients)| {
            let Some(sums) = slots.get_mut(slot) else { return };
            for (sum, gradient) in sums.iter_mut().zip(gradients) {
                match batches {
                    Some(batches) => {
                        *gradient = (*gradient + *sum) / batches;
                        *sum = 0.0;
                    }
                    None => *sum += *gradient,
                }
            }
        });
    }

    /// Whether it has the names and lengths of another.
    pub(crate) fn fits(&self, other: &Self) -> bool {
        let lengths = |memory: &Self| -> Vec<Vec<usize>> {
            memory.slots.iter().map(|slots| slots.iter().map(Vec::len).collect()).collect()
        };
        self.names == other.names && lengths(self) == lengths(other)
    }
}
