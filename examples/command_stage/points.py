"""Writes noisy points of the line y = 2 x + 1: points.py FILE COUNT."""

import random
import sys

path, count = sys.argv[1], int(sys.argv[2])
# A fixed seed: the same settings must give the same bytes, or a stored result is not what a new run would make.
draw = random.Random(7)
with open(path, "w") as file:
    for _ in range(count):
        x = draw.uniform(-1, 1)
        file.write(f"{x:.6f},{2 * x + 1 + draw.gauss(0, 0.1):.6f}\n")
