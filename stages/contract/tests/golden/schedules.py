"""Writes schedules.tsv: learning-rate schedules, called by CPython.

Run: python3 schedules.py > schedules.tsv
Columns: schedule (newlines as \\n), epoch, learning rate, result. The result is `= REPR` where every operation is rounded
correctly, `~ REPR` where the C library's functions take part (they may differ by one unit in the last place), or an
exception: Python's own name for it, or `Refused` (not legal in a schedule, known before it is called), `Wide` (a whole
number of more than 127 bits), `Complex`, `Result` (not a finite number).
"""

import ast
import builtins
import math
import random
import sys
from types import SimpleNamespace

SCHEDULES = r"""
lambda epoch, lr:\n   (0.0005*epoch + 0.00001) if epoch < 20\n   else (0.01 if epoch < 50\n   else (lr / (1 + 0.0005 * epoch)\n))
lambda epoch, lr: lr
lambda epoch: 0.1 / (1 + epoch)
lambda e, rate: rate * 0.5 if e > 0 and e % 10 == 0 else rate
lambda epoch, lr: lr if epoch < 10 else lr * math.exp(-0.1)
lambda epoch, lr: 0.01 * math.pow(0.5, math.floor((1 + epoch) / 10))
lambda epoch, lr: 0.01 * 0.5 ** (epoch // 10)
lambda epoch, lr: 1e-05 + 0.5 * (0.01 - 1e-5) * (1 + math.cos(math.pi * epoch / 200))
lambda epoch, lr: max(1e-5, 0.01 * math.exp(-0.05 * epoch))
lambda epoch, lr: min(0.01, 1e-3 * (epoch + 1))
lambda epoch, lr: 0.1 if epoch < 10 else 0.01 if epoch < 20 else 0.001 if epoch < 50 else 1e-4
lambda epoch, lr: round(0.1 / (epoch + 3), 4)
lambda epoch, lr: lr * (1 - epoch / 100) ** 0.9 if epoch < 100 else 1e-6
lambda epoch, lr: 1 / 2 ** (epoch / 7)
lambda epoch, lr: 1e-3 * (10 <= epoch < 20) + 1e-4 * (not 10 <= epoch < 20)
lambda epoch, lr: float(lr)
lambda epoch, lr: epoch
(lambda epoch, lr: lr / 2)
lambda epoch, lr,: lr
lambda epoch ,\n lr :\n lr*\n0.5
"""

