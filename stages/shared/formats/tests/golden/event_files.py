"""Writes events.out.tfevents.golden: what TensorFlow 2.21 and its protocol buffers make of four scalars.

Run as `python event_files.py` from this folder. With a file as argument it prints what TensorBoard reads there instead:
tag, step and value (hexadecimal float32 bits), one scalar a line.
"""

import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util


def read(path):
    events = EventAccumulator(path, size_guidance={"tensors": 0})
    events.Reload()
    for tag in sorted(events.Tags()["tensors"]):
        for event in events.Tensors(tag):
            assert event.wall_time == event.step, event
            value = tensor_util.make_ndarray(event.tensor_proto)
            assert value.shape == () and events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"
            print(tag, event.step, struct.pack(">f", value).hex())


def write():
    import tensorflow as tf
    from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2

    scalars = [("epoch_loss", 0, 1.25), ("epoch_accuracy", 0, 0.1), ("epoch_loss", 1, float("nan")),
               ("epoch_loss", 300, -3.5e-7)]
    with tf.io.TFRecordWriter("events.out.tfevents.golden") as file:
        file.write(event_pb2.Event(file_version="brain.Event:2").SerializeToString())
        for tag, step, value in scalars:
            tensor = tensor_pb2.TensorProto(dtype=1, tensor_shape=tensor_shape_pb2.TensorShapeProto(),
                                            tensor_content=struct.pack("<f", value))
            metadata = summary_pb2.SummaryMetadata(
                plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="scalars"))
            summary = summary_pb2.Summary(
                value=[summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)])
            event = event_pb2.Event(wall_time=float(step), step=step, summary=summary)
            file.write(event.SerializeToString())


read(sys.argv[1]) if len(sys.argv) > 1 else write()
