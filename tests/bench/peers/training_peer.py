# SPDX-License-Identifier: GPL-3.0-or-later
"""Training steps of QKeras on TensorFlow, for the networks of app/cli/bench/networks.cpp.

    python training_peer.py NETWORK [--batch N] [--steps N] [--threads N] [--float] [--fit]

Prints one line of JSON: the median of the steps in milliseconds (wall time, and processor time of
all threads) and the seconds of the first step, which traces the graph. A step is one call of a
compiled function: forward, loss, gradients, Adam; it is fed with batches that are at hand already.
With --fit it is a step of Model.fit, as the users of QKeras train: shuffled data, constraints, metrics.
"""
import argparse
import json
import os
import statistics
import time

BATCHES = {"example-cnn": 64, "resnet8": 64, "ds-cnn": 64, "jet-mlp": 1024, "notebook": 64}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=BATCHES)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--float", action="store_true", help="without quantizers")
    parser.add_argument("--fit", action="store_true", help="steps of Model.fit")
    return parser.parse_args()


parsed = arguments()
# Thread counts and log level are read when TensorFlow is loaded.
os.environ["TF_NUM_INTRAOP_THREADS"] = str(parsed.threads)
os.environ["TF_NUM_INTEROP_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = str(parsed.threads)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import qkeras
import tensorflow as tf
from tensorflow import keras


class Layers:
    """Keras' layers, or QKeras' with 4 bits for weights and activations."""

    def __init__(self, is_float):
        self.is_float = is_float
        weight = "quantized_bits(4,0,1)"
        self.bias = {} if is_float else {"bias_quantizer": weight}
        self.kernel = {} if is_float else {"kernel_quantizer": weight, **self.bias}
        self.depth = {} if is_float else {"depthwise_quantizer": weight, **self.bias}

    def conv(self, filters, kernel, stride=1, padding="same"):
        kind = keras.layers.Conv2D if self.is_float else qkeras.QConv2D
        return kind(filters, kernel, strides=stride, padding=padding, **self.kernel)

    def depthwise(self):
        kind = keras.layers.DepthwiseConv2D if self.is_float else qkeras.QDepthwiseConv2D
        return kind((3, 3), padding="same", **self.depth)

    def dense(self, units):
        kind = keras.layers.Dense if self.is_float else qkeras.QDense
        return kind(units, **self.kernel)

    def relu(self):
        if self.is_float:
            return keras.layers.Activation("relu")
        return qkeras.QActivation("quantized_relu(4,0)")

    def normalized(self, x):
        return self.relu()(keras.layers.BatchNormalization()(x))


def example_cnn(make):
    x = inputs = keras.Input((28, 28, 1))
    for filters, kernel in ((32, 3), (64, 3), (64, 2)):
        x = make.relu()(make.conv(filters, kernel, 2, "valid")(x))
    x = make.dense(10)(keras.layers.Flatten()(x))
    return inputs, x


def resnet8(make):
    inputs = keras.Input((32, 32, 3))
    x = make.normalized(make.conv(16, 3)(inputs))
    for filters in (16, 32, 64):
        stride = 1 if filters == 16 else 2
        y = make.normalized(make.conv(filters, 3, stride)(x))
        y = keras.layers.BatchNormalization()(make.conv(filters, 3)(y))
        if stride != 1:
            x = make.conv(filters, 1, stride)(x)
        x = make.relu()(keras.layers.Add()([x, y]))
    x = keras.layers.AveragePooling2D(8)(x)
    return inputs, make.dense(10)(keras.layers.Flatten()(x))


def ds_cnn(make):
    inputs = keras.Input((49, 10, 1))
    x = keras.layers.Dropout(0.2)(make.normalized(make.conv(64, (10, 4), 2)(inputs)))
    for _ in range(4):
        x = make.normalized(make.depthwise()(x))
        x = make.normalized(make.conv(64, 1)(x))
    x = keras.layers.AveragePooling2D((25, 5))(keras.layers.Dropout(0.4)(x))
    return inputs, make.dense(12)(keras.layers.Flatten()(x))


def jet_mlp(make):
    x = inputs = keras.Input((16,))
    for units in (64, 32, 32):
        x = make.relu()(make.dense(units)(x))
    return inputs, make.dense(5)(x)


def notebook(make):
    x = inputs = keras.Input((7, 7, 1))
    for filters in (2, 3):
        x = make.relu()(make.conv(filters, 3, 1, "valid")(x))
    return inputs, make.dense(10)(keras.layers.Flatten()(x))


NETWORKS = {
    "example-cnn": example_cnn,
    "resnet8": resnet8,
    "ds-cnn": ds_cnn,
    "jet-mlp": jet_mlp,
    "notebook": notebook,
}


def training_step(model):
    """One step as a compiled function. Softmax and loss are one operation, as Keras does it."""
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(0.001)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(x, labels):
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = loss_of(labels, logits)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        hits = tf.equal(tf.argmax(logits, axis=1), labels)
        return loss, tf.reduce_mean(tf.cast(hits, tf.float32))

    return step


def compiled_steps(model, outputs, batch, count):
    """Seconds of the first step, wall and processor seconds of the others."""
    batches = []
    for _ in range(4):
        labels = tf.random.uniform((batch,), maxval=outputs.shape[-1], dtype=tf.int64)
        batches.append((tf.random.uniform((batch, *model.input_shape[1:])), labels))
    step = training_step(model)
    started = time.perf_counter()
    step(*batches[0])
    first = time.perf_counter() - started
    step(*batches[1])
    wall, processor = [], []
    for number in range(count):
        before, used = time.perf_counter(), time.process_time()
        loss, _ = step(*batches[number % len(batches)])
        loss.numpy()
        wall.append(time.perf_counter() - before)
        processor.append(time.process_time() - used)
    return first, wall, processor


class Clock(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.times = []

    def on_train_batch_end(self, batch, logs=None):
        self.times.append((time.perf_counter(), time.process_time()))


def fitted_steps(model, outputs, batch, count):
    """The same of Model.fit: from the end of one step to the end of the next."""
    import numpy

    random = numpy.random.default_rng(1)
    x = random.random((batch * (count + 2), *model.input_shape[1:]), dtype=numpy.float32)
    labels = random.integers(0, outputs.shape[-1], len(x))
    model.compile(
        keras.optimizers.Adam(0.001),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    clock = Clock()
    started = time.perf_counter()
    model.fit(x, labels, batch_size=batch, epochs=1, verbose=0, callbacks=[clock])
    first = clock.times[0][0] - started
    steps = list(zip(clock.times[1:], clock.times[2:]))
    return first, [b[0] - a[0] for a, b in steps], [b[1] - a[1] for a, b in steps]


def main():
    options = parsed
    batch = options.batch or BATCHES[options.network]
    tf.random.set_seed(1)
    inputs, outputs = NETWORKS[options.network](Layers(options.float))
    model = keras.Model(inputs, outputs)
    measured = fitted_steps if options.fit else compiled_steps
    first, wall, processor = measured(model, outputs, batch, options.steps)
    print(
        json.dumps(
            {
                "name": options.network,
                "batch": batch,
                "peer": "Keras" if options.float else "QKeras",
                "threads": options.threads,
                "step_ms": 1000 * statistics.median(wall),
                "step_cpu_ms": 1000 * statistics.median(processor),
                "first_step_s": first,
            }
        )
    )


if __name__ == "__main__":
    main()