EXPRESSIONS = r"""
-2**2
2**3**2
2**-1
-2**-2
(-2)**2
2**0.5
2 ** -2 ** 2
- - 3
-+-3
+True
-True
7 // 2
-7 // 2
7 // -2
-7 % 3
7 % -3
-7.5 // 2
7.5 % -2
-7.5 % 2
0.0 / -5 + 1
1e300 // 1e-10
1e308 * 10
-1e308 * 10
1e308 * 10 * 0
1e308 * 10 > 1
min(1, 1e308 * 10)
5 % (1e308 * 10)
10 ** 400
10.0 ** 400
2 ** 126
2 ** 127
2 ** 200
2 ** 126 - 1 + 2 ** 126
-2 ** 126 - 2 ** 126
-2 ** 126 - 2 ** 126 - 1
-(-2 ** 126 - 2 ** 126)
abs(-2 ** 126 - 2 ** 126)
(-2 ** 126 - 2 ** 126) // -1
(-2 ** 126 - 2 ** 126) % -1
(-2 ** 126 - 2 ** 126) / -1
(2 ** 53 + 1) / 1
(2 ** 53 + 1) / 3
(2 ** 100 + 1) / (2 ** 99 + 7)
(3 ** 70 + 1) / (3 ** 69 - 1)
1 / 3 ** 70
9007199254740993 / 9007199254740991
-9007199254740993 / 7
0 / -5
2 ** 53 + 1 == 2.0 ** 53
2 ** 53 + 1 > 2.0 ** 53 and 5
9007199254740993 > 9007199254740992.0 and 0.5
(2 ** 126 - 1 + 2 ** 126 < 2.0 ** 127) * 2
(-2 ** 126 - 2 ** 126 == -2.0 ** 127) * 2
1e400
170141183460469231731687303715884105728
170141183460469231731687303715884105727
0 ** 0
0 ** -1
0.0 ** -1
0.0 ** 0
(-8) ** 0.5
(-8) ** (1/3)
(-8) ** 2.0
(-8) ** -3
(-1) ** (2 ** 100)
1 ** (2 ** 100)
1 / 0
1 // 0
1 % 0
1.0 / 0
1.0 // 0.0
1.0 % 0.0
lr / (epoch - epoch)
1 < 2 < 3
(1 < 2 < 3) + 0
(3 > 2 > 1) * 0.5
(3 > 2 == 2) + 1
((1 < 3) < 2) + 1
(1 < 3 < 2) + 1
(1 == 1.0) + 1
(True == 1) + 1
(1 != 1) + 1
1 or 1/0
0 or 0.5
0.0 or 0
0 and 1/0
1 and 0.5
not 0
(not 0) + 1
not not 1
not 1 == 2
(not 1 == 2) / 2
1 if not 0 else 2
0 or not 1 or 3
1 and 2 and 3
1 and 0 or 5
(0 or 0) and 3
True
False
True + True
True / 2
True ** 2
True ** -1
max(True, 0)
max(True, 0) + 0
min(False, 0)
max(1, 1.0)
max(0, 2, 1.5)
min(0.3, 0.1, 0.2)
min(1)
min()
max(epoch, lr, 3)
abs(-3)
abs(-0.5)
abs(True)
abs()
abs(1, 2)
int(3.9)
int(-3.9)
int(True)
int(1e308 * 10)
int(1e308 * 10 - 1e308 * 10)
int(1e30)
int(1e39)
int(-2.0 ** 127)
int(2.0 ** 127)
float(3)
float(True)
round(0.5)
round(1.5)
round(2.5)
round(-2.5)
round(2.675, 2)
round(2.5, 0)
round(0.125, 2)
round(0.375, 2)
round(1234.5678, -2)
round(1250.0, -2)
round(1350.0, -2)
round(50.0, -2)
round(50.00000000000001, -2)
round(49.99999999999999, -2)
round(51.0, -2)
round(5e307, -308)
round(1.7e308, -308)
round(1.7e308, -309)
round(-0.4, 0) + 1
round(1e22, 400)
round(5e-324, 323)
round(5e-324, 400)
round(1e-323, 323)
round(15, -1)
round(25, -1)
round(-15, -1)
round(-25, -1)
round(26, -1)
round(49, -2)
round(51, -2)
round(5, -40)
round(2 ** 126 - 1 + 2 ** 126, -38)
round(2 ** 126 - 1 + 2 ** 126, -39)
round(2 ** 126, 5)
round(1e308 * 10)
round(1e308 * 10, 2)
round(1e308 * 10 - 1e308 * 10)
round(1e40)
round(1.5, 1.0)
round(1.5, True)
round(True, -1)
round(1, 2, 3)
math.exp(1)
math.exp(0)
math.exp(-1000)
math.exp(1000)
math.exp(True)
math.cos(0)
math.cos(1)
math.cos(1e22)
math.cos(1e308 * 10)
math.sin(1)
math.tan(1)
math.tan(math.pi / 2)
math.sqrt(2)
math.sqrt(0)
math.sqrt(-1)
math.sqrt(1e308 * 10)
math.log(10)
math.log(0)
math.log(-1)
math.log(2 ** 126)
math.log(8, 2)
math.log(100, 10)
math.log(2, 1)
math.log(0, 2)
math.log(2, 0)
math.log2(8)
math.log2(0.3)
math.log2(0)
math.log10(1000)
math.log10(0.3)
math.log10(-1)
math.pow(2, 10)
math.pow(2, 0.5)
math.pow(-8, 0.5)
math.pow(-8, 3)
math.pow(0, -1)
math.pow(0, 0)
math.pow(10, 400)
math.pow(2)
math.pi
math.e
math.floor(2.7)
math.floor(-2.7)
math.floor(5)
math.floor(1e308 * 10)
math.ceil(2.1)
math.ceil(-2.1)
math.ceil(True)
math.ceil(1e40)
math . pi
math.exp(1,)
math.exp(\n1\n)
math.pi()
math.exp
math
math.tau
math.foo(1)
math.log.x
np.exp(1)
exp(1)
lr.real
lr(1)
1(2)
(1)(2)
(1,)
1, 2
()
[1][0]
{1}
'a'
None
...
1 if 2
1 if 2 else
if 1 else 2
1 else 2
1 if 0 else 2 if 0 else 3
(1 if 0 else 2) if 0 else 3
1 if (0 if 1 else 1) else 2
1 if 0 if 1 else 1 else 2
0 or 1 if 0 else 2
1 + 2 if 1 else 3
lambda: 1
lambda x: x
epoch = 1
epoch := 1
(x := 1)
epoch == 1 == 1
1 <> 2
1 === 2
1 = 2
1 ! 2
!1
~1
1 & 2
1 | 2
1 ^ 2
1 << 2
1 @ 2
epoch is 1
epoch in 1
* 2
1 +
1 + * 2
1 ** ** 2
1 // / 2
1 not 2
1 + not 2
1 == not 2
not
and
1 and
or 1
(1
1)
((1))
( ( 1 ) + ( 2 ) )
1 2
1;2
1 # 2
0x1F
0o17
0b101
1_000
1_000.5
.5
5.
5.e-1
1e-7
1E5
1e+05
017
1__0
1_
1j
1.2.3
0x
1e
1if 1 else 2
1 if 1else 2
0.5if epoch<5else-1
1or 2
1and 2
0xfor 2
1e5if 0 else 2
2else 1
1 if epoch else2
epoch2
__import__('os')
open('x')
print(1)
eval('1')
λ
round(x, ndigits=2)
round(1.2345, ndigits=2)
min(*(1, 2))
epoch . real
True.real
return 1
yield 1
1 if True else None
1 > 0 or 1/0 > 0
"""

