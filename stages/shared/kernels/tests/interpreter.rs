//! What an interpreter promises beyond its numbers: errors instead of panics, any number of threads, observers.

use formats::tflite;
use kernels::{Interpreter, KernelError};
use model::{
    Activation, Conv2d, Data, DataType, Graph, GraphBuilder, Initializer, LayerId, Op, Padding, Quant, Tensor,
};
use std::path::PathBuf;

fn int8_graph() -> Graph {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/int8/depthwise_stride.tflite");
    tflite::read(&fs_err::read(path).unwrap()).unwrap()
}

fn conv(filters: usize, kernel: usize, strides: usize, activation: Activation) -> Op {
    Op::Conv2d(Conv2d {
        filters,
        kernel: (kernel, kernel),
        strides: (strides, strides),
        dilation: (1, 1),
        padding: Padding::Same,
        bias: true,
        activation,
    })
}

const HE: Initializer = Initializer::HeNormal;

/// A float network with seeded weights, large enough that its rows are shared among threads.
fn float_graph() -> Graph {
    let mut builder = GraphBuilder::new("float");
    let input = builder.input("image", &[64, 48, 3]).unwrap();
    let stem = builder.layer("stem", conv(24, 3, 2, Activation::Relu6), &[input], HE).unwrap();
    let wide = builder.layer("wide", conv(96, 3, 1, Activation::Relu), &[stem], HE).unwrap();
    let narrow = builder.layer("narrow", conv(24, 1, 1, Activation::Linear), &[wide], HE).unwrap();
    let sum = builder.layer("sum", Op::Add { activation: Activation::Linear }, &[stem, narrow], HE).unwrap();
    let mut graph = builder.finish(sum).unwrap();
    model::initialize(&mut graph, 120);
    graph
}

fn float_images(batch: usize) -> Tensor {
    let len = batch * 64 * 48 * 3;
    let values = (0..len).map(|i| ((i * 7919) % 511) as f32 / 255.0 - 1.0).collect();
    Tensor::f32([batch, 64, 48, 3], values)
}

#[test]
fn results_do_not_depend_on_the_number_of_threads_or_images() {
    let interpreter = Interpreter::new(&float_graph()).unwrap();
    let images = float_images(3);
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| interpreter.run(&images).unwrap())
    };
    let one = with_threads(1);
    assert!(one == with_threads(2));
    assert!(one == with_threads(5));
    assert!(one == interpreter.run_observed(&images, &mut |_, _| ()).unwrap());

    let first = Tensor::f32([1, 64, 48, 3], images.as_f32().unwrap()[..64 * 48 * 3].to_vec());
    let alone = interpreter.run(&first).unwrap();
    assert_eq!(alone.as_f32().unwrap(), &one.as_f32().unwrap()[..alone.data.len()]);
}

#[test]
fn an_observer_sees_the_output_of_every_layer_in_order() {
    let graph = float_graph();
    let interpreter = Interpreter::new(&graph).unwrap();
    let images = float_images(2);
    let mut seen = Vec::new();
    let mut last = None;
    let output = interpreter
        .run_observed(&images, &mut |layer, tensor| {
            seen.push((layer, tensor.shape.clone()));
            last = Some(tensor.clone());
        })
        .unwrap();
    let expected: Vec<_> = graph
        .layers
        .iter()
        .enumerate()
        .map(|(i, layer)| (LayerId(i), [&[2], &layer.output.shape[..]].concat()))
        .collect();
    assert_eq!(seen, expected);
    assert!(last == Some(output));
}

#[test]
fn an_input_of_another_type_or_shape_is_refused_with_both_types() {
    let interpreter = Interpreter::new(&int8_graph()).unwrap();
    let shape = vec![1, 8, 9, 19];
    let len = 8 * 9 * 19;
    let tensor = |shape: &[usize], data: Data| Tensor { shape: shape.to_vec(), data, quant: None };
    assert!(interpreter.run(&tensor(&shape, Data::I8(vec![0; len]))).is_ok());
    for wrong in [
        tensor(&shape, Data::F32(vec![0.0; len])),
        tensor(&[1, 9, 8, 19], Data::I8(vec![0; len])),
        tensor(&[8, 9, 19], Data::I8(vec![0; len])),
        tensor(&[0, 8, 9, 19], Data::I8(Vec::new())),
        tensor(&[2, 8, 9, 19], Data::I8(vec![0; len])),
        Tensor { quant: Some(Quant::per_tensor(0.125, 7)), ..tensor(&shape, Data::I8(vec![0; len])) },
    ] {
        let error = interpreter.run(&wrong).unwrap_err();
        assert!(matches!(error, KernelError::Input { .. }), "{error}");
        assert!(error.to_string().contains("I8 [8, 9, 19]"), "{error}");
    }
}

