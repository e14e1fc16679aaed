"""Writes the small Keras files beside it, and keras_files.tsv: what Keras says is in them.

Run: python keras_files.py, with tensorflow, keras and tf_keras (Keras 2) installed.
"""

import os
import pathlib
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.simplefilter("ignore")
import keras
import numpy
import tensorflow
import tf_keras

HERE = pathlib.Path(__file__).parent


def every_layer(k):
    """A network with every layer and most options that can be read."""
    L = k.layers
    image = L.Input((13, 10, 3), name="image")
    x = L.Rescaling(1 / 127.5, -1.0, name="rescaling")(image)
    x = L.Conv2D(6, (3, 2), strides=2, padding="valid", activation="relu", name="conv_valid")(x)
    y = L.ZeroPadding2D(((1, 2), (0, 1)), name="pad")(x)
    y = L.DepthwiseConv2D(3, strides=2, depth_multiplier=2, use_bias=False, name="dw_stride")(y)
    y = L.BatchNormalization(momentum=0.9, epsilon=2e-3, name="bn")(y)
    y = L.ReLU(6.0, name="relu6")(y)
    y = L.UpSampling2D(2, interpolation="nearest", name="nearest")(y)
    y = L.Conv2D(6, 3, padding="same", dilation_rate=2, kernel_initializer="he_normal", name="dilated")(y)
    z = L.DepthwiseConv2D(3, padding="same", dilation_rate=(2, 2), name="dw_dilated")(y)
    z = L.Activation("relu", name="activation")(z)
    y = L.Add(name="add")([y, z])
    p = L.GlobalAveragePooling2D(name="pool")(y)
    p = L.Reshape((1, 1, -1), name="reshape")(p)
    p = L.UpSampling2D((y.shape[1], y.shape[2]), interpolation="bilinear", name="wide")(p)
    q = L.GlobalAveragePooling2D(keepdims=True, name="pool_kept")(y)
    q = L.UpSampling2D((y.shape[1], y.shape[2]), interpolation="bilinear", name="wide_kept")(q)
    y = L.Concatenate(name="concat")([z, p, q, y])
    y = L.Dropout(0.25, name="dropout")(y)
    y = L.Conv2D(4, 1, activation="softmax", name="classes")(y)
    y = L.UpSampling2D((3, 2), interpolation="bilinear", name="up")(y)
    return k.Model(image, y, name="every_layer")


def sequential(k):
    L = k.layers
    layers = [L.Conv2D(4, 3, name="conv"), L.BatchNormalization(name="bn"), L.ReLU(name="relu")]
    return k.Sequential([L.Input((6, 5, 2), name="first"), *layers], name="sequential")


def fill(model, seed):
    random = numpy.random.default_rng(seed)
    for layer in model.layers:
        draw = lambda w: random.uniform(0.5 if w.ndim == 1 else -0.5, 1.0, w.shape).astype("float32")
        layer.set_weights([draw(w) for w in layer.get_weights()])


with open(HERE / "keras_files.tsv", "w") as table:
    table.write(
        f"# made by keras_files.py with tensorflow {tensorflow.__version__}, keras {keras.__version__}, "
        f"tf_keras {tf_keras.__version__}: layer, output shape, sum of each weight\n"
    )
    for name, module, make in [
        ("keras3_every_layer", keras, every_layer),
        ("keras3_sequential", keras, sequential),
        ("keras2_every_layer", tf_keras, every_layer),
        ("keras2_sequential", tf_keras, sequential),
    ]:
        model = make(module)
        fill(model, 7)
        model.save(HERE / f"{name}.h5")
        table.write(f"> {name}\n")
        for layer in model.layers:
            shape = "x".join(str(size) for size in tuple(layer.output.shape)[1:])
            sums = ["%.5f" % w.astype("float64").sum() for w in layer.get_weights()]
            table.write("\t".join([layer.name, shape, *sums]) + "\n")
