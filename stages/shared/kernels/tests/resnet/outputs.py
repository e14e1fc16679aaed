"""Writes outputs.tsv: what Keras computes with DeepLabV3 on ResNet50, whose weights and image are made by a formula.

Run: python outputs.py, with tensorflow and keras installed; the file is written beside it. The network is that of
stages/shared/model/tests/golden/keras_models.py; the formula is `number` here and in ../resnet.rs.
"""

import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np
import tensorflow

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / "../../../model/tests/golden"))
from keras_models import deeplab


def number(name, weight, count):
    """`count` numbers from 0 to 1 that look drawn, told by a name and the position of a weight."""
    start = 0
    for byte in name.encode():
        start = (start * 31 + byte) % 10007
    index = np.arange(count, dtype=np.int64)
    return ((start + 104729 * weight + 7919 * index + 13 * index * index) % 10007) / 10007


def filled(layer, weight, shape):
    u = number(layer.name, weight, int(np.prod(shape))).reshape(shape)
    if len(shape) == 4:
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        taps = shape[0] * shape[1] * (1 if depthwise else shape[2])
        return (2 * u - 1) * np.sqrt(6 / taps)
    norm = isinstance(layer, keras.layers.BatchNormalization)
    return 0.75 + 0.5 * u if norm and weight in (0, 3) else (2 * u - 1) * 0.1


CASES = [("-", 32, 32, 16, "v1", 3), ("-", 32, 32, 8, "v2", 3)]

with open(HERE / "outputs.tsv", "w") as file:
    file.write(f"# made by outputs.py with tensorflow {tensorflow.__version__}, keras {keras.__version__}\n")
    for case in CASES:
        model = deeplab(*case)
        for layer in model.layers:
            layer.set_weights(
                [filled(layer, index, w.shape).astype("float32") for index, w in enumerate(layer.weights)]
            )
        image = (2 * number("image", 0, 32 * 32 * 3) - 1).astype("float32").reshape(1, 32, 32, 3)
        output = model(image, training=False).numpy()[0]
        file.write("\t".join(["> output_stride", str(case[3]), case[4]]) + "\n")
        for row in output[1::4, 1::4].reshape(-1, 3):
            file.write("\t".join(f"{value:.7g}" for value in row) + "\n")
