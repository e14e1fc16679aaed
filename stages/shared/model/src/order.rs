//! The order in which Keras lists a model's layers.

use crate::{Layer, LayerId};

/// Layers that `output` depends on, in the order of Keras' `model.layers`.
///
/// Keras sorts by depth, the length of the longest path to the output, farthest first; layers of one depth stand in the
/// order in which a depth-first walk from the output meets them. Parallel branches therefore interleave. Source:
/// `map_graph` in `keras/src/ops/function.py`.
///
/// Inputs must refer to layers of the slice and form no cycle, as a [`crate::GraphBuilder`] guarantees.
pub(crate) fn keras_order(layers: &[Layer], output: LayerId) -> Vec<LayerId> {
    let (met, finished) = walk(layers, output);
    let mut depth = vec![0usize; layers.len()];
    for id in finished.iter().rev() {
        for input in &layers[id.0].inputs {
            depth[input.0] = depth[input.0].max(depth[id.0] + 1);
        }
    }
    let mut order = finished;
    order.sort_by_key(|id| (std::cmp::Reverse(depth[id.0]), met[id.0]));
    order
}

/// A depth-first walk from the output towards the inputs: when each layer is first met, and the layers in the order in
/// which they are left (every layer after its inputs). A loop with its own stack, because files decide how deep it goes.
fn walk(layers: &[Layer], output: LayerId) -> (Vec<Option<usize>>, Vec<LayerId>) {
    let mut met = vec![None; layers.len()];
    let mut finished = Vec::new();
    met[output.0] = Some(0);
    let mut count = 1;
    let mut path = vec![(output, 0)];
    while let Some((id, next)) = path.last_mut() {
        let id = *id;
        match layers[id.0].inputs.get(*next).copied() {
            Some(input) => {
                *next += 1;
                if met[input.0].is_none() {
                    met[input.0] = Some(count);
                    count += 1;
                    path.push((input, 0));
                }
            }
            None => {
                finished.push(id);
                path.pop();
            }
        }
    }
    (met, finished)
}
