"""Writes optimizers.json: the arguments of Keras' optimizers and their defaults, from the signatures of their classes.

    python optimizers.py > optimizers.json
"""

import inspect
import json

import keras

NAMES = ["Adam", "SGD", "RMSprop", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion"]

arguments = {"keras": keras.__version__}
for name in NAMES:
    parameters = inspect.signature(getattr(keras.optimizers, name).__init__).parameters
    arguments[name] = {key: p.default for key, p in parameters.items() if key not in ("self", "kwargs")}
print(json.dumps(arguments, indent=1))
