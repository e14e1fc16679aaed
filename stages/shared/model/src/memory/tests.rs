//! Plans of whole networks, judged by running them.

use crate::{
    Activation, AsppVersion, Backbone, Conv2d, DeeplabV3, Graph, GraphBuilder, Initializer, LayerId,
    MemoryPlan, Op, Padding, Sharing, passes::for_deployment,
};
use contract::Random;

/// A random network of small layers of every kind that can share memory.
fn network(case: u64) -> Graph {
    let mut random = Random::new(11, "test networks", case, 0);
    let mut below = move |bound: usize| random.uniform_in(0.0, bound as f64) as usize;
    let mut builder = GraphBuilder::new("random");
    let mut known = vec![(builder.input("image", &[2, 3, 2]).expect("an input"), vec![2, 3, 2])];
    for index in 0..6 + below(14) {
        let (from, shape) = known[below(known.len())].clone();
        let same: Vec<LayerId> =
            known.iter().filter(|(_, other)| *other == shape).map(|(id, _)| *id).collect();
        let flat = shape.len() == 1;
        let (op, inputs, shape) = match below(7) {
            0 | 1 if !flat => {
                let filters = 1 + below(4);
                (conv(filters), vec![from], vec![shape[0], shape[1], filters])
            }
            2 => (Op::Relu { max_value: None }, vec![from], shape),
            3 => (Op::Activation(Activation::Linear), vec![from], shape),
            4 => {
                let add = Op::Add { activation: Activation::Linear };
                (add, vec![from, same[below(same.len())]], shape)
            }
            5 if !flat => {
                let other = same[below(same.len())];
                (Op::Concat, vec![from, other], vec![shape[0], shape[1], 2 * shape[2]])
            }
            _ => {
                let flat = vec![shape.iter().product()];
                (Op::Reshape { shape: flat.clone() }, vec![from], flat)
            }
        };
        let id = builder.layer(format!("layer_{index}"), op, &inputs, Initializer::default());
        known.push((id.expect("a layer that fits"), shape));
    }
    let (output, _) = known[known.len() - 1];
    builder.finish(output).expect("a network")
}

fn conv(filters: usize) -> Op {
    Op::Conv2d(Conv2d {
        filters,
        kernel: (1, 1),
        strides: (1, 1),
        dilation: (1, 1),
        padding: Padding::Same,
        bias: false,
        activation: Activation::Linear,
    })
}

/// Two arenas whose bytes remember which byte of which layer's output they hold.
struct Memory<'a> {
    graph: &'a Graph,
    plan: &'a MemoryPlan,
    arenas: [Vec<Option<(usize, u64)>>; 2],
}

impl Memory<'_> {
    /// Runs the network, and fails where a layer reads anything but what was written for it.
    fn run(graph: &Graph, plan: &MemoryPlan) {
        let arenas = [plan.bytes, plan.external_bytes].map(|bytes| vec![None; bytes as usize]);
        let mut memory = Memory { graph, plan, arenas };
        for (step, layer) in graph.layers.iter().enumerate() {
            layer.inputs.iter().for_each(|input| memory.read(*input, &layer.name));
            memory.write(step);
        }
        memory.read(graph.output, "the caller");
    }

    fn read(&self, tensor: LayerId, reader: &str) {
        let (arena, places) = self.places(tensor.0);
        let value = self.value(tensor.0);
        for (index, place) in places.into_iter().enumerate() {
            let found = self.arenas[arena][place];
            let name = &self.graph.layer(tensor).name;
            assert_eq!(found, Some((value, index as u64)), "{reader} reads byte {index} of {name}");
        }
    }

    fn write(&mut self, tensor: usize) {
        let (arena, places) = self.places(tensor);
        let value = self.value(tensor);
        for (index, place) in places.into_iter().enumerate() {
            self.arenas[arena][place] = Some((value, index as u64));
        }
    }

    /// The layer whose bytes a tensor is.
    fn value(&self, tensor: usize) -> usize {
        match self.plan.tensors[tensor].sharing {
            Sharing::View(of) => self.value(of.0),
            _ => tensor,
        }
    }

    /// The arena of a tensor, and where in it its bytes lie.
    fn places(&self, tensor: usize) -> (usize, Vec<usize>) {
        let placed = &self.plan.tensors[tensor];
        let pixel = |id: usize| {
            let output = &self.graph.layers[id].output;
            output.shape.last().copied().expect("channels") as u64 * output.data_type.bytes()
        };
        let place = |byte: u64| match placed.sharing {
            Sharing::Part(whole) => {
                placed.offset + byte / pixel(tensor) * pixel(whole.0) + byte % pixel(tensor)
            }
            _ => placed.offset + byte,
        };
        let arena = usize::from(self.plan.blocks[placed.block].external);
        (arena, (0..placed.bytes).map(|byte| place(byte) as usize).collect())
    }
}

