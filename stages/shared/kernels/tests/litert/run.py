"""Runs every NAME.tflite of a folder with LiteRT's reference kernels on NAME.in and writes NAME.out (raw bytes)."""

import pathlib
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

models = sorted(pathlib.Path(sys.argv[1]).glob("*.tflite"))
for model in models:
    interpreter = Interpreter(str(model), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    tensor = interpreter.get_input_details()[0]
    image = np.fromfile(model.with_suffix(".in"), tensor["dtype"]).reshape(tensor["shape"])
    interpreter.set_tensor(tensor["index"], image)
    interpreter.invoke()
    interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tofile(model.with_suffix(".out"))
print("models run:", len(models))
