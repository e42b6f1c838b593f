# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes float and int8 TFLite files of Keras networks: convert_peer.py FOLDER

Reads every NAME.h5 of the folder that `bitscape-cli bench --networks FOLDER` wrote (the quantized ones
left out) and writes NAME-float.tflite and NAME-int8.tflite beside it.
"""
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf


def samples(model):
    rng = np.random.default_rng(1)
    for _ in range(20):
        yield [rng.random((1, *model.input_shape[1:]), dtype=np.float32)]


for path in sorted(Path(sys.argv[1]).glob("*.h5")):
    if path.stem.endswith("-4bit"):
        continue
    model = tf.keras.models.load_model(path, compile=False)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    path.with_name(path.stem + "-float.tflite").write_bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda model=model: samples(model)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    path.with_name(path.stem + "-int8.tflite").write_bytes(converter.convert())
