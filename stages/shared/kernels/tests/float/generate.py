"""Writes the float goldens of this folder: seeded Keras 3.15 networks (NAME.h5), one input each (NAME.in) and what Keras
makes of it (NAME.out), both raw float32.

Run as `python generate.py` in this folder.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

L = tf.keras.layers
random = np.random.default_rng(120)
tf.keras.utils.set_random_seed(120)


def image_network():
    x = inputs = L.Input((11, 10, 3), name="image")
    x = L.Rescaling(1 / 127.5, -1, name="rescale")(x)
    x = L.Conv2D(21, 3, dilation_rate=2, use_bias=False, name="dilated")(x)
    x = L.BatchNormalization(name="bn")(x)
    x = L.ReLU(name="relu")(x)
    x = skip = L.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2, name="doubled")(x)
    x = L.ZeroPadding2D(((1, 0), (2, 1)), name="pad")(x)
    x = L.DepthwiseConv2D((2, 4), name="valid")(x)
    x = L.ReLU(max_value=6, name="relu6")(x)
    x = L.Add(name="add")([x, skip])
    pool = L.GlobalAveragePooling2D(name="pool")(x)
    pool = L.Reshape((1, 1, 42), name="pool_image")(pool)
    pool = L.UpSampling2D((4, 3), interpolation="bilinear", name="pool_up")(pool)
    x = L.Concatenate(name="concat")([x, pool])
    x = L.Dropout(0.3, name="dropout")(x)
    x = L.UpSampling2D((2, 3), name="nearest")(x)
    x = L.UpSampling2D((3, 2), interpolation="bilinear", name="bilinear")(x)
    x = L.Conv2D(5, 1, activation="softmax", name="classes")(x)
    return tf.keras.Model(inputs, x, name="image_network")


for build in (image_network,):
    model = build()
    for layer in model.layers:
        layer.set_weights(
            [
                random.uniform(0.5, 2, w.shape) if "variance" in v.name else random.normal(0, 0.3, w.shape)
                for v, w in zip(layer.weights, layer.get_weights())
            ]
        )
    image = random.uniform(0, 255, (2, *model.input_shape[1:])).astype(np.float32)
    output = model(image, training=False).numpy()
    model.save(f"{model.name}.h5")
    image.tofile(f"{model.name}.in")
    output.astype(np.float32).tofile(f"{model.name}.out")
    print(model.name, image.shape, output.shape)
