"""Writes pyyaml.tsv: scalars as they are written in YAML, and what PyYAML and a pass over its strings make of them.

Run: python3 pyyaml.py > pyyaml.tsv
Columns: the scalar as JSON text, what yaml.safe_load gives for it, and what it is after strings that are Python literals
or arithmetic became their values. Values: `null`, `bool true`, `int N`, `float REPR`, `str JSON`, `other TYPE`, `error`.
"""

import ast
import json
import operator
import sys

import yaml

PLAIN = r"""
010 -010 +010 0 -0 +0 00 000 007 08 09 0_10 01_0 0o17 0O17 -0o17 0o8 0o 0x1F 0X1F 0x1f -0x1F +0x1F 0x_1F 0x1_F 0x 0xg
0b11 0B11 -0b11 0b1_0 0b2 0b 1 7 -5 +5 --5 1_000 1_000_000 1__000 _1 1_ 123456789 2147483648 9007199254740993
9223372036854775807 9223372036854775808 18446744073709551616 -9223372036854775808
1e3 1E3 1e+3 1e-3 1.e3 1.e+3 1.e-3 1.5e3 1.5e+3 1.5e-7 1e-7 1E-07 -1e-7 +1e-7 1e 1e+ e3 .e3 1e3.5 1_0e-2 1_0.5 1_0.5_0
.5 -.5 +.5 5. -5. +5. 5.0 5.50 0.1 00.5 07.5 08.5 0.001 -0.0 . .. .5. 1.2.3 1.10 ._5 .5_0 5._ 5_.0 685.230_15e+03
190:20:30 190:20:30.15 1:30 -1:30 1:60 0:1 00:01 1:2:3:4 12:30:45 1:30.5 1:90 24:00 :5 5: ::
.inf .Inf .INF -.inf -.Inf -.INF +.inf +.INF .iNF .nan .NaN .NAN .Nan -.nan inf nan Infinity NaN 1e999 -1e999 1.0e+999 1e-999
2026-11-22 2026-1-2 2026-01-02 2026-11-22T10:20:30Z 2001-12-14t21:59:43.10-05:00 1999-1-31 2026-11 22-11-2026 2026-13-45
2000-10-10 9999-12-31 12026-11-22 2026--1
1/4 1./255 1/127.5 1/0 2**3 2**-1 -2**2 64/2 7//2 7%4 3*4 (1/4) (1) ((2)) 1+1 1-1 10-4 1.5+1 1,5 (1,2) () 1j 2j+1 -(3)
a abc A1 1a tv/monitor a/b a.b a-b a_b a:b a#b http://x/y x=1 = == <> <<< -- -a -1a +a .a /a \a \n C:\train $HOME $x ${
${NO} { 100% 50%! hello! what? it's say"x" é 漢字 lambda Ellipsis __name__ print NotImplemented
"""

BLANKS = [
    "a b", "a  b", "+ 5", "- -5", "1 / 4", "1 000", "2 ** 3", "not True", "True and False", "1 if 1 else 2", "a # b", "5 # five",
    "2026-11-22 10:20:30", "1 + 2 * 3", "x y: z", "(128, 128, 3)", "1, 5", "-  ",
]

QUOTED = [
    "1", "010", "0o17", "0x1F", "1_000", "+5", "1e3", "1e-7", ".5", "5.", "1/4", "190:20:30", ".inf", ".nan", "2026-11-22",
    "2026-01-02", "", " ", "a", "a b", " 5", "5 ", " 1/4 ", " a ", "None", "~", "=", "a: b", "a # b", "[1]", "(1, 2)", "{}", "1j",
    "1/0", "1e999", "#", "-", "- a", "*a", "&a", "!a", "%a", "@a", "`a`", "|", ">",
]

# As they are written, quotes and all.
WRITTEN = [
    "", '"\\x31"', '"\\u0035"', '"\\u00e9"', '"a\\tb"', '"a\\nb"', '"a\\\\b"', '"a\\"b"', "'it''s'", "'a\\tb'", "'\"x\"'", "\"'x'\"",
    "'\"5\"'", '"\\e"', '"\\/"', "a\n  b", "1\n  /4", "'a\n\n  b'", '"a\\\n  b"', "|\n  5\n", ">-\n  1\n  /4\n", "|-\n  a\n  b", ">\n  a\n\n  b\n",
    "|+\n  a\n\n", "|-\n  True",
]

OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.UAdd: operator.pos, ast.USub: operator.neg,
}


def words():
    """Words for truth and for nothing in many letter cases."""
    for word in ["yes", "no", "on", "off", "true", "false", "y", "n", "t", "f", "null", "none"]:
        yield from [word, word.capitalize(), word.upper(), word[:1] + word[1:].upper(), word[:-1] + word[-1:].upper()]
    yield "~"


def evaluate(node):
    """Literals and arithmetic."""
    match node:
        case ast.Expression(body):
            return evaluate(body)
        case ast.BinOp(left, op, right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](evaluate(left), evaluate(right))
        case ast.UnaryOp(op, operand) if type(op) in OPERATORS:
            return OPERATORS[type(op)](evaluate(operand))
        case ast.Constant(value):
            return value
        case ast.Tuple(items) | ast.List(items):
            return [evaluate(item) for item in items]
    raise ValueError(node)


def second_pass(value):
    if not isinstance(value, str):
        return value
    try:
        return evaluate(ast.parse(value.strip(), mode="eval"))
    except (SyntaxError, ValueError, ArithmeticError, TypeError):
        return value


def written(value):
    match value:
        case None:
            return "null"
        case bool():
            return f"bool {json.dumps(value)}"
        case int():
            return f"int {value}"
        case float():
            return f"float {value!r}"
        case str():
            return f"str {json.dumps(value)}"
    return f"other {type(value).__name__}"


def main():
    print(f"# pyyaml.py, PyYAML {yaml.__version__}, CPython {sys.version.split()[0]}")
    scalars = PLAIN.split() + BLANKS + list(words())
    for text in QUOTED + list(words()):
        scalars += [f"'{text}'", f'"{text}"']
    for scalar in dict.fromkeys(scalars + WRITTEN):
        try:
            value = yaml.safe_load(f"k: {scalar}\n")["k"]
            values = f"{written(value)}\t{written(second_pass(value))}"
        except (yaml.YAMLError, ValueError):
            values = "error\terror"
        print(f"{json.dumps(scalar)}\t{values}")


main()
