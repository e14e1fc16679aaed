//! The forward pass against the interpreter and against TensorFlow Lite.

use super::support::{assert_close, batch, channels_first, channels_last, shared, small_graph, trainer};
use crate::{batches::Batch, state::State};

#[test]
fn the_network_outside_training_gives_what_the_interpreter_gives() {
    let graph = small_graph(0.4);
    let trainer = trainer(&graph);
    let state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    let batch = batch(3, (8, 6, 2), 3);
    let found = trainer.infer(&trainer.ready(&state, true), &batch);
    let input = model::Tensor::f32([3, 8, 6, 2], channels_last(&batch.images, batch.shape));
    let expected = kernels::Interpreter::new(&graph).expect("an interpreter").run(&input).expect("an output");
    let found = channels_last(&found, [3, 3, 8, 6]);
    assert_close(&found, expected.as_f32().expect("floats"), 1e-5);
}

#[test]
fn deeplab_read_from_keras_gives_what_tensorflow_gives() {
    let Some(models) = shared("models") else { return };
    let graph = formats::keras::read_h5(&models.join("deeplab_128.h5")).expect("a model");
    let floats = |name: &str| -> Vec<f32> {
        let bytes = fs_err::read(models.join(name)).expect("a file");
        bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    let images = channels_first(&floats("in_128_f32.bin"), [8, 3, 128, 128]);
    let batch = Batch { images, shape: [8, 3, 128, 128], masks: vec![0; 8 * 128 * 128], samples: vec![0; 8] };
    let trainer = trainer(&graph);
    let state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    let found = channels_last(&trainer.infer(&trainer.ready(&state, true), &batch), [8, 3, 128, 128]);
    assert_close(&found, &floats("deeplab_128_float_b1.tflite.out"), 1e-4);
}
