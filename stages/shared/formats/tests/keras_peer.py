"""Opens Keras files with Keras, for tests/keras.rs. usage: keras_peer.py FILE REFERENCE [FILE REFERENCE ...]

For each pair: loads both, checks that layers and weights are the same, and prints the largest difference of their outputs.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy

for ours, reference in zip(sys.argv[1::2], sys.argv[2::2]):
    a, b = (keras.models.load_model(path, compile=False) for path in (ours, reference))
    x = numpy.random.default_rng(1).uniform(0, 255, (2, *a.input_shape[1:])).astype("float32")
    if "rescaling" not in [layer.name for layer in a.layers]:
        x = x / 127.5 - 1
    layers = lambda model: [layer.name for layer in model.layers if layer.__class__.__name__ != "InputLayer"]
    assert layers(a) == layers(b), f"{ours}: {layers(a)} and {layers(b)}"
    for name in layers(a):
        for v, w in zip(a.get_layer(name).get_weights(), b.get_layer(name).get_weights(), strict=True):
            assert numpy.array_equal(v, w), f"{ours}: the weights of {name} differ"
    y, z = a.predict(x, verbose=0), b.predict(x, verbose=0)
    assert y.shape == z.shape, f"{ours}: shapes {y.shape}, {z.shape}"
    # A network without training gives nearly nothing; a trained one that does has told nothing about equality.
    assert ours == reference or numpy.ptp(z) > 1e-3, f"{ours}: a constant output"
    print(f"difference\t{abs(y - z).max() / max(1, abs(z).max()):.3g}")
