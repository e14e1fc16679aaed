"""Writes keras_layers.zip beside it: small networks of every layer and argument that can be read, as Keras 3 and Keras 2 save
them, each with an input and what Keras makes of it.

Run: python keras_layers.py, with tensorflow, keras and tf_keras (Keras 2) installed.
"""

import io
import os
import pathlib
import tempfile
import warnings
import zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.simplefilter("ignore")
import keras
import numpy
import tf_keras

HERE = pathlib.Path(__file__).parent
IN_BOTH = ["linear", "relu", "softmax", "sigmoid", "tanh", "elu", "swish", "gelu", "softplus", "exponential"]
IN_KERAS_3 = ["relu6", "silu", "hard_sigmoid", "hard_silu", "hard_swish", "leaky_relu"]


def every_layer(k):
    """One branch for each layer and argument, side by side; the output is all of them in a row."""
    L = k.layers
    image = x = L.Input((5, 4, 2), name="image")
    branches = [
        L.SeparableConv2D(3, 3, padding="same", depth_multiplier=2, activation="tanh")(x),
        L.SeparableConv2D(2, (3, 2), strides=2, use_bias=False)(x),
        L.SeparableConv2D(2, 2, dilation_rate=2, padding="same")(x),
        L.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu")(x),
        L.Conv2DTranspose(2, 2, strides=3)(x),
        L.Conv2DTranspose(1, (4, 3), strides=2, padding="same", use_bias=False)(x),
        L.Conv2DTranspose(1, 3, strides=(2, 1))(x),
        L.Conv2DTranspose(1, 3, strides=2, padding="same", output_padding=0)(x),
        L.Conv2DTranspose(1, (3, 2), strides=(3, 2), output_padding=(2, 1))(x),
        L.Conv2D(2, (3, 2), strides=(1, 2), padding="same")(x),
        L.DepthwiseConv2D(3, depth_multiplier=2, activation="sigmoid")(x),
        L.Dense(3)(x),
        L.Dense(2, use_bias=False, activation="softmax")(x),
        L.Dense(3, activation="tanh")(L.Flatten()(x)),
        L.BatchNormalization()(x),
        L.BatchNormalization(scale=False)(x),
        L.BatchNormalization(center=False, epsilon=0.01)(x),
        L.BatchNormalization(scale=False, center=False)(x),
        L.ReLU()(x),
        L.ReLU(0.75)(x),
        L.ReLU(6.0, negative_slope=0.125)(x),
        L.ReLU(negative_slope=0.25)(x),
        L.ReLU(threshold=0.5)(x),
        L.ReLU(1.5, negative_slope=0.2, threshold=0.4)(x),
        L.LeakyReLU()(x),
        L.LeakyReLU(0.05)(x),
        L.PReLU()(x),
        L.PReLU(shared_axes=[1, 2])(x),
        L.PReLU(shared_axes=[1])(x),
        L.Softmax()(x),
        L.Add()([x, L.Rescaling(2.0)(x), L.Rescaling(0.5, 1.0)(x)]),
        L.Add()([x, L.GlobalAveragePooling2D(keepdims=True)(x)]),
        L.Multiply()([x, L.Rescaling(2.0, -1.0)(x), x]),
        L.Multiply()([L.GlobalAveragePooling2D(keepdims=True)(x), x]),
        L.Multiply()([x, L.Conv2D(1, 1, activation="sigmoid")(x)]),
        L.Multiply()([x, L.GlobalAveragePooling2D()(x)]),
        L.ZeroPadding2D(((1, 0), (0, 2)))(x),
        L.Cropping2D(1)(x),
        L.Cropping2D(((1, 0), (2, 1)))(x),
        L.MaxPooling2D()(x),
        L.MaxPooling2D((3, 2), strides=(2, 1), padding="same")(x),
        L.MaxPooling2D(3, strides=1)(x),
        L.AveragePooling2D(2)(x),
        L.AveragePooling2D((3, 2), strides=(2, 1), padding="same")(x),
        L.AveragePooling2D(3, strides=1, padding="same")(x),
        L.GlobalAveragePooling2D()(x),
        L.UpSampling2D((2, 1))(x),
        L.UpSampling2D((1, 2), interpolation="bilinear")(x),
        L.Resizing(7, 3)(x),
        L.Resizing(2, 6)(x),
        L.Resizing(7, 3, interpolation="nearest")(x),
        L.Resizing(2, 6, interpolation="nearest")(x),
        L.Reshape((-1, 5))(x),
        L.Reshape((2, 20))(x),
        L.SpatialDropout2D(0.2)(L.Dropout(0.1)(x)),
        L.Concatenate()([x, L.MaxPooling2D(2, strides=1, padding="same")(x), x]),
    ]
    branches += [L.Activation(name)(x) for name in IN_BOTH]
    branches += [L.Conv2D(2, 1, activation=name)(x) for name in IN_BOTH]
    if k is keras:
        branches += [L.Activation(name)(x) for name in IN_KERAS_3]
        branches += [L.Dense(1, activation=name)(x) for name in IN_KERAS_3]
    return k.Model(image, L.Concatenate(name="all")([L.Flatten()(branch) for branch in branches]), name="every_layer")


