"""Moving statistics of Keras' BatchNormalization after 50 batches.

Made with tensorflow 2.21 and keras 3.15:  python make_norms.py  (writes beside itself)
norms.h5     a small network with two normalisations, statistics 0 and 1
norms.json   for each normalisation, moving mean and variance after the batches, with the weights left alone

The batches are made by `noise`, here and in src/tests/norms.rs.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np
from keras import layers


def noise(step, count):
    """Numbers from -0.5 to 1.5 that f32 holds exactly."""
    bits = np.arange(count, dtype=np.uint64) * 2654435761 + step * 2246822519 & 0xFFFFFFFF
    bits = (bits ^ bits >> np.uint64(15)) * 3266489917 & 0xFFFFFFFF
    return ((bits >> np.uint64(16)).astype("f8") / 32768 - 0.5).astype("f4")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    keras.utils.set_random_seed(3)
    image = layers.Input((6, 6, 2), name="image")
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False, name="stem")(image)
    x = layers.BatchNormalization(momentum=0.999, name="slow")(x)
    x = layers.ReLU(name="slow_relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="deep")(x)
    x = layers.BatchNormalization(momentum=0.99, name="quick")(x)
    x = layers.ReLU(name="quick_relu")(x)
    x = layers.Conv2D(3, 1, name="logits")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear", name="up")(x)
    model = keras.Model(image, x, name="norms")
    # Not the usual beta of 0: without it a mean may lie so near 0 that nothing of it is left but rounding.
    model.get_layer("slow").set_weights([np.full(4, v, "f4") for v in (1.0, 0.5, 0.0, 1.0)])
    model.save(os.path.join(here, "norms.h5"))
    for step in range(50):
        model(noise(step, 2 * 6 * 6 * 2).reshape(2, 6, 6, 2), training=True)
    statistics = [
        {"mean": norm.moving_mean.numpy().tolist(), "variance": norm.moving_variance.numpy().tolist()}
        for norm in (model.get_layer("slow"), model.get_layer("quick"))
    ]
    with open(os.path.join(here, "norms.json"), "w") as file:
        json.dump(statistics, file, indent=1)
