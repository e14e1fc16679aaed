//! Float operators against Keras, on the networks of `tests/float/generate.py`.

use kernels::Interpreter;
use model::Tensor;
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/float").join(name)
}

fn floats(name: &str) -> Vec<f32> {
    let bytes = fs_err::read(golden(name)).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word)).collect()
}

#[test]
fn every_float_operator_gives_keras_numbers() {
    let graph = formats::keras::read_h5(&golden("image_network.h5")).unwrap();
    let interpreter = Interpreter::new(&graph).unwrap();
    let output = interpreter.run(&Tensor::f32([2, 11, 10, 3], floats("image_network.in"))).unwrap();
    let expected = floats("image_network.out");
    let output = output.as_f32().unwrap();
    assert_eq!(output.len(), expected.len());
    for (position, (output, expected)) in output.iter().zip(&expected).enumerate() {
        assert!((output - expected).abs() <= 1e-5, "element {position}: {output} for {expected}");
    }
}

#[test]
fn a_prepared_graph_gives_the_numbers_of_the_one_it_came_from() {
    let graph = formats::keras::read_h5(&golden("image_network.h5")).unwrap();
    let image = Tensor::f32([2, 11, 10, 3], floats("image_network.in"));
    let run = |graph| Interpreter::new(graph).unwrap().run(&image).unwrap();
    let (whole, folded) = (run(&graph), run(&model::passes::for_deployment(&graph).unwrap()));
    for (whole, folded) in whole.as_f32().unwrap().iter().zip(folded.as_f32().unwrap()) {
        assert!((whole - folded).abs() <= 1e-5, "{folded} for {whole}");
    }
}