def chain(k):
    """A Sequential network whose input is only implied."""
    L = k.layers
    layers = [
        L.SeparableConv2D(4, 3, padding="same"),
        L.BatchNormalization(scale=False),
        L.PReLU(shared_axes=[1, 2]),
        L.Conv2DTranspose(3, 2, strides=2),
        L.LeakyReLU(0.1),
        L.SpatialDropout2D(0.3),
        L.AveragePooling2D(2),
        L.Dense(2),
        L.Softmax(),
    ]
    model = k.Sequential(layers, name="chain")
    model.build((None, 5, 4, 2))
    return model


def nested(k):
    """Models as layers: a backbone with two outputs and a block of its own, and a Sequential head."""
    L = k.layers
    block_in = L.Input((5, 4, 3), name="block_in")
    block = k.Model(block_in, L.ReLU(name="relu")(L.BatchNormalization(name="bn")(block_in)), name="block")
    image = L.Input((5, 4, 2), name="backbone_in")
    skip = L.Conv2D(3, 3, padding="same", name="conv")(image)
    deep = L.DepthwiseConv2D(3, padding="same", name="dw")(block(skip))
    backbone = k.Model(image, [skip, deep], name="backbone")
    head = k.Sequential([L.Input((5, 4, 6)), L.Conv2D(2, 1, name="conv"), L.ReLU(name="relu")], name="head")
    image = L.Input((5, 4, 2), name="image")
    skip, deep = backbone(L.Rescaling(0.5, name="rescale")(image))
    both = L.Concatenate(name="both")([deep, skip])
    out = L.Conv2D(3, 1, name="conv")(head(both))
    return k.Model(image, out, name="nested")


def stacked(k):
    """A Sequential network that begins with a whole model."""
    L = k.layers
    image = L.Input((5, 4, 2), name="inner_in")
    body = k.Model(image, L.Conv2D(3, 2, name="inner_conv")(image), name="body")
    return k.Sequential([body, L.ReLU(name="relu"), L.Conv2D(2, 1, name="conv")], name="stacked")


def operators(k):
    """Sums and products of tensors, which Keras 3 keeps as operations instead of layers."""
    L = k.layers
    image = L.Input((5, 4, 2), name="image")
    gate = L.Conv2D(1, 1, activation="sigmoid", name="gate")(image)
    return k.Model(image, image * gate + L.Conv2D(2, 1, name="conv")(image), name="operators")


def fill(model, random):
    weights = [
        random.uniform(0.5, 2, w.shape) if "variance" in v.name else random.normal(0, 0.5, w.shape)
        for v, w in zip(model.weights, model.get_weights())
    ]
    model.set_weights([w.astype("float32") for w in weights])


def deflated(keras_file):
    """The same archive with deflated entries."""
    packed = io.BytesIO()
    with zipfile.ZipFile(keras_file) as archive, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as smaller:
        for name in archive.namelist():
            smaller.writestr(zipfile.ZipInfo(name), archive.read(name), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


with zipfile.ZipFile(HERE / "keras_layers.zip", "w", zipfile.ZIP_DEFLATED) as goldens:
    add = lambda name, data: goldens.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
    for number, k in ((3, keras), (2, tf_keras)):
        for make in (every_layer, chain, nested, stacked) + (operators,) * (k is keras):
            random = numpy.random.default_rng(120)
            model = make(k)
            fill(model, random)
            image = random.normal(0, 1.5, (2, 5, 4, 2)).astype("float32")
            output = numpy.asarray(model(image, training=False))
            name = f"keras{number}_{make.__name__}"
            with tempfile.TemporaryDirectory() as folder:
                for extension in ("h5", "keras") if make is not operators else ("keras",):
                    path = pathlib.Path(folder, f"model.{extension}")
                    model.save(path)
                    # Keras stores its archives' entries; other tools deflate them.
                    bytes_ = deflated(path) if extension == "keras" and number == 2 else path.read_bytes()
                    add(f"{name}.{extension}", bytes_)
            add(f"{name}.in", image.tobytes())
            add(f"{name}.out", output.astype("float32").tobytes())
            print(name, output.shape)
