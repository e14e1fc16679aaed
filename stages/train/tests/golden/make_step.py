"""Three training steps of Keras on a tiny network.

Made with tensorflow 2.21 and keras 3.15:  python make_step.py  (writes beside itself)
before.h5, after.h5   the network before and after the three steps
batches.bin           three batches: 2x8x8x2 float32 images, 2x8x8 uint8 masks (255 is void)
numbers.json          the losses and class weights
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf
from keras import layers

here = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(7)
keras.utils.set_random_seed(7)

image = layers.Input((8, 8, 2), name="image")
x = layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False, name="stem")(image)
x = layers.BatchNormalization(momentum=0.9, name="stem_bn")(x)
x = layers.ReLU(max_value=6.0, name="stem_relu")(x)
# No bias in front of a normalisation: its gradient is rounding, which Adam would blow up to a whole step.
x = layers.DepthwiseConv2D(3, padding="same", dilation_rate=2, use_bias=False, name="deep")(x)
x = layers.BatchNormalization(momentum=0.99, name="deep_bn")(x)
x = layers.ReLU(name="deep_relu")(x)
x = layers.Conv2D(3, 1, name="logits")(x)
x = layers.UpSampling2D(2, interpolation="bilinear", name="up")(x)
model = keras.Model(image, x, name="tiny")
model.set_weights([w + 0.1 * random.standard_normal(w.shape).astype("f4") ** 2 for w in model.get_weights()])
model.save(os.path.join(here, "before.h5"))

optimizer = keras.optimizers.Adam(learning_rate=0.01)
weights = np.array([0.5, 1.0, 2.0], "f4")
losses, blob = [], b""
for _ in range(3):
    images = random.standard_normal((2, 8, 8, 2)).astype("f4")
    masks = random.choice([0, 1, 2, 255], (2, 8, 8)).astype("u1")
    blob += images.tobytes() + masks.tobytes()
    valid = (masks != 255).astype("f4")
    labels = np.where(masks == 255, 0, masks).astype("i4")
    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_sum(entropy * weights[labels] * valid) / (valid.sum() + 1e-5)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    losses.append(float(loss))
model.save(os.path.join(here, "after.h5"))
with open(os.path.join(here, "batches.bin"), "wb") as file:
    file.write(blob)

with open(os.path.join(here, "numbers.json"), "w") as file:
    json.dump({"losses": losses, "weights": weights.tolist()}, file, indent=1)
