"""Runs two .tflite files with LiteRT's reference kernels on the same seeded inputs; fails unless all bits agree."""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

outputs = []
for path in sys.argv[1:]:
    interpreter = Interpreter(path, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    (signature,) = interpreter.get_signature_list().values()
    assert len(signature["inputs"]) == 1 and len(signature["outputs"]) == 1, signature
    tensor = interpreter.get_input_details()[0]
    random = np.random.default_rng(120)
    results = []
    for _ in range(2):
        if tensor["dtype"] == np.float32:
            image = random.uniform(-1, 1, tensor["shape"]).astype(np.float32)
        else:
            info = np.iinfo(tensor["dtype"])
            image = random.integers(info.min, info.max + 1, tensor["shape"]).astype(tensor["dtype"])
        interpreter.set_tensor(tensor["index"], image)
        interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    outputs.append((tensor["name"], np.stack(results)))
assert outputs[0][0] == outputs[1][0], [name for name, _ in outputs]
assert outputs[0][1].dtype == outputs[1][1].dtype
assert np.array_equal(outputs[0][1], outputs[1][1]), np.abs(outputs[0][1].astype(float) - outputs[1][1]).max()
print("outputs equal:", outputs[0][1].shape)
