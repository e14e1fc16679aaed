"""Writes python_values.tsv: expressions and what CPython makes of them.

Run: python3 python_values.py > python_values.tsv
Columns: expression, then `int N`, `float REPR` or `json JSON` (tuples as lists), or `error` for what raises, is complex,
not finite, or beyond 127 bits.
"""

import json
import math
import random
import sys

FIXED = r"""
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
-0
0e0
00.5
.5e1
5.e1
-.5
0X10
0O17
0B11
0x1_0
0_x10
1_0.0_1e1_0
1 _000
+-+-1
-(-(-1))
- (2 + 3) ** 2
(1 + 2) * (3 - 4) / 5 // 6 % 7
1/2/4
2**-2**-1
9007199254740993 / 1
9007199254740993 / 3
-9007199254740993 / 7
(2**100 + 1) / (2**99 + 7)
(2**126 - 1 + 2**126) / 3
2**127
-2**126 - 2**126
-2**126 - 2**126 - 1
(-2**126 - 2**126) // -1
(-2**126 - 2**126) % -1
170141183460469231731687303715884105727
170141183460469231731687303715884105728
()
( )
(,)
(1)
(1,)
(1,,)
( 1 , 2 , )
1,
1, 2
1, 2,
,1
[]
[ ]
[,]
[1]
[1,]
[1,,2]
[1 2]
[1, 2
[1, 2)
(1, 2]
[[], [[]], ()]
((1),)
(512, 512, 3)
(0.0001, 1/200)
[0.25, 0.75]
[(1, 2), (3, 4.5), [None, True]]
(-1, +2, --3, 2**3)
[1e-7, .5, 5., 1_000, 0x10, 0o17]
(1e400,)
[1/0]
[1e308*10]
True
False
None
true
none
null
nan
inf
[True, False, None]
(None,)
''
""
'a'
"a"
'it\'s'
"it's"
'say "no"'
"say \"no\""
'a\\b'
'a\nb\tc\rd'
'größe, λ and 目'
'(1, 2)'
['a', "b", ('c',)]
'a
'a"
'a'b
'\'
"'"
b'a'
{}
{1}
{1: 2}
...
lambda: 1
(1, 2
((((1))))
((((1))
print(1)
"""


def value(text):
    try:
        result = eval(text, {"__builtins__": {}})
    except Exception:
        return "error"
    if not legal(result):
        return "error"
    if type(result) is int:
        return f"int {result}"
    if type(result) is float:
        return f"float {result!r}"
    return f"json {json.dumps(result, ensure_ascii=False)}"


def legal(value):
    if type(value) is int:
        return -(2**127) <= value < 2**127
    if type(value) is float:
        return math.isfinite(value)
    if type(value) in (list, tuple):
        return all(legal(item) for item in value)
    return value is None or type(value) in (bool, str)


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


def nested(draw, depth):
    """A tuple or a list, with blanks and trailing commas as people write them."""
    if depth == 0 or draw.random() < 0.3:
        words = ["True", "False", "None", "''", "'a b'", '"it\'s"', "-1", "1_000", "0xff", "- 2.5", ".5", "2**-3", "1/255"]
        return draw.choice([leaf(draw), draw.choice(words), expression(draw, 1)])
    items = [nested(draw, depth - 1) for _ in range(draw.randrange(4))]
    text = draw.choice([",", ", ", " , "]).join(items)
    if items and (len(items) == 1 or draw.random() < 0.2):
        text += draw.choice([",", ", "])
    blank = draw.choice(["", "", " "])
    return draw.choice(["({}{}{})", "[{}{}{}]"]).format(blank, text, blank)


def main():
    draw = random.Random(120)
    print(f"# python_values.py, CPython {sys.version.split()[0]}")
    texts = [line for line in FIXED.splitlines() if line]
    texts += [expression(draw, 3) for _ in range(650)]
    texts += [nested(draw, 3) for _ in range(120)]
    for text in dict.fromkeys(texts):
        print(f"{text}\t{value(text)}")


main()
