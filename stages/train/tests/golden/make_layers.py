"""Outputs and gradients of Keras layers.

Made with tensorflow 2.21 and keras 3.15:  python make_layers.py  (writes layers.json beside itself)

Each case is a small network on images of 5x4 pixels and 2 channels, in training. Its input, weights and the gradient of its
output are made by `noise`, here and in src/tests/layers.rs: layers.json has the output and the gradients of the input and
of each trainable weight, in Keras' order.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np
import tensorflow as tf
from keras import layers as L

from make_norms import noise

ACTIVATIONS = [
    "relu", "relu6", "softmax", "sigmoid", "tanh", "elu", "silu", "gelu", "hard_sigmoid", "hard_silu", "softplus",
    "leaky_relu", "exponential",
]  # fmt: skip


def chain(*layers):
    def apply(x):
        for layer in layers:
            x = layer(x)
        return x

    return apply


CASES = {
    "conv": L.Conv2D(3, (3, 2), strides=2, padding="same", activation="tanh"),
    "depthwise": L.DepthwiseConv2D(3, padding="same", dilation_rate=2, depth_multiplier=2, activation="elu"),
    "separable": L.SeparableConv2D(3, 3, strides=2, padding="same", depth_multiplier=2),
    "separable_padded": chain(
        L.ZeroPadding2D(((0, 1), (1, 1))), L.SeparableConv2D(3, 2, dilation_rate=2, use_bias=False, activation="silu")
    ),
    "transpose_same": L.Conv2DTranspose(3, 3, strides=2, padding="same"),
    "transpose_valid": L.Conv2DTranspose(3, (3, 2), strides=(2, 3), use_bias=False, activation="sigmoid"),
    "transpose_dilated": L.Conv2DTranspose(3, (2, 3), padding="same", dilation_rate=2),
    "transpose_output_padding": L.Conv2DTranspose(3, 3, strides=2, output_padding=(1, 0)),
    "transpose_pointwise": L.Conv2DTranspose(3, 1),
    "dense": L.Dense(3, activation="softmax"),
    "flatten": chain(L.Flatten(), L.Dense(3)),
    "rows": chain(L.Reshape((4, 10)), L.Dense(3, use_bias=False), L.Softmax()),
    "norm": L.BatchNormalization(),
    "norm_without_scale": L.BatchNormalization(scale=False),
    "norm_without_center": L.BatchNormalization(center=False),
    "norm_without_both": chain(L.BatchNormalization(scale=False, center=False), L.ReLU(1.0)),
    "sloped_relu": L.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.25),
    "leaky": L.LeakyReLU(0.3),
    "prelu": L.PReLU(),
    "prelu_shared": L.PReLU(shared_axes=[1, 2]),
    "softmax": L.Softmax(),
    "add": lambda x: L.Add()([x, L.LeakyReLU(0.3)(x), L.Activation("tanh")(x)]),
    "add_vector": lambda x: L.Add()([x, L.GlobalAveragePooling2D()(x)]),
    "multiply": lambda x: L.Multiply()([x, L.LeakyReLU(0.3)(x), L.Activation("tanh")(x)]),
    "multiply_channels": lambda x: L.Multiply()([L.GlobalAveragePooling2D(keepdims=True)(x), x]),
    "crop": L.Cropping2D(((1, 0), (0, 2))),
    "max_pool_same": L.MaxPooling2D((3, 2), strides=2, padding="same"),
    "max_pool_overlapping": L.MaxPooling2D(3, strides=1),
    "average_pool_same": L.AveragePooling2D(3, strides=2, padding="same"),
    "average_pool_valid": L.AveragePooling2D((2, 3), strides=(2, 1)),
    "resize_larger": L.Resizing(7, 9),
    "resize_smaller": L.Resizing(3, 2),
    "resize_nearest": L.Resizing(7, 3, interpolation="nearest"),
    "upsample": L.UpSampling2D((2, 3), interpolation="bilinear"),
    "upsample_nearest": L.UpSampling2D((3, 2)),
    **{name: L.Activation(name) for name in ACTIVATIONS},
}


def run(case):
    image = L.Input((5, 4, 2))
    model = keras.Model(image, case(image))
    for layer in model.layers:
        layer.set_weights([noise(10 + i, w.size).reshape(w.shape) + 0.1 for i, w in enumerate(layer.get_weights())])
    x = tf.constant(noise(1, 2 * 5 * 4 * 2).reshape(2, 5, 4, 2) * 2 - 1)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = model(x, training=True)
    upstream = noise(2, int(tf.size(y))).reshape(y.shape)
    gradients = tape.gradient(y, [x, *model.trainable_weights], output_gradients=upstream)
    numbers = lambda tensor: [float(f"{value:.8g}") for value in np.reshape(tensor, -1)]
    return {"output": numbers(y), "input": numbers(gradients[0]), "weights": [numbers(g) for g in gradients[1:]]}


if __name__ == "__main__":
    text = json.dumps({name: run(case) for name, case in CASES.items()}).replace("}, ", "},\n ")
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.json"), "w") as file:
        file.write(text + "\n")
