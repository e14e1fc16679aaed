//! The way back from a model with rescaling inside.

use crate::{Graph, LayerId, Op};
use std::cmp::Ordering;

/// Takes away the rescaling layer that [`with_rescaling`](super::with_rescaling) added right behind the input; none where
/// something else reads the input.
#[must_use]
pub fn without_rescaling(graph: &Graph) -> Option<Graph> {
    let input = graph.input()?;
    let mut readers = graph.layers.iter().enumerate().filter(|(_, layer)| layer.inputs.contains(&input));
    let (rescaling, layer) = readers.next()?;
    if !matches!(layer.op, Op::Rescale { .. }) || readers.next().is_some() {
        return None;
    }
    let mut graph = graph.clone();
    graph.layers.remove(rescaling);
    graph.renumber(|id| match id.0.cmp(&rescaling) {
        Ordering::Less => id,
        Ordering::Equal => input,
        Ordering::Greater => LayerId(id.0 - 1),
    });
    Some(graph)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::{evaluator::Sketch, with_rescaling};

    #[test]
    fn a_graph_survives_the_way_there_and_back_also_when_it_rescales_itself() {
        let mut sketch = Sketch::new([4, 4, 3]);
        let left = sketch.conv(3, 3, 1, true);
        sketch.select(LayerId(0));
        let right = sketch.conv(3, 1, 1, true);
        sketch.add(left, right);
        let graph = sketch.finish();
        let once = with_rescaling(&graph, 0.5, -1.0).expect("a valid graph");
        let twice = with_rescaling(&once, 1.0, 0.0).expect("a valid graph");
        assert_eq!(without_rescaling(&twice), Some(once.clone()));
        assert_eq!(without_rescaling(&once), Some(graph.clone()));
        assert_eq!(without_rescaling(&graph), None);
    }
}
