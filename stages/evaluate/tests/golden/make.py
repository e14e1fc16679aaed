"""Writes masks/0.png .. 7.png: palette PNGs of the labels of the first 8 images of ../shared/models/val_128.npz.

Provenance: the labels of the reference models' own validation images, which are also in_128_u8.bin there. Run as
`python make.py path/to/shared/models` from this folder (numpy, Pillow).
"""

import sys

import numpy as np
from PIL import Image

for index, labels in enumerate(np.load(sys.argv[1] + "/val_128.npz")["Y"][:8]):
    image = Image.fromarray(labels.astype(np.uint8), mode="P")
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    image.save(f"masks/{index}.png", optimize=True)
