"""Writes python_values.tsv: expressions and what CPython makes of them.

Run: python3 python_values.py > python_values.tsv
Columns: expression, then `int N` or `float REPR`, or `error` for what raises, is complex, or is not finite.
"""

import random
import sys

FIXED = """
1/127.5
1./255
1/255.
.5
5.
5.e3
1_000
1_000.5_0
1e-7
1E5
1e+05
1e1_0
1__0
1_
0x1F
0X_ff
0o17
0b101
0b102
017
00
0_0
007.5
09.5
1.2.3
1e
1e+
1ee5
.
1j
-2**2
2**3**2
2**-1
-2**-2
(-2)**2
(-2)**3
2**0.5
(-8)**0.5
0**0
0**-1
0.0**-1
10.0**400
1e308*10
1e400
9**20
1 + 2 * 3
1 - 2 - 3
8 / 4 / 2
2 * 3 % 4
7 // 2
-7 // 2
7 // -2
-7 // -2
7 % 3
-7 % 3
7 % -3
-7 % -3
7.5 // 2
-7.5 // 2
7.5 % -2
-0.0
-0.0 % 5
0.0 // -3
5 % -5.0
1e300 // 1e-300
1 // 0
1 % 0
1 / 0
1.0 // 0
1.0 % 0.0
--1
-+-1
- - 2 ** 2
+3
2 ** -2 ** 2
2 * -3
2 - -3
2--3
3 ** 2 * 2
2 * 3 ** 2
-3 ** 2 % 5
100 // 7 * 7 + 100 % 7
( ( 1 ) )
((1 + 2)) * 3
1 +
* 2
1 2
(1
1)
1 ** ** 2
1 // / 2
2 */ 3
abc
1if
0x
0xg
1_e5
1e_5
1._5
_1
١
"""


def value(text):
    try:
        result = eval(text, {"__builtins__": {}})
    except Exception:
        return "error"
    if type(result) is int:
        return f"int {result}"
    if type(result) is float and result == result and abs(result) != float("inf"):
        return f"float {result!r}"
    return "error"


def leaf(draw):
    kind = draw.randrange(4)
    if kind == 0:
        return str(draw.randrange(0, 30))
    if kind == 1:
        return repr(draw.uniform(0.01, 20))
    if kind == 2:
        return f"{draw.randrange(1, 99)}e{draw.randrange(-6, 4)}"
    return f"{draw.randrange(0, 9)}.{draw.randrange(0, 99)}"


def expression(draw, depth):
    if depth == 0 or draw.random() < 0.2:
        return leaf(draw)
    kind = draw.randrange(10)
    if kind == 0:
        return f"-{expression(draw, depth - 1)}"
    if kind == 1:
        return f"({expression(draw, depth - 1)})"
    if kind == 2:
        return f"{leaf(draw)} ** {draw.randrange(-3, 4)}"
    operator = draw.choice(["+", "-", "*", "/", "//", "%"])
    return f"{expression(draw, depth - 1)} {operator} {expression(draw, depth - 1)}"


def main():
    draw = random.Random(120)
    print(f"# python_values.py, CPython {sys.version.split()[0]}")
    texts = [line for line in FIXED.splitlines() if line]
    texts += [expression(draw, 3) for _ in range(650)]
    for text in dict.fromkeys(texts):
        print(f"{text}\t{value(text)}")


main()
