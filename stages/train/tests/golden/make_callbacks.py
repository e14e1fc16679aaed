"""What EarlyStopping and ReduceLROnPlateau of Keras make of given metrics.

Made with keras 3.15:  python make_callbacks.py  (writes callbacks.json beside itself)
A case has the arguments, the monitored metric of each epoch (null is no number) and for each epoch that was run the
learning rate after it and whether the training ends; `restored` is the epoch whose weights the training ends with, where
that is not the last one.
"""

import json
import math
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(5)


class Model:
    """As much of a model as a callback looks at; its weights are the number of the epoch."""

    def __init__(self, rate):
        self.optimizer = keras.optimizers.SGD(learning_rate=rate)
        self.metrics = []
        self.stop_training = False
        self.weights = None
        self.restored = None

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.restored = weights


def metrics(kind):
    """Fifty epochs: falling with noise, flat, a fall after a long plateau, with no numbers in between, or rising."""
    e = np.arange(50)
    noise = random.standard_normal(50)
    curve = {
        "falling": np.exp(-e / 12) + 0.05 * noise,
        "flat": 0.5 + 0.001 * noise,
        "late": np.where(e < 25, 0.7, 0.2) + 0.01 * noise,
        "broken": np.where(e % 6 == 2, np.nan, np.exp(-e / 15) + 0.03 * noise),
        "broken at first": np.where(e == 0, np.nan, np.exp(-e / 15)),
        "rising": 1 - np.exp(-e / 10) + 0.03 * noise,
    }[kind]
    return [float(f"{v:.7g}") for v in curve]


STOPPING = [
    ("falling", {}),
    ("falling", dict(patience=3)),
    ("falling", dict(patience=3, restore_best_weights=True)),
    ("falling", dict(patience=8, min_delta=0.05, restore_best_weights=True)),
    ("falling", dict(patience=5, start_from_epoch=12, restore_best_weights=True)),
    ("falling", dict(patience=60, restore_best_weights=True)),
    ("flat", dict(patience=4, min_delta=0.01, restore_best_weights=True)),
    ("flat", dict(patience=1)),
    ("late", dict(patience=10, baseline=0.5, restore_best_weights=True)),
    ("late", dict(patience=30, baseline=0.5)),
    ("late", dict(patience=5, baseline=0.1, restore_best_weights=True)),
    ("broken", dict(patience=4, restore_best_weights=True)),
    ("broken at first", dict(patience=4, restore_best_weights=True)),
    ("rising", dict(patience=6, mode="max", monitor="val_accuracy", restore_best_weights=True)),
    ("rising", dict(patience=2, mode="max", monitor="val_accuracy", min_delta=0.02)),
    ("rising", dict(patience=3, mode="min", monitor="val_accuracy", restore_best_weights=True)),
    ("falling", dict(patience=3, monitor="loss")),
]

PLATEAU = [
    ("falling", dict(patience=3)),
    ("falling", dict(patience=1, factor=0.5)),
    ("falling", dict(patience=2, factor=0.5, cooldown=4)),
    ("falling", dict(patience=2, factor=0.7, min_delta=0.05)),
    ("flat", dict(patience=2, factor=0.1, min_lr=1e-5)),
    ("flat", dict(patience=2, factor=0.3, min_lr=1e-4, cooldown=1)),
    ("flat", dict(patience=0, factor=0.9)),
    ("flat", {}),
    ("late", dict(patience=6, factor=0.5, cooldown=2)),
    ("broken", dict(patience=3, factor=0.5)),
    ("broken at first", dict(patience=3, factor=0.5)),
    ("rising", dict(patience=2, factor=0.5, mode="max", monitor="val_accuracy")),
    ("rising", dict(patience=2, factor=0.5, mode="min", monitor="val_accuracy", min_lr=0.001)),
]


def run(name, kind, arguments):
    rate = 0.01
    model, callback = Model(rate), getattr(keras.callbacks, name)(**arguments)
    callback.set_model(model)
    values = metrics(kind)
    callback.on_train_begin()
    epochs = []
    for epoch, value in enumerate(values):
        model.weights = epoch
        callback.on_epoch_end(epoch, {arguments.get("monitor", "val_loss"): value})
        epochs.append([float(model.optimizer.learning_rate.numpy()), model.stop_training])
        if model.stop_training:
            break
    callback.on_train_end()
    return {
        "callback": {name: arguments},
        "before": rate,
        "metrics": [None if math.isnan(value) else value for value in values],
        "epochs": epochs,
        "restored": model.restored,
    }


cases = [run("EarlyStopping", *case) for case in STOPPING]
cases += [run("ReduceLROnPlateau", *case) for case in PLATEAU]
for case in cases:
    print(case["callback"], len(case["epochs"]), case["epochs"][-1], case["restored"])
with open(os.path.join(here, "callbacks.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
