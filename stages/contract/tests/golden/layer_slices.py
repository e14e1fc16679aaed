"""Writes layer_slices.tsv: layer slices and the layers that CPython finds with them.

Run: python3 layer_slices.py > layer_slices.tsv
Columns: slices, number of layers, then the ascending positions with blanks between them (`-` for none), or `IndexError`
for an index without a layer, or `error` for what is not Python.
"""

import random
import sys

FIXED = """
(0:-1)
(10:120)
(150:)
(:5)
(::2)
(8, 110:121, -1)
(0)
0
-1
(0, -1)
0:-1
(0,)
0,
(:)
(::)
:
(::-1)
(5::-1)
(:5:-1)
(-1:-4:-1)
(1:10:3)
(10:1:-3)
(-1000:1000)
(1000:)
(5:5)
(6:5)
(2, 2, 1:3)
( 0 : -1 )
(- 1)
(+3)
(0x3)
(1_0)
(100000000000000000000:)
(:-100000000000000000000)
(::100000000000000000000)
(::-100000000000000000000)
(100000000000000000000)
(0::0)
(0:1:2:3)
(0
0)
()
(,)
(,0)
(0,,1)
(0 1)
(07)
(1_)
(a)
(--)
""".split("\n")


class Key:
    def __getitem__(self, key):
        return key


def positions(text, layers):
    inner = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    try:
        key = eval(f"Key()[{inner}]", {"Key": Key, "__builtins__": {}})
        chosen = set()
        for item in key if isinstance(key, tuple) else [key]:
            found = list(range(layers))[item]
            chosen.update(found if isinstance(item, slice) else [found])
    except IndexError:
        return "IndexError"
    except Exception:
        return "error"
    return " ".join(map(str, sorted(chosen))) or "-"


def item(draw):
    def index():
        return "" if draw.random() < 0.3 else str(draw.randrange(-15, 16))

    kind = draw.randrange(4)
    if kind == 0:
        return str(draw.randrange(-13, 13))
    if kind == 1:
        return f"{index()}:{index()}"
    return f"{index()}:{index()}:{draw.choice(['', '1', '2', '3', '-1', '-2', '-3', '-20'])}"


def main():
    draw = random.Random(120)
    print(f"# layer_slices.py, CPython {sys.version.split()[0]}")
    cases = [(text, layers) for text in FIXED if text for layers in (0, 1, 12, 144)]
    for _ in range(400):
        items = [item(draw) for _ in range(draw.choice([1, 1, 2, 3]))]
        cases.append((f"({', '.join(items)})", draw.choice([1, 5, 12, 13])))
    for text, layers in dict.fromkeys(cases):
        print(f"{text}\t{layers}\t{positions(text, layers)}")


main()