LAMBDAS = r"""
lambda: 1
lambda epoch, lr, x: 1
lambda epoch, epoch: 1
lambda *args: 1
lambda **kw: 1
lambda epoch, lr=0.1: 1
lambda epoch, lr 1
lambda epoch lr: 1
lambda epoch, lr:
lambda epoch, lr
lambda
epoch
def f(epoch, lr): return lr
f = lambda epoch, lr: lr
lambda epoch, lr: lr)
(lambda epoch, lr: lr
((lambda epoch, lr: lr / 3))
lambda if, lr: 1
lambda None, lr: 1
lambda 1, lr: 1
lambda (epoch, lr): 1
lambda math, lr: math
lambda math, lr: math.exp(1)
lambda min, max: min - max
lambda min, max: min(1, 2)
lambda e, E: e + E + math.e
lambda épochs, λ: épochs * λ
lambda _, __: _ + __
lambda e1, lr_0: e1 + lr_0
Lambda epoch, lr: lr
lambda epoch,, lr: lr
lambda ,epoch: 1
lambda epoch; lr
"""

BOUND = 2**127
rounded_once = True


class Wide(Exception):
    pass


class Complex(Exception):
    pass


class Result(Exception):
    pass


class Refused(Exception):
    pass


def checked(value):
    if isinstance(value, complex):
        raise Complex
    if isinstance(value, int) and not -BOUND <= value < BOUND:
        raise Wide
    return value


def power(base, exponent):
    global rounded_once
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1 and exponent > 200:
        raise Wide
    value = base**exponent
    rounded_once &= isinstance(value, int)
    return checked(value)


def from_the_c_library(function):
    def called(*arguments):
        global rounded_once
        rounded_once = False
        return function(*arguments)

    return called


FUNCTIONS = ["min", "max", "abs", "round", "int", "float"]
FROM_C = ["exp", "cos", "sin", "tan", "pow", "log", "log2", "log10"]
MATH = {name: from_the_c_library(getattr(math, name)) for name in FROM_C}
MATH |= {name: getattr(math, name) for name in ["sqrt", "pi", "e", "floor", "ceil"]}
CALLABLE = FUNCTIONS + [f"math.{name}" for name in MATH if name not in ("pi", "e")]
LEGAL = {name: getattr(builtins, name) for name in FUNCTIONS}
LEGAL |= {"math": SimpleNamespace(**MATH), "_checked": checked, "_power": power, "__builtins__": {}}


class Checks(ast.NodeTransformer):
    """Refuses what is not legal, and lets every operation refuse what this evaluator has no room for."""

    def __init__(self, parameters):
        self.parameters = parameters

    def visit_Constant(self, node):
        value = node.value
        if type(value) not in (bool, int, float) or value != value or abs(value) >= float(BOUND) and (
            isinstance(value, int) or abs(value) == math.inf
        ):
            raise Refused
        return node

    def call(self, name, *arguments):
        return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Pow):
            return self.call("_power", node.left, node.right)
        if isinstance(node.op, (ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift, ast.MatMult)):
            raise Refused
        return self.call("_checked", node)

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Invert):
            raise Refused
        return node if isinstance(node.op, ast.Not) else self.call("_checked", node)

    def visit_Call(self, node):
        function = ast.unparse(node.func)
        if node.keywords or function not in CALLABLE or function.split(".")[0] in self.parameters:
            raise Refused
        node.args = [self.visit(argument) for argument in node.args]
        return self.call("_checked", node)

    def visit_Name(self, node):
        if node.id not in self.parameters:
            raise Refused
        return node

    def refused(self, node):
        raise Refused

    visit_NamedExpr = visit_Tuple = visit_List = visit_Set = visit_Starred = refused
    visit_Subscript = visit_Is = visit_In = visit_Yield = refused

    def visit_Attribute(self, node):
        if ast.unparse(node) not in ("math.pi", "math.e") or "math" in self.parameters:
            raise Refused
        return node


