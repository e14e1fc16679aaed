"""The graphs that every engine is measured with."""

from typing import NamedTuple


class Stage(NamedTuple):
    """A stage: `body` is shell text in which `{out}` stands for its only output, `NAME.txt`, and `{in}` for its first input."""

    name: str
    needs: list[str]  # names of stages; none means the file `in.txt`
    body: str


def chain(body="echo {name} > {out}"):
    """train -> quantize -> evaluate."""
    names = ["train", "quantize", "evaluate"]
    return [
        Stage(name, names[max(at - 1, 0) : at], body.replace("{name}", name)) for at, name in enumerate(names)
    ]


def layers(depth, width):
    """`depth` layers of `width` stages; each needs two of the layer before it."""
    return [
        Stage(
            f"s{layer}_{at}",
            sorted({f"s{layer - 1}_{at}", f"s{layer - 1}_{(at + 1) % width}"}) if layer else [],
            f"echo s{layer}_{at} > {{out}}",
        )
        for layer in range(depth)
        for at in range(width)
    ]
