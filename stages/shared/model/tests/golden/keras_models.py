"""Writes keras_counts.tsv and keras_layers.tsv: what Keras makes of the architectures of this crate.

The backbones are keras.applications.MobileNetV2 and ResNet50, the ASPP is written from the description of DeepLabV3 in the user's
specification. Run: python keras_models.py, with tensorflow and keras installed; the files are written beside it.
"""

import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import tensorflow
from keras import layers as L

HERE = pathlib.Path(__file__).parent
HEAD = f"# made by keras_models.py with tensorflow {tensorflow.__version__}, keras {keras.__version__}\n"


def norm_relu(x, stem):
    return L.Activation("relu", name=f"{stem}_relu")(L.BatchNormalization(name=f"{stem}_bn")(x))


def conv(x, name, kernel=1, rate=1, stem=None):
    y = L.Conv2D(256, kernel, padding="same", dilation_rate=rate, name=name)(x)
    return norm_relu(y, stem or name)


def depthwise(x, name, rate):
    return norm_relu(L.DepthwiseConv2D(3, padding="same", dilation_rate=rate, name=name)(x), name)


def mobilenet(image, alpha):
    return keras.applications.MobileNetV2(
        alpha=alpha, include_top=False, weights=None, input_tensor=image
    )


def resnet(image):
    return keras.applications.ResNet50(include_top=False, weights=None, input_tensor=image)


def deeplab(alpha, height, width, stride, aspp, classes):
    """On MobileNetV2, or on ResNet50 where alpha is "-"."""
    image = L.Input((height, width, 3), name="image")
    if alpha == "-":
        cut = "conv4_block6_out" if stride == 16 else "conv3_block4_out"
        x = resnet(image).get_layer(cut).output
    else:
        cut = "block_13_expand_relu" if stride == 16 else "block_6_expand_relu"
        x = mobilenet(image, alpha).get_layer(cut).output
    rows, columns, channels = x.shape[1:]
    branches = [conv(x, "aspp_1x1")]
    for i in (1, 2, 3):
        rate = max(1, i * (rows // 5))
        if aspp == "v1":
            branches.append(conv(x, f"aspp_conv{i}", 3, rate))
        else:
            branches.append(conv(depthwise(x, f"aspp_dw{i}", rate), f"aspp_pw{i}"))
    y = L.Reshape((1, 1, channels), name="aspp_reshape")(L.GlobalAveragePooling2D(name="aspp_gap")(x))
    y = conv(y, "aspp_gap_conv", stem="aspp_gap")
    branches.append(L.UpSampling2D((rows, columns), interpolation="bilinear", name="aspp_gap_up")(y))
    y = conv(L.Concatenate(name="aspp_concat")(branches), "aspp_proj")
    y = L.Conv2D(classes, 1, name="logits")(L.Dropout(0.3, name="dropout")(y))
    y = L.UpSampling2D((stride, stride), interpolation="bilinear", name=f"up{stride}")(y)
    return keras.Model(image, y)


def backbone(alpha, height, width, cut):
    image = L.Input((height, width, 3), name="image")
    if alpha == "-":
        blocks = {2: 3, 3: 4, 4: 6, 5: 3}[cut]
        return keras.Model(image, resnet(image).get_layer(f"conv{cut}_block{blocks}_out").output)
    return keras.Model(image, mobilenet(image, alpha).get_layer(f"block_{cut}_expand_relu").output)


def shape(sizes):
    return "x".join(str(size) for size in sizes[1:])


DEEPLABS = [
    (alpha, size, size, 16, aspp, 21)
    for alpha in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
    for size in (128,)
    for aspp in ("v1", "v2")
] + [
    (0.35, 64, 96, 16, "v2", 3),
    (0.5, 256, 256, 16, "v2", 2),
    (0.5, 320, 320, 8, "v1", 11),
    (1.0, 160, 128, 8, "v2", 11),
    (0.1, 32, 32, 16, "v2", 2),
    (0.9, 48, 80, 16, "v1", 5),
    (0.35, 64, 64, 8, "v1", 21),
    (0.37, 72, 40, 8, "v1", 4),
    (0.62, 72, 40, 8, "v2", 4),
    (0.75, 128, 96, 8, "v2", 2),
    (1.15, 56, 104, 8, "v1", 7),
    (1.4, 64, 64, 8, "v2", 21),
    ("-", 128, 128, 16, "v1", 21),
    ("-", 64, 96, 16, "v2", 3),
    ("-", 72, 40, 8, "v1", 4),
    ("-", 128, 128, 8, "v2", 21),
]
BACKBONES = [
    (0.35, 97, 65, 13),
    (0.5, 33, 47, 6),
    (1.0, 101, 99, 16),
    (1.4, 113, 128, 13),
    (0.6, 65, 65, 10),
    ("-", 65, 47, 2),
    ("-", 65, 47, 3),
    ("-", 97, 33, 4),
    ("-", 101, 99, 5),
]
# Whose layers are listed one by one.
LISTED = [0.5, 0.62, "-"]


def write():
    with open(HERE / "keras_counts.tsv", "w") as counts, open(HERE / "keras_layers.tsv", "w") as layers:
        counts.write(HEAD + "model\talpha\theight\twidth\tstride_or_cut\taspp\tclasses\tlayers\tparameters\n")
        layers.write(HEAD)
        for case in DEEPLABS:
            model = deeplab(*case)
            row = [*map(str, case), str(len(model.layers)), str(model.count_params())]
            counts.write("\t".join(["deeplab", *row]) + "\n")
            if case[0] in LISTED:
                layers.write("\t".join(["> deeplab", *map(str, case)]) + "\n")
                for layer in model.layers:
                    cells = (layer.name, type(layer).__name__, shape(layer.output.shape), layer.count_params())
                    layers.write("\t".join(map(str, cells)) + "\n")
        for case in BACKBONES:
            model = backbone(*case)
            row = [*map(str, case), "-", "-", str(len(model.layers)), str(model.count_params())]
            counts.write("\t".join(["backbone", *row]) + "\n")
            layers.write("\t".join(["> backbone", *map(str, case)]) + "\n")
            for layer in model.layers:
                if isinstance(layer, (L.ZeroPadding2D, L.DepthwiseConv2D, L.MaxPooling2D, L.Add)):
                    cells = (layer.name, type(layer).__name__, shape(layer.output.shape), layer.count_params())
                    layers.write("\t".join(map(str, cells)) + "\n")


if __name__ == "__main__":
    write()