def outcome(text, epoch, lr):
    global rounded_once
    rounded_once = True
    try:
        # Newlines are blanks here, so a comment could not end.
        if "#" in text:
            raise Refused
        tree = ast.parse(text.replace("\n", " ").strip(), mode="eval")
        body = tree.body
        if not isinstance(body, ast.Lambda) or body.args.defaults or body.args.vararg or body.args.kwarg:
            raise Refused
        if any(isinstance(node, ast.Lambda) for node in ast.walk(body.body)):
            raise Refused
        names = [argument.arg for argument in body.args.args]
        if len(names) not in (1, 2):
            raise Refused
        tree = ast.fix_missing_locations(Checks(names).visit(tree))
        value = eval(compile(tree, "schedule", "eval"), LEGAL)(*[epoch, lr][: len(names)])
        if type(value) not in (int, float) or not math.isfinite(value):
            raise Result
    except SyntaxError:
        return "Refused"
    except Exception as error:
        return type(error).__name__
    return f"{'=' if rounded_once else '~'} {float(value)!r}"


def leaf(draw):
    return draw.choice(
        [
            "epoch",
            "lr",
            str(draw.randrange(12)),
            repr(draw.uniform(0, 3)),
            f"{draw.randrange(1, 99)}e{draw.randrange(-7, 3)}",
            draw.choice(["True", "False", "math.pi", "math.e", "0", "1", "0.5"]),
        ]
    )


def expression(draw, depth):
    """An expression without functions of the C library, so that its value is the same everywhere."""
    if depth == 0 or draw.random() < 0.1:
        return leaf(draw)
    kind = draw.randrange(13)
    one, two, three = (expression(draw, depth - 1) for _ in range(3))
    if kind < 5:
        return f"{one} {draw.choice(['+', '-', '*', '/', '//', '%'])} {two}"
    if kind == 5:
        return f"({one})"
    if kind == 6:
        return f"{draw.choice(['-', '+', '- -'])}{leaf(draw)}"
    if kind == 7:
        return f"({one} if {two} else {three})"
    if kind == 8:
        relations = ["<", "<=", "==", "!=", ">=", ">"]
        return f"({one} {draw.choice(relations)} {two} {draw.choice(relations)} {three})"
    if kind == 9:
        return f"({one} {draw.choice(['and', 'or'])} {draw.choice(['', 'not '])}{two})"
    if kind == 10:
        return f"{draw.choice(['min', 'max'])}({one}, {two}, {three})"
    if kind == 11:
        return f"{draw.choice(['abs', 'round', 'int', 'float', 'math.floor', 'math.ceil'])}({one})"
    return f"round({one}, {draw.randrange(-3, 9)})"


def with_the_c_library(draw):
    inner = expression(draw, 2)
    function = draw.choice(FROM_C + ["**"])
    if function == "**":
        return f"({inner}) ** {draw.choice(['-', ''])}{leaf(draw)}"
    if function == "pow":
        return f"math.pow({inner}, {leaf(draw)})"
    return f"math.{function}({inner})"


def cases():
    draw = random.Random(120)
    for text in lines(SCHEDULES):
        for epoch in (0, 9, 19, 20, 50, 199):
            yield text, epoch, 0.01
    for text in lines(EXPRESSIONS):
        yield f"lambda epoch, lr: {text}", 3, 0.01
    for text in lines(LAMBDAS):
        yield text, 3, 0.01
    for make, count in ((lambda draw: expression(draw, 3), 400), (with_the_c_library, 150)):
        for _ in range(count):
            yield f"lambda epoch, lr: {make(draw)}", draw.randrange(200), draw.choice([0.01, 0.1, 1e-5, 1.0])


def lines(text):
    return [line.replace(r"\n", "\n") for line in text.splitlines() if line]


def main():
    print(f"# schedules.py, CPython {sys.version.split()[0]}")
    for text, epoch, lr in dict.fromkeys(cases()):
        escaped = text.replace("\n", r"\n")
        print(f"{escaped}\t{epoch}\t{lr!r}\t{outcome(text, epoch, lr)}")


if __name__ == "__main__":
    main()
