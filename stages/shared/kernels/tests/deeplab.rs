//! The reference network of `../shared/models`: int8 bit for bit, float to 1e-4.

use formats::tflite;
use kernels::Interpreter;
use model::{Data, Tensor};
use std::path::PathBuf;

fn shared_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/models").join(name)
}

/// A file of `../shared/models`; none, with a message, when this machine has no such folder.
fn shared(name: &str) -> Option<Vec<u8>> {
    match fs_err::read(shared_path(name)) {
        Ok(bytes) => Some(bytes),
        Err(_) if std::env::var_os("PIPELINE_REQUIRE_PEERS").is_none() => {
            eprintln!("skipped: {name} is needed (no ../shared)");
            None
        }
        Err(error) => panic!("PIPELINE_REQUIRE_PEERS is set, but {error}"),
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word)).collect()
}

fn images(data: Data) -> Tensor {
    Tensor { shape: vec![8, 128, 128, 3], data, quant: None }
}

/// The largest difference, and how many elements differ.
fn difference(a: &[f32], b: &[f32]) -> (f32, usize) {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    (differences.clone().fold(0.0, f32::max), differences.filter(|d| *d > 0.0).count())
}

#[test]
fn the_int8_network_with_uint8_input_gives_litert_s_bits() {
    let name = "deeplab_128_int8_b1_u8in_f32out.tflite";
    let (Some(model), Some(fed), Some(expected)) =
        (shared(name), shared("fed_128_u8.bin"), shared(&format!("{name}.ref.out")))
    else {
        return;
    };
    let interpreter = Interpreter::new(&tflite::read(&model).unwrap()).unwrap();
    let output = interpreter.run(&images(Data::U8(fed))).unwrap();
    assert_eq!(output.shape, [8, 128, 128, 3]);
    assert_eq!(difference(output.as_f32().unwrap(), &floats(&expected)), (0.0, 0));
}

#[test]
fn the_int8_network_with_int8_borders_gives_litert_s_bits() {
    let name = "deeplab_128_int8_b1_i8in_i8out.tflite";
    let (Some(model), Some(fed), Some(expected)) =
        (shared(name), shared("fed_128_i8.bin"), shared(&format!("{name}.ref.i8.out")))
    else {
        return;
    };
    let signed = |bytes: Vec<u8>| Data::I8(bytes.into_iter().map(u8::cast_signed).collect());
    let interpreter = Interpreter::new(&tflite::read(&model).unwrap()).unwrap();
    let output = interpreter.run(&images(signed(fed))).unwrap();
    assert!(output.data == signed(expected));
}

#[test]
fn the_float_network_gives_litert_s_numbers() {
    let name = "deeplab_128_float_b1.tflite";
    let (Some(model), Some(input), Some(expected)) =
        (shared(name), shared("in_128_f32.bin"), shared(&format!("{name}.out")))
    else {
        return;
    };
    let interpreter = Interpreter::new(&tflite::read(&model).unwrap()).unwrap();
    let output = interpreter.run(&images(Data::F32(floats(&input)))).unwrap();
    let (largest, _) = difference(output.as_f32().unwrap(), &floats(&expected));
    assert!(largest <= 1e-4, "the largest difference is {largest}");
}

#[test]
fn the_keras_network_gives_the_numbers_of_its_converted_form() {
    let (Some(_), Some(input), Some(expected)) =
        (shared("deeplab_128.h5"), shared("in_128_f32.bin"), shared("deeplab_128_float_b1.tflite.out"))
    else {
        return;
    };
    let graph = formats::keras::read_h5(&shared_path("deeplab_128.h5")).unwrap();
    let interpreter = Interpreter::new(&graph).unwrap();
    let output = interpreter.run(&images(Data::F32(floats(&input)))).unwrap();
    let (largest, _) = difference(output.as_f32().unwrap(), &floats(&expected));
    assert!(largest <= 1e-4, "the largest difference is {largest}");
}
