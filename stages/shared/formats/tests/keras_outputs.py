"""Opens Keras files with Keras, for tests/layers.rs. usage: keras_outputs.py FILE ...

Beside each NAME.EXTENSION lie an input NAME.in and the output NAME.out that it should give, raw float32. Prints the largest
difference, relative to the size of what is expected where that is above 1.
"""

import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy

for path in map(pathlib.Path, sys.argv[1:]):
    model = keras.models.load_model(path, compile=False)
    image = numpy.fromfile(path.with_suffix(".in"), "float32").reshape((-1, *model.input_shape[1:]))
    output = numpy.asarray(model(image, training=False))
    expected = numpy.fromfile(path.with_suffix(".out"), "float32").reshape(output.shape)
    assert numpy.ptp(expected) > 1e-3, f"{path}: a constant output"
    print(path.name)
    print(f"difference\t{(abs(output - expected) / numpy.maximum(1, abs(expected))).max():.3g}")
