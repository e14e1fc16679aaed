"""Writes augmentation.txt.

Provenance: numpy 2.x and TensorFlow 2.21, run as `python augmentation.py` from this folder.
One case a line: function, argument, height, width, channels, lowest and highest value of a pixel, the image
[height, width, channels], the mask [height, width], the changed image, the changed mask; the last four are separated by
`|`, images as hexadecimal float32 bits. Contrast and brightness are tf.image.adjust_contrast and an addition, cut off to the
range; flips are tf.image.flip_left_right and flip_up_down.
"""

import numpy as np
import tensorflow as tf

random = np.random.RandomState(5)


def bits(image):
    return " ".join(f"{b:08x}" for b in np.asarray(image, np.float32).reshape(-1).view(np.uint32))


def labels(mask):
    return " ".join(map(str, np.asarray(mask).reshape(-1)))


def changed(function, argument, image, mask, low, high):
    if function == "random_contrast":
        return tf.clip_by_value(tf.image.adjust_contrast(image, argument), low, high), mask
    if function == "random_brightness":
        return tf.clip_by_value(image + np.float32(argument), low, high), mask
    both = [image, mask[..., None]]
    if "h" in argument:
        both = [tf.image.flip_left_right(x) for x in both]
    if "v" in argument:
        both = [tf.image.flip_up_down(x) for x in both]
    return both


with open("augmentation.txt", "w") as file:
    for height, width, channels, low, high in [(5, 7, 3, -1.0, 1.0), (6, 4, 1, 0.0, 1.0), (1, 3, 3, 0.0, 255.0)]:
        for function, argument in [("random_contrast", 0.6), ("random_contrast", 1.75), ("random_brightness", -0.3),
                                   ("random_brightness", 0.05), ("random_flip", "h"), ("random_flip", "v"),
                                   ("random_flip", "hv")]:
            image = random.uniform(low, high, (height, width, channels)).astype(np.float32)
            mask = random.choice([0, 1, 2, 255], (height, width))
            image_then, mask_then = changed(function, argument, image, mask, low, high)
            head = f"{function} {argument} {height} {width} {channels} {low} {high}"
            file.write(" | ".join([head, bits(image), labels(mask), bits(image_then), labels(mask_then)]) + "\n")
