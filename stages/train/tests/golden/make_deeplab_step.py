"""One training step of Keras from the reference model, with Adam and with SGD, all layers trained or the backbone frozen.

Made with tensorflow 2.21 and keras 3.15:  python make_deeplab_step.py MODELS  (writes deeplab_step.json beside itself)
MODELS is the folder with deeplab_128.h5 and in_128_f32.bin. With a second folder, it writes the whole models there instead,
as CASE.h5, and what the same step is in double precision, as CASE_double.h5 (rounded only in the end).

For each case the loss, and for each weight of each layer in Keras' order the sum of its elements, then the indices and the
values of five of them. These are spread over the weight, but where a step is a question of rounding: Adam's first step is
nearly the sign of the gradient, and a gradient that has come through 50 layers in single precision is off by what differs
from the double one. An element is taken whose gradient is at least ten times the most that the weight's differs.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np
import tensorflow as tf

from make_norms import noise

CASES = {
    "adam": (lambda: keras.optimizers.Adam(learning_rate=0.001), 0),
    "sgd": (lambda: keras.optimizers.SGD(learning_rate=0.001), 0),
    "adam_frozen": (lambda: keras.optimizers.Adam(learning_rate=0.001), 119),
    "sgd_frozen": (lambda: keras.optimizers.SGD(learning_rate=0.001), 119),
}


def labels():
    """Patches of 37 pixels of class 0, 1, 2 or void."""
    patches = (noise(0, 8 * 128 * 128 // 37 + 1) + 0.5) * 2
    classes = np.repeat(patches.astype("u1"), 37)[: 8 * 128 * 128].reshape(8, 128, 128)
    return np.where(classes == 3, 255, classes)


def load(models, precision):
    model = keras.models.load_model(os.path.join(models, "deeplab_128.h5"), compile=False)
    if precision == "float64":
        keras.config.set_floatx(precision)
        text = json.dumps(model.get_config()).replace('"float32"', '"float64"')
        weights, model = model.get_weights(), keras.Model.from_config(json.loads(text))
        model.set_weights(weights)
    return model


def step(models, case, precision):
    optimizer, frozen = CASES[case]
    model = load(models, precision)
    for layer in model.layers[:frozen]:
        layer.trainable = False
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    images = np.fromfile(os.path.join(models, "in_128_f32.bin"), "f4").reshape(8, 128, 128, 3).astype(precision)
    masks = labels()
    valid = masks != 255
    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(np.where(valid, masks, 0).astype("i4"), logits)
        loss = tf.reduce_sum(entropy * valid.astype(precision)) / (valid.sum() + 1e-5)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer().apply_gradients(zip(gradients, model.trainable_variables))
    keras.config.set_floatx("float32")
    of = {variable.path: gradient.numpy().reshape(-1) for variable, gradient in zip(model.trainable_variables, gradients)}
    return float(loss), model, of


def digest(weight, single, double):
    """The sum, five indices, five values."""
    flat = weight.numpy().reshape(-1)
    clear = np.arange(len(flat))
    if single is not None:
        clear = np.flatnonzero(abs(double) > 10 * abs(single - double).max())
    indices = clear[np.linspace(0, len(clear) - 1, min(5, len(clear))).astype(int)] if len(clear) else clear
    number = lambda value: float(f"{value:.9g}")
    return number(flat.astype("f8").sum()), indices.tolist(), [number(value) for value in flat[indices]]


if __name__ == "__main__":
    numbers = {}
    for case in CASES:
        loss, model, single = step(sys.argv[1], case, "float32")
        _, exact, double = step(sys.argv[1], case, "float64")
        if len(sys.argv) > 2:
            model.save(os.path.join(sys.argv[2], f"{case}.h5"))
            model.set_weights(exact.get_weights())
            model.save(os.path.join(sys.argv[2], f"{case}_double.h5"))
            continue
        weights = [
            digest(weight, single.get(weight.path), double.get(weight.path))
            for layer in model.layers
            for weight in layer.weights
        ]
        numbers[case] = {"loss": loss, "weights": weights}
    if numbers:
        text = json.dumps(numbers).replace("]], ", "]],\n ")
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "deeplab_step.json"), "w") as file:
            file.write(text + "\n")
