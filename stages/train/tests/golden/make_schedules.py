"""Learning rates of every schedule at every epoch, by the formulas of the original services in plain Python.

python make_schedules.py  (3.12 and later; writes schedules.json beside itself)
A case is a callback as a file has it, the optimizer's rate before the first epoch, and the rate of each epoch.
"""

import json
import math
import os

here = os.path.dirname(os.path.abspath(__file__))


def linear(e, initial_lr, hold_steps, decay_steps, end_lr):
    if e < hold_steps - 1:
        return initial_lr
    if e >= hold_steps + decay_steps:
        return end_lr
    return initial_lr + (end_lr - initial_lr) / decay_steps * (e - hold_steps + 1)


def exponential(e, initial_lr, hold_steps, decay_rate, min_lr=0):
    if e < hold_steps - 1:
        return initial_lr
    return max(min_lr, initial_lr * math.exp(-decay_rate * (e - hold_steps + 1)))


def step(e, initial_lr, step_size, decay_rate, min_lr=0):
    return max(min_lr, initial_lr * decay_rate ** math.floor((1 + e) / step_size))


def half_cosine(first, last, k):
    a = last / first
    return first * ((1 - a) * 0.5 * (1 + math.cos(math.pi * k)) + a)


def cosine(e, initial_lr, hold_steps, decay_steps, end_lr):
    if e < hold_steps:
        return initial_lr
    return half_cosine(initial_lr, end_lr, min(e - hold_steps + 1, decay_steps) / decay_steps)


def older_cosine(e, initial_learning_rate, decay_steps, alpha):
    return cosine(e, initial_learning_rate, 0, decay_steps, alpha * initial_learning_rate)


def warmup_cosine(e, warmup_steps, max_lr, hold_steps, decay_steps, end_lr, initial_lr=None):
    if e < warmup_steps - 1:
        return initial_lr + (max_lr - initial_lr) / warmup_steps * e
    if e < warmup_steps + hold_steps:
        return max_lr
    return half_cosine(max_lr, end_lr, min(e - warmup_steps - hold_steps, decay_steps) / decay_steps)


def restarts(e, initial_lr, first_decay_steps, end_lr, t_mul=2, m_mul=1.0):
    f, t = e / first_decay_steps, t_mul
    if t == 1:
        i = math.floor(f)
        f -= i
    else:
        # floor(log(1 - f * (1 - t)) / log t) in whole numbers: the largest i with t^i <= 1 + (t - 1) * e / first.
        i = 0
        while first_decay_steps * t ** (i + 1) <= first_decay_steps + (t - 1) * e:
            i += 1
        f = (f - (1 - t**i) / (1 - t)) / t**i
    a = end_lr / initial_lr
    return initial_lr * ((1 - a) * 0.5 * m_mul**i * (1 + math.cos(math.pi * f)) + a)


def restarts_by_logarithms(e, initial_lr, first_decay_steps, end_lr, t_mul=2, m_mul=1.0):
    f, t, a = e / first_decay_steps, t_mul, end_lr / initial_lr
    i = math.floor(math.log(1 - f * (1 - t)) / math.log(t))
    f = (f - (1 - t**i) / (1 - t)) / t**i
    return initial_lr * ((1 - a) * 0.5 * m_mul**i * (1 + math.cos(math.pi * f)) + a)


def polynomial(e, initial_lr, hold_steps, decay_steps, end_lr, power=0.5):
    if e < hold_steps - 1:
        return initial_lr
    p = min(e - hold_steps + 1, decay_steps) / decay_steps
    return (initial_lr - end_lr) * (1 - p) ** power + end_lr


def polynomial_restarts(e, initial_lr, hold_steps, decay_steps, end_lr, power=0.7):
    if e < hold_steps - 1:
        return initial_lr
    x = e - hold_steps + 1
    p = x / (decay_steps * math.ceil(x / decay_steps)) if x > 0 else 0
    return (initial_lr - end_lr) * (1 - p) ** power + end_lr


def piecewise(e, boundaries, values):
    return next((v for b, v in zip(boundaries, values) if b > e), values[-1])


FORMULAS = {
    "LRLinearDecay": linear,
    "LRExponentialDecay": exponential,
    "LRStepDecay": step,
    "LRCosineDecay": cosine,
    "LRWarmupCosineDecay": warmup_cosine,
    "LRCosineDecayRestarts": restarts,
    "LRPolynomialDecay": polynomial,
    "LRPolynomialDecayRestarts": polynomial_restarts,
    "LRPiecewiseConstantDecay": piecewise,
}

