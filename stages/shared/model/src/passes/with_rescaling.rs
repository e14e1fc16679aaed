//! Rescaling inside the model.

use crate::{Graph, GraphError, Initializer, Layer, LayerId, Op};

/// Adds `x * scale + offset` right behind the input, under Keras' name for such a layer, so that the network takes pixels
/// of 0..255.
///
/// # Errors
/// The graph has no input.
pub fn with_rescaling(graph: &Graph, scale: f32, offset: f32) -> Result<Graph, GraphError> {
    let input = graph
        .input()
        .ok_or_else(|| GraphError::Architecture(format!("model `{}` has no input layer", graph.name)))?;
    let rescaling = Layer {
        name: free_name(graph),
        op: Op::Rescale { scale, offset },
        inputs: vec![input],
        weights: Vec::new(),
        initializer: Initializer::default(),
        output: graph.layer(input).output.clone(),
    };
    let mut graph = graph.clone();
    // The new layer stands right behind the input: whatever read the input or a later layer reads one place further on.
    graph.renumber(|id| if id >= input { LayerId(id.0 + 1) } else { id });
    graph.layers.insert(input.0 + 1, rescaling);
    Ok(graph)
}

/// `rescaling`, or with a number where that is taken, as Keras counts.
fn free_name(graph: &Graph) -> String {
    let mut name = "rescaling".to_owned();
    let mut number = 0;
    while graph.find(&name).is_some() {
        number += 1;
        name = format!("rescaling_{number}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::evaluator::{Sketch, evaluate, input_for};

    #[test]
    fn the_rescaled_network_on_pixels_equals_the_network_on_rescaled_pixels() {
        let mut sketch = Sketch::new([4, 4, 3]);
        let left = sketch.conv(3, 3, 1, true);
        sketch.select(LayerId(0));
        let right = sketch.conv(3, 1, 1, true);
        sketch.add(left, right);
        let graph = sketch.finish();
        let pixels = input_for(&graph);
        let scaled: Vec<f64> = pixels.iter().map(|x| x * 0.5 - 1.0).collect();
        let rescaling = with_rescaling(&graph, 0.5, -1.0).expect("a valid graph");
        assert_eq!(evaluate(&rescaling, &pixels), evaluate(&graph, &scaled));
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let graph = Sketch::new([2, 2, 1]).finish();
        let once = with_rescaling(&graph, 1.0, 0.0).expect("a valid graph");
        let twice = with_rescaling(&once, 1.0, 0.0).expect("a valid graph");
        let names: Vec<&str> = twice.layers.iter().skip(1).map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, ["rescaling_1", "rescaling"]);
    }
}
