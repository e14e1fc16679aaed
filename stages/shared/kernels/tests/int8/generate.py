"""Writes the int8 golden cases of this folder: for each NAME a seeded one- or two-operator network as TensorFlow 2.21
converts it (NAME.tflite), one input drawn over all stored values (NAME.in), and what LiteRT 2.3's reference kernels make
of it (NAME.out), both raw bytes.

Run as `python generate.py` in this folder.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType

L = tf.keras.layers
relu6 = tf.nn.relu6


def two_branches(merge, scales=(1.0, 3.7)):
    """Two differently scaled convolutions of the input, merged."""

    def build(x):
        branches = []
        for number, scale in enumerate(scales):
            start = tf.keras.initializers.RandomUniform(-scale, scale, seed=number)
            branches.append(L.Conv2D(4, 1, kernel_initializer=start)(x))
        return merge(branches)

    return build


# Name: input shape, network, types of input and output.
CASES = {
    "conv_same_stride": ((7, 9, 5), L.Conv2D(7, 3, strides=2, padding="same", activation=relu6), "ii"),
    "conv_even_stride": ((8, 6, 3), L.Conv2D(4, 3, strides=2, padding="same", activation="relu"), "ii"),
    "conv_valid_dilated": ((9, 8, 3), L.Conv2D(5, 3, dilation_rate=2), "ii"),
    "conv_pointwise": ((3, 4, 21), L.Conv2D(13, 1, activation="relu"), "ii"),
    "conv_no_bias": ((3, 4, 8), L.Conv2D(6, (1, 3), use_bias=False), "ii"),
    "depthwise_dilated": ((9, 7, 6), L.DepthwiseConv2D(3, dilation_rate=3, padding="same"), "ii"),
    "depthwise_stride": ((8, 9, 19), L.DepthwiseConv2D(3, strides=2, padding="same", activation=relu6), "ii"),
    "depthwise_valid": ((6, 5, 4), L.DepthwiseConv2D((3, 2)), "ii"),
    "add": ((5, 4, 3), two_branches(L.Add()), "ii"),
    "add_relu": ((5, 4, 3), two_branches(lambda b: L.ReLU()(L.Add()(b))), "ii"),
    "mean": ((7, 6, 9), L.GlobalAveragePooling2D(keepdims=True), "ii"),
    "mean_flat": ((3, 3, 5), L.GlobalAveragePooling2D(), "ii"),
    "concat": ((5, 4, 3), two_branches(L.Concatenate()), "ii"),
    "resize_bilinear": ((4, 5, 3), L.UpSampling2D((3, 2), interpolation="bilinear"), "ii"),
    "pad": ((4, 5, 3), L.ZeroPadding2D(((1, 2), (0, 3))), "ii"),
    "borders_float": ((6, 5, 3), L.Conv2D(4, 1), "ff"),
    "borders_uint8": ((6, 5, 3), L.Conv2D(4, 1), "uu"),
    "border_mixed": ((6, 5, 3), L.Conv2D(4, 1), "uf"),
}
TYPES = {"i": tf.int8, "u": tf.uint8, "f": tf.float32}

for number, (name, (shape, network, types)) in enumerate(CASES.items()):
    tf.keras.utils.set_random_seed(number)
    random = np.random.default_rng(number)
    inputs = L.Input(shape, batch_size=1, name="image")
    model = tf.keras.Model(inputs, network(inputs))
    for layer in model.layers:
        if getattr(layer, "bias", None) is not None:
            layer.bias.assign(random.uniform(-1, 1, layer.bias.shape))
    low = -random.uniform(0.5, 3)
    images = random.uniform(low, random.uniform(0.5, 3), (16, 1, *shape)).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image] for image in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type, converter.inference_output_type = (TYPES[t] for t in types)
    file = converter.convert()

    interpreter = Interpreter(model_content=file, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    tensor = interpreter.get_input_details()[0]
    if types[0] == "f":
        image = random.uniform(1.2 * low, 4, tensor["shape"]).astype(np.float32)
    else:
        info = np.iinfo(tensor["dtype"])
        image = random.integers(info.min, info.max + 1, tensor["shape"]).astype(tensor["dtype"])
    interpreter.set_tensor(tensor["index"], image)
    interpreter.invoke()
    output = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    for ending, content in ("tflite", file), ("in", image.tobytes()), ("out", output.tobytes()):
        with open(f"{name}.{ending}", "wb") as target:
            target.write(content)
    operators = [op["op_name"] for op in interpreter._get_ops_details()]
    print(name, output.dtype, output.shape, *operators)