# The examples of the services' documentation, appendix A, with the epochs they name; then what is at the borders.
CASES = [
    ("LRLinearDecay", 200, dict(initial_lr=0.001, hold_steps=20, decay_steps=150, end_lr=1e-7)),
    ("LRExponentialDecay", 200, dict(initial_lr=0.001, hold_steps=20, decay_rate=0.02, min_lr=1e-7)),
    ("LRStepDecay", 200, dict(initial_lr=0.001, step_size=30, decay_rate=0.4, min_lr=1e-7)),
    ("LRCosineDecay", 200, dict(initial_lr=0.001, hold_steps=20, decay_steps=180, end_lr=1e-7)),
    ("LRCosineDecay", 400, dict(initial_learning_rate=0.01, decay_steps=170, alpha=0.001)),
    (
        "LRWarmupCosineDecay",
        400,
        dict(initial_lr=1e-6, warmup_steps=30, max_lr=0.001, hold_steps=50, decay_steps=320, end_lr=1e-6),
    ),
    (
        "LRCosineDecayRestarts",
        350,
        dict(initial_lr=0.001, first_decay_steps=50, end_lr=1e-6, t_mul=2, m_mul=0.8),
    ),
    ("LRPolynomialDecay", 300, dict(initial_lr=0.001, hold_steps=30, decay_steps=270, end_lr=1e-7)),
    (
        "LRPolynomialDecayRestarts",
        400,
        dict(initial_lr=0.001, hold_steps=30, decay_steps=120, end_lr=1e-7, power=0.5),
    ),
    ("LRPiecewiseConstantDecay", 200, dict(boundaries=[30, 70, 150], values=[0.01, 0.005, 0.001, 0.0001])),
    ("LRLinearDecay", 8, dict(initial_lr=0.01, hold_steps=0, decay_steps=3, end_lr=0.0)),
    ("LRLinearDecay", 6, dict(initial_lr=0.001, hold_steps=1, decay_steps=3, end_lr=0.01)),
    ("LRExponentialDecay", 40, dict(initial_lr=0.01, hold_steps=0, decay_rate=0.5)),
    ("LRStepDecay", 30, dict(initial_lr=0.01, step_size=1, decay_rate=0.5)),
    ("LRCosineDecay", 8, dict(initial_lr=0.01, hold_steps=0, decay_steps=5, end_lr=0.0)),
    ("LRCosineDecay", 8, dict(initial_lr=0.01, hold_steps=3, decay_steps=1, end_lr=0.02)),
    ("LRWarmupCosineDecay", 8, dict(warmup_steps=0, max_lr=0.01, hold_steps=0, decay_steps=5, end_lr=0.0)),
    (
        "LRWarmupCosineDecay",
        8,
        dict(initial_lr=0.0, warmup_steps=1, max_lr=0.01, hold_steps=1, decay_steps=5, end_lr=0.0),
    ),
    ("LRCosineDecayRestarts", 60, dict(initial_lr=0.001, first_decay_steps=7, end_lr=0.0, t_mul=1, m_mul=0.5)),
    ("LRCosineDecayRestarts", 400, dict(initial_lr=0.001, first_decay_steps=1, end_lr=1e-5, t_mul=3, m_mul=0.9)),
    ("LRCosineDecayRestarts", 40, dict(initial_lr=0.001, first_decay_steps=10, end_lr=1e-5)),
    ("LRPolynomialDecay", 12, dict(initial_lr=0.01, hold_steps=0, decay_steps=8, end_lr=0.001, power=2.0)),
    ("LRPolynomialDecay", 12, dict(initial_lr=0.01, hold_steps=2, decay_steps=8, end_lr=0.001, power=0.0)),
    ("LRPolynomialDecayRestarts", 30, dict(initial_lr=0.01, hold_steps=0, decay_steps=6, end_lr=0.001)),
    ("LRPolynomialDecayRestarts", 30, dict(initial_lr=0.01, hold_steps=4, decay_steps=6, end_lr=0.0, power=1.0)),
    ("LRPiecewiseConstantDecay", 3, dict(boundaries=[], values=[0.5])),
    ("LRPiecewiseConstantDecay", 4, dict(boundaries=[0, 2], values=[0.5, 0.25, 0.125])),
]

LAMBDAS = [
    (
        200,
        0.001,
        """lambda epoch, lr:
   (0.0005*epoch + 0.00001) if epoch < 20
   else (0.01 if epoch < 50
   else (lr / (1 + 0.0005 * epoch)
))""",
    ),
    (60, 0.005, "lambda epoch, lr: lr * 0.9 if epoch > 5 else lr"),
    (60, 0.005, "lambda epoch, lr: lr * math.exp(-0.1) if epoch % 7 == 3 else lr * 1.01"),
]

cases = []
for name, epochs, arguments in CASES:
    formula = older_cosine if "alpha" in arguments else FORMULAS[name]
    rates = [formula(e, **arguments) for e in range(epochs)]
    cases.append({"callback": {name: arguments}, "before": 0.5, "rates": rates})
for epochs, before, text in LAMBDAS:
    schedule = eval(" ".join(text.split()), {"math": math})
    rates, rate = [], before
    for epoch in range(epochs):
        rate = schedule(epoch, rate)
        rates.append(rate)
    cases.append({"callback": {"LearningRateScheduler": {"schedule": text}}, "before": before, "rates": rates})

# The formula with logarithms is the same but where rounding moves a restart.
for name, epochs, arguments in CASES:
    if name == "LRCosineDecayRestarts" and arguments.get("t_mul", 2) > 1:
        exact = [restarts(e, **arguments) for e in range(epochs)]
        rounded = [restarts_by_logarithms(e, **arguments) for e in range(epochs)]
        moved = [e for e in range(epochs) if abs(exact[e] - rounded[e]) > 1e-12 * exact[e]]
        print(name, arguments, "moved by rounding:", moved)

with open(os.path.join(here, "schedules.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
