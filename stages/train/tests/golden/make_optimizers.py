"""Twenty steps of every optimizer of Keras on given gradients.

Made with tensorflow 2.21 and keras 3.15:  python make_optimizers.py  (writes optimizers.json beside itself)
Two parameters start from `values`; a batch's gradients are a line of `gradients`, of both parameters side by side. The
learning rate falls to a half after ten batches. A case has the parameters after each batch, and `final`, their values
once the training has ended.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

here = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(11)
BATCHES, SIZES = 20, (6, 4)

# Small and large gradients, one that is always 0, one that comes only now and then.
scales = np.array([1, 0.1, 1e-3, 5, 0, 1, 0.5, 2, 1, 0.02])
gradients = (random.standard_normal((BATCHES, sum(SIZES))) * scales).astype("f4")
gradients[np.arange(BATCHES) % 4 != 1, 5] = 0
values = random.standard_normal(sum(SIZES)).astype("f4")

CASES = [
    ("SGD", {}),
    ("SGD", dict(momentum=0.9)),
    ("SGD", dict(momentum=0.9, nesterov=True)),
    ("SGD", dict(momentum=0.5, weight_decay=0.1, clipnorm=1.0)),
    ("RMSprop", {}),
    ("RMSprop", dict(momentum=0.8)),
    ("RMSprop", dict(centered=True, epsilon=1e-3)),
    ("RMSprop", dict(rho=0.7, momentum=0.5, centered=True, epsilon=1e-3, weight_decay=0.05)),
    ("Adam", {}),
    ("Adam", dict(beta_1=0.8, beta_2=0.95, epsilon=1e-3, amsgrad=True)),
    ("Adam", dict(weight_decay=0.1, clipvalue=0.4)),
    ("Adam", dict(global_clipnorm=2.0)),
    ("Adam", dict(clipnorm=0.3)),
    ("Adam", dict(use_ema=True)),
    ("Adam", dict(use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3)),
    ("Adam", dict(gradient_accumulation_steps=3)),
    ("Adam", dict(gradient_accumulation_steps=2, global_clipnorm=1.0, weight_decay=0.1)),
    ("Adam", dict(gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=3)),
    ("Adam", dict(loss_scale_factor=128.0)),
    ("SGD", dict(loss_scale_factor=3.0, clipnorm=1.0)),
    ("AdamW", {}),
    ("AdamW", dict(weight_decay=0.3, amsgrad=True)),
    ("Adagrad", {}),
    ("Adagrad", dict(initial_accumulator_value=0.0, epsilon=1e-3, weight_decay=0.1)),
    ("Adadelta", {}),
    ("Adadelta", dict(rho=0.8, epsilon=1e-2, weight_decay=0.1)),
    ("Adamax", {}),
    ("Adamax", dict(beta_1=0.8, beta_2=0.9, epsilon=1e-3, weight_decay=0.1)),
    ("Nadam", {}),
    ("Nadam", dict(beta_1=0.7, beta_2=0.9, epsilon=1e-3, gradient_accumulation_steps=2)),
    ("Ftrl", {}),
    ("Ftrl", dict(l1_regularization_strength=0.02, l2_regularization_strength=0.1, beta=0.2)),
    (
        "Ftrl",
        dict(learning_rate_power=-0.7, l2_shrinkage_regularization_strength=0.1, initial_accumulator_value=0.5),
    ),
    ("Lion", {}),
    ("Lion", dict(beta_1=0.7, beta_2=0.8, weight_decay=0.2)),
]


def numbers(array):
    return [float(f"{value:.9g}") for value in array]


cases = []
for name, arguments in CASES:
    rate = 0.5 if name == "Adadelta" else 0.01
    optimizer = getattr(keras.optimizers, name)(learning_rate=rate, **arguments)
    variables = [keras.Variable(part) for part in np.split(values, [SIZES[0]])]
    factor = arguments.get("loss_scale_factor", 1.0)
    after = []
    for batch in range(BATCHES):
        if batch == 10:
            optimizer.learning_rate = rate / 2
        parts = np.split(gradients[batch] * np.float32(factor), [SIZES[0]])
        optimizer.apply([tf.constant(part) for part in parts], variables)
        after.append(numbers(np.concatenate([variable.numpy() for variable in variables])))
    optimizer.finalize_variable_values(variables)
    final = numbers(np.concatenate([variable.numpy() for variable in variables]))
    cases.append({"optimizer": {name: {"learning_rate": rate, **arguments}}, "after": after, "final": final})

document = {"sizes": SIZES, "values": numbers(values), "gradients": [numbers(line) for line in gradients]}
with open(os.path.join(here, "optimizers.json"), "w") as file:
    cases = ",\n".join(json.dumps(case) for case in cases)
    file.write(json.dumps(document)[:-1] + ',\n"cases": [\n' + cases + "\n]}\n")
