"""Fits a line to points by gradient descent: line.py POINTS OUTPUT.json --rate RATE --steps STEPS.

It tells the engine how far it is, what it measured and what it drew. Each such line is an event of the run: progress
becomes a bar with the time left, metrics come into the table at the end and into events.jsonl.
"""

import argparse
import json
import os


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}))


arguments = argparse.ArgumentParser()
arguments.add_argument("points")
arguments.add_argument("output")
arguments.add_argument("--rate", type=float)
arguments.add_argument("--steps", type=int)
arguments = arguments.parse_args()

with open(arguments.points) as file:
    points = [tuple(map(float, line.split(","))) for line in file]

slope, offset = 0.0, 0.0
for step in range(1, arguments.steps + 1):
    errors = [(slope * x + offset - y, x) for x, y in points]
    slope -= arguments.rate * 2 * sum(error * x for error, x in errors) / len(points)
    offset -= arguments.rate * 2 * sum(error for error, _ in errors) / len(points)
    if step % 10 == 0:
        loss = sum(error**2 for error, _ in errors) / len(points)
        tell("metric", name="loss", step=step, value=loss)
        tell("progress", label="gradient descent", done=step, total=arguments.steps)

tell("metric", name="slope", value=slope)
tell("metric", name="offset", value=offset)
with open(arguments.output, "w") as file:
    json.dump({"slope": slope, "offset": offset}, file)
    file.write("\n")

# Outputs lie below $PIPELINE_OUT, where {outputs.NAME} points as well.
with open(os.path.join(os.environ["PIPELINE_OUT"], "line.svg"), "w") as file:
    dots = "".join(f'<circle cx="{x:.3f}" cy="{-y:.3f}" r="0.015" fill="#4878a8"/>' for x, y in points)
    ends = " ".join(f"{x},{-(slope * x + offset):.3f}" for x in (-1, 1))
    line = f'<polyline points="{ends}" stroke="#c0392b" stroke-width="0.03" fill="none"/>'
    box = 'viewBox="-1.2 -3.6 2.4 5.2" width="360" height="780"'
    file.write(f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{dots}{line}</svg>\n')
tell("figure", title="line through the points", path="line.svg")