#[test]
fn in_the_planned_memory_every_layer_reads_what_was_written_for_it() {
    let mut seen = [0; 4];
    for case in 0..400 {
        let graph = network(case);
        let plan = graph.memory_plan();
        Memory::run(&graph, &plan);
        assert!(plan.bytes >= plan.lower_bound && plan.external_bytes == 0, "case {case}");
        for tensor in &plan.tensors {
            seen[match tensor.sharing {
                Sharing::Own => 0,
                Sharing::View(_) => 1,
                Sharing::InPlace(_) => 2,
                Sharing::Part(_) => 3,
            }] += 1;
        }
    }
    assert!(seen.iter().all(|kind| *kind > 20), "own, views, in place, parts: {seen:?}");
}

#[test]
fn a_limited_arena_is_kept_to_and_the_rest_lies_in_the_second() {
    for case in 0..200 {
        let graph = network(case);
        let whole = graph.memory_plan().bytes;
        for limit in [0, whole / 3, whole / 2, whole] {
            let plan = graph.memory_plan_within(limit);
            assert!(plan.bytes <= limit, "case {case}: {} of {limit}", plan.bytes);
            assert_eq!(plan.external_bytes == 0, limit == whole, "case {case}, limit {limit} of {whole}");
            Memory::run(&graph, &plan);
        }
    }
}

#[test]
fn what_the_caller_gives_and_reads_lies_in_the_arena_too() {
    let mut builder = GraphBuilder::new("n");
    let image = builder.input("image", &[4, 4, 1]).expect("an input");
    let wide = builder.layer("wide", conv(4), &[image], Initializer::default()).expect("a layer");
    let relu = builder.layer("relu", Op::Relu { max_value: None }, &[wide], Initializer::default());
    let graph = builder.finish(relu.expect("a layer")).expect("a network");
    let plan = graph.memory_plan();
    // Image and map side by side; the activation works in place.
    assert_eq!((plan.bytes, plan.lower_bound), (64 + 256, 64 + 256));
    assert_eq!(plan.tensors[2].sharing, Sharing::InPlace(LayerId(1)));
    assert_eq!(plan.tensors[2].offset, plan.tensors[1].offset);
    assert_eq!(plan.peak(), (1, 64 + 256));
}

#[test]
fn a_tensor_whose_view_is_read_later_is_not_overwritten() {
    let mut builder = GraphBuilder::new("n");
    let image = builder.input("image", &[2, 2, 4]).expect("an input");
    let mut layer = |name: &str, op: Op, inputs: &[LayerId]| {
        builder.layer(name, op, inputs, Initializer::default()).expect("a layer")
    };
    let map = layer("map", conv(4), &[image]);
    let view = layer("view", Op::Activation(Activation::Linear), &[map]);
    let relu = layer("relu", Op::Relu { max_value: None }, &[map]);
    let wide = layer("wide", conv(4), &[relu]);
    let both = layer("both", Op::Add { activation: Activation::Linear }, &[wide, view]);
    let graph = builder.finish(both).expect("a network");
    let plan = graph.memory_plan();
    let sharing = |name: &str| plan.tensors[graph.find(name).expect("a layer").0].sharing;
    assert_eq!(sharing("view"), Sharing::View(graph.find("map").expect("a layer")));
    assert_eq!(sharing("relu"), Sharing::Own);
    assert_eq!(sharing("both"), Sharing::InPlace(graph.find("wide").expect("a layer")));
}

#[test]
fn deeplab_is_packed_without_a_gap() {
    for (alpha, side) in [(0.35, 128), (0.5, 256), (1.0, 512)] {
        let network = DeeplabV3 {
            input: (side, side, 3),
            classes: 21,
            backbone: Backbone::MobilenetV2 { alpha },
            output_stride: 16,
            aspp: AsppVersion::V2,
            dropout: 0.1,
        };
        let graph = for_deployment(&network.build().expect("a network")).expect("a network");
        let plan = graph.memory_plan();
        assert_eq!(plan.bytes, plan.lower_bound, "alpha {alpha}, {side}x{side}");
        assert!(plan.bytes <= graph.peak_activations(), "sharing makes it no larger");
    }
}
