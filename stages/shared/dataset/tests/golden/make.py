"""Writes the golden files of this folder.

Provenance: numpy 2.x and TensorFlow 2.21, run as `python make.py` from this folder.
- permutation.txt: seed, n, then the first (up to 40) elements of RandomState(seed).permutation(n).
- resize.txt: one case a line: method, source height, width, channels, target height, width, then the source pixels
  (integers) and the result of tf.image.resize (hexadecimal float32 bits), separated by `|`.
- kernels.txt: as resize.txt for the methods that weigh a span of elements.
- place.txt: as resize.txt for tf.image.resize_with_crop_or_pad (`place`) and tf.image.resize_with_pad (`letterbox`).
- photo.jpg, photo.txt: a JPEG of a smooth 24x32 picture without chroma subsampling, and its pixels as
  tf.io.decode_jpeg(dct_method="INTEGER_ACCURATE") gives them.
"""

import numpy as np
import tensorflow as tf

with open("permutation.txt", "w") as file:
    file.write("# seed n first elements; see make.py\n")
    for seed, n in [(123, 10), (0, 1), (42, 367), (123, 1464), (4294967295, 33), (7, 100000)]:
        order = np.random.RandomState(seed).permutation(n)[:40]
        file.write(" ".join(map(str, [seed, n, *order])) + "\n")


def row(method, source, target, result):
    height, width, channels = source.shape
    bits = np.asarray(result, dtype=np.float32).reshape(-1).view(np.uint32)
    head = f"{method} {height} {width} {channels} {target[0]} {target[1]}"
    return head + " | " + " ".join(map(str, source.reshape(-1))) + " | " + " ".join(f"{b:08x}" for b in bits) + "\n"


random = np.random.RandomState(1)
cases = [((9, 12, 3), (4, 4)), ((7, 5, 1), (16, 11)), ((4, 4, 3), (4, 4)), ((13, 10, 3), (6, 15)), ((1, 1, 1), (3, 2)),
         ((36, 48, 1), (13, 13))]
with open("resize.txt", "w") as file:
    for shape, target in cases:
        source = random.randint(0, 256, shape).astype(np.uint8)
        for method in ["bilinear", "nearest"]:
            file.write(row(method, source, target, tf.image.resize(source, target, method=method)))

with open("place.txt", "w") as file:
    for shape, target in [((9, 12, 3), (4, 5)), ((4, 5, 1), (9, 12)), ((9, 4, 1), (4, 9)), ((6, 6, 1), (5, 7))]:
        source = random.randint(0, 256, shape).astype(np.uint8)
        file.write(row("place", source, target, tf.image.resize_with_crop_or_pad(source, *target)))
        file.write(row("letterbox", source, target, tf.image.resize_with_pad(source, *target)))

y, x = np.mgrid[0:24, 0:32]
photo = np.stack([120 + 90 * np.sin(x / 5 + y / 9), 128 + 100 * np.cos(y / 6), 8 * x], -1).clip(0, 255).astype(np.uint8)
jpeg = tf.io.encode_jpeg(photo, quality=90, chroma_downsampling=False).numpy()
with open("photo.jpg", "wb") as file:
    file.write(jpeg)
with open("photo.txt", "w") as file:
    pixels = tf.io.decode_jpeg(jpeg, dct_method="INTEGER_ACCURATE").numpy()
    file.write(" ".join(map(str, pixels.reshape(-1))) + "\n")

# A generator of its own, so that the files above stay as they are.
random = np.random.RandomState(2)
with open("kernels.txt", "w") as file:
    for shape, target in [((7, 9, 3), (5, 6)), ((7, 9, 3), (13, 17)), ((16, 5, 1), (3, 5)), ((1, 2, 1), (4, 3))]:
        source = random.randint(0, 256, shape).astype(np.uint8)
        for method in ["bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"]:
            file.write(row(method, source, target, tf.image.resize(source, target, method=method)))