#[test]
fn scales_and_types_that_do_not_fit_are_refused_by_the_layer_s_name() {
    type Change = fn(&mut Graph);
    let changes: [(&str, Change); 7] = [
        ("no scale", |graph| graph.layers[1].output.quant = None),
        ("zero point 4000", |graph| graph.layers[1].output.quant = Some(Quant::per_tensor(0.5, 4000))),
        ("scale NaN", |graph| graph.layers[1].output.quant = Some(Quant::per_tensor(f32::NAN, 0))),
        ("kernel has no scales", |graph| graph.layers[1].weights[0].quant = None),
        ("scales for 19 channels", |graph| {
            if let Some(quant) = &mut graph.layers[1].weights[0].quant {
                quant.scales.truncate(3);
            }
        }),
        ("changes the element type", |graph| graph.layers[1].output.data_type = DataType::F32),
        ("int32", |graph| graph.layers[1].weights[1].data = Data::F32(vec![0.0; 19])),
    ];
    for (expected, change) in changes {
        let mut graph = int8_graph();
        change(&mut graph);
        let Err(error) = Interpreter::new(&graph) else { panic!("{expected}: accepted") };
        let message = error.to_string();
        assert!(
            message.contains(expected) && message.contains(&graph.layers[1].name),
            "{expected}: {message}"
        );
    }
}

#[test]
fn a_graph_that_does_not_fit_together_is_refused() {
    let mut graph = float_graph();
    graph.layers[2].inputs[0] = LayerId(40);
    assert!(matches!(Interpreter::new(&graph), Err(KernelError::Graph(_))));
    let mut graph = float_graph();
    graph.layers[1].weights[0].data = Data::F32(vec![0.0; 5]);
    assert!(matches!(Interpreter::new(&graph), Err(KernelError::Graph(_))));
}

#[test]
fn an_input_without_elements_is_refused() {
    let mut graph = float_graph();
    graph.layers[0].output.shape = vec![64, 48, 0];
    graph.layers[1].weights[0] = Tensor::f32([3, 3, 0, 24], Vec::new());
    let Err(error) = Interpreter::new(&graph) else { panic!("accepted") };
    assert!(error.to_string().contains("no elements"), "{error}");
}

#[test]
fn every_graph_that_a_damaged_file_still_gives_is_run_or_refused() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/int8");
    let mut state = 120u64;
    let mut draw = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut run, mut refused) = (0, 0);
    for name in
        ["add_relu", "concat", "mean", "pad", "resize_bilinear", "depthwise_dilated", "conv_same_stride"]
    {
        let whole = fs_err::read(folder.join(format!("{name}.tflite"))).unwrap();
        for _ in 0..600 {
            let mut damaged = whole.clone();
            for _ in 0..=draw(2) {
                damaged[draw(whole.len())] ^= 1 << draw(8);
            }
            let Ok(graph) = tflite::read(&damaged) else { continue };
            let Ok(interpreter) = Interpreter::new(&graph) else {
                refused += 1;
                continue;
            };
            let input = interpreter.input_type();
            let elements = input.len() + interpreter.output_type().len();
            if elements > 1 << 20 {
                continue;
            }
            let data = match input.data_type {
                DataType::I8 => Data::I8(vec![-7; input.len()]),
                DataType::U8 => Data::U8(vec![7; input.len()]),
                DataType::F32 => Data::F32(vec![0.5; input.len()]),
                DataType::I32 => continue,
            };
            let shape = std::iter::once(1).chain(input.shape.iter().copied()).collect();
            interpreter.run(&Tensor { shape, data, quant: None }).unwrap();
            run += 1;
        }
    }
    assert!(run > 500 && refused > 20, "{run} run, {refused} refused");
}
