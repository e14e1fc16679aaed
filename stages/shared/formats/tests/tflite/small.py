"""Writes small.tflite: a seeded int8 network with the operators of the supported form, as TensorFlow 2.21 converts it.

Run as `python small.py` in this folder.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

layers = tf.keras.layers
tf.keras.utils.set_random_seed(120)
x = inputs = layers.Input((8, 8, 3), batch_size=1, name="image")
x = a = layers.Conv2D(4, 3, strides=2, padding="same", activation=tf.nn.relu6, name="stem")(x)
x = layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", activation="relu", name="depthwise")(x)
x = layers.Conv2D(4, 1, name="project")(x)
x = b = layers.Add(name="add")([a, x])
pool = layers.GlobalAveragePooling2D(keepdims=True, name="pool")(x)
pool = layers.UpSampling2D((4, 4), interpolation="bilinear", name="pool_up")(pool)
x = layers.Concatenate(name="concat")([b, pool])
x = layers.Conv2D(2, 1, padding="valid", name="logits")(x)
x = layers.UpSampling2D((2, 2), interpolation="bilinear", name="up")(x)
model = tf.keras.Model(inputs, x, name="small")

images = np.random.default_rng(120).uniform(-1, 1, (8, 1, 8, 8, 3)).astype(np.float32)
converter = tf.lite.TFLiteConverter.from_keras_model(model)
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = lambda: ([image] for image in images)
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
converter.inference_input_type = tf.uint8
with open("small.tflite", "wb") as file:
    file.write(converter.convert())
