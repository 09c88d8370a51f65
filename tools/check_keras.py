#!/usr/bin/env python3
"""check_keras.py OCELLUS: networks that Keras makes, read by ocellus, and networks of the zoo, read by Keras.

Every case is saved as .keras and .h5 by real Keras with random weights, and both programs must give the same answers. With
--export NAME... the zoo's networks are written by `ocellus convert` and must give the same in Keras. Needs Keras with any of its
backends, and NumPy.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import keras
from keras import layers as L

TOLERANCE = 1e-4


def plain():
    x = L.Input((17, 15, 3))
    y = L.Conv2D(8, 3, strides=2, padding="same", activation="swish")(x)
    y = L.DepthwiseConv2D((3, 5), depth_multiplier=2, padding="same")(y)
    y = L.SeparableConv2D(12, 3, depth_multiplier=2, activation="relu6")(y)
    y = L.BatchNormalization(epsilon=0.01)(y)
    y = L.MaxPooling2D(3, 2, padding="same")(y)
    y = L.Flatten()(y)
    y = L.Dropout(0.3)(y)
    y = L.Dense(10, activation="softmax")(y)
    return keras.Model(x, y)


def branches():
    x = L.Input((16, 12, 4))
    a = L.Conv2D(6, (3, 2), dilation_rate=2, padding="same", activation="gelu")(x)
    b = L.Conv2DTranspose(6, 3, strides=2, padding="same")(L.AveragePooling2D(2, padding="same")(x))
    c = L.Concatenate()([a, b, x])
    d = L.Conv2D(16, 1, use_bias=False)(c)
    gate = L.Dense(16, activation="sigmoid")(L.GlobalAveragePooling2D()(d))
    d = L.Multiply()([d, L.Reshape((1, 1, 16))(gate)])
    d = L.Subtract()([d, L.Conv2D(16, 3, padding="same", groups=4)(d)])
    d = L.LayerNormalization()(L.LeakyReLU(negative_slope=0.2)(d))
    d = L.UpSampling2D(2, interpolation="bilinear")(L.Cropping2D(((1, 2), (0, 1)))(L.ZeroPadding2D((2, 1))(d)))
    return keras.Model(x, [L.Conv2D(3, 1, activation="tanh")(d), L.GlobalMaxPooling2D()(d)][1])


def odd_orders():
    x = L.Input((6, 5, 4))
    y = L.Permute((3, 1, 2))(L.Conv2D(8, 2)(x))
    y = L.Conv2D(4, 2)(y)
    y = L.Reshape((7, -1))(y)
    y = L.Dense(5, activation="elu")(y)
    y = L.Flatten()(y)
    y = L.BatchNormalization()(y)
    return keras.Model(x, L.Dense(3)(y))


def normalised_flat():
    x = L.Input((6, 5, 4))
    y = L.Flatten()(L.Conv2D(8, 2)(x))
    y = L.BatchNormalization()(y)
    y = L.PReLU()(L.Dense(9)(y))
    return keras.Model(x, L.Concatenate()([y, L.Flatten()(x)]))


def sequence():
    x = L.Input((12, 5))
    y = L.Conv1D(8, 3, padding="causal", activation="relu")(x)
    y = L.MaxPooling1D(2)(y)
    y = L.Bidirectional(L.LSTM(6, return_sequences=True))(y)
    y = L.TimeDistributed(L.Dense(7, activation="silu"))(y)
    y = L.GRU(5)(y)
    return keras.Model(x, L.Dense(2)(y))


def old_gates():
    x = L.Input((7, 3))
    return keras.Model(x, L.GRU(4, reset_after=False, return_sequences=True)(L.SpatialDropout1D(0.1)(x)))


def nested():
    inner = keras.Sequential([L.Input((8, 8, 3)), L.Conv2D(4, 3, name="c"), L.BatchNormalization(), L.ReLU(max_value=6)], name="trunk")
    deeper = keras.Sequential([L.Input((8, 8, 3)), inner, L.Conv2D(2, 1, name="c")], name="outer")
    x, z = L.Input((8, 8, 3)), L.Input((8, 8, 3))
    y = L.Average()([deeper(x), deeper(z)])
    return keras.Model([x, z], L.Dense(4)(L.Flatten()(y)))


def volume():
    x = L.Input((6, 6, 5, 2))
    y = L.Conv3D(4, 3, padding="same", activation="hard_sigmoid")(x)
    y = L.GroupNormalization(groups=2)(L.MaxPooling3D(2)(y))
    return keras.Model(x, L.GlobalAveragePooling3D()(L.UpSampling3D(2)(y)))


def sequential():
    return keras.Sequential([L.Input((10, 10, 1)), L.Rescaling(1 / 127.5, -1), L.Conv2D(4, 3, activation="relu"), L.MaxPooling2D(),
                             L.Flatten(), L.Dense(8, activation="mish"), L.Dense(3, activation="softmax")])


def functions():
    x = L.Input((9,))
    all_of_them = "relu leaky_relu relu6 elu selu sigmoid hard_sigmoid tanh hard_tanh softplus softsign silu hard_silu mish gelu exponential softmax log_softmax"
    return keras.Model(x, L.Concatenate()([L.Dense(4, activation=name)(x) for name in all_of_them.split()]))


def shared():
    x = L.Input((8, 6, 3))
    conv, dense = L.Conv2D(3, 3, padding="same", activation="softmax"), L.Dense(4)
    y = conv(conv(x))
    return keras.Model(x, L.Add()([dense(L.Flatten()(y)), dense(L.Flatten()(x))]))


def position_norms():
    x = L.Input((6, 5, 4))
    y = L.LayerNormalization(axis=[1, 2, 3])(x)
    y = L.UnitNormalization()(L.PReLU(shared_axes=[1, 2])(y))
    return keras.Model(x, L.Flatten()(L.SeparableConv2D(3, 3, use_bias=False)(y)))


CASES = [plain, branches, odd_orders, normalised_flat, sequence, old_gates, nested, volume, sequential, functions, shared, position_norms]


def channels_first(a):
    return np.ascontiguousarray(np.moveaxis(a, -1, 1)) if a.ndim > 2 else a


def input_names(model):
    return [t._keras_history.operation.name for t in model.inputs]


def randomise(model, rng):
    for v in model.weights:
        value = rng.normal(0, 0.3, v.shape)
        v.assign(np.abs(value) + 0.5 if "variance" in v.path else value)


def run(ocellus, arguments):
    result = subprocess.run([ocellus] + arguments, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{' '.join(arguments[:1])}: {result.stderr.strip()}")


def answers(ocellus, file, inputs, names, folder, sequence_first):
    arguments = ["predict", str(file), "--algorithms", "exact", "--output", f"{folder}/y.npy"]
    for name, x in zip(names, inputs):
        np.save(f"{folder}/{name}.npy", channels_first(x) if x.ndim > 3 or sequence_first else x)
        arguments += ["--input", f"{name}={folder}/{name}.npy"]
    run(ocellus, arguments)
    return np.load(f"{folder}/y.npy")


def check_import(ocellus, case, folder):
    rng = np.random.default_rng(1)
    keras.backend.clear_session()
    model = case()
    randomise(model, rng)
    inputs = [rng.normal(0, 1, (3,) + t.shape[1:]).astype("float32") for t in model.inputs]
    expected = np.asarray(model(inputs if len(inputs) > 1 else inputs[0]))
    first = next(layer for layer in model.layers if not isinstance(layer, L.InputLayer))
    sequence_first = isinstance(first, L.Conv1D)
    problems = []
    for ending in ("keras", "h5"):
        file = f"{folder}/{case.__name__}.{ending}"
        model.save(file)
        try:
            got = answers(ocellus, file, inputs, input_names(model), folder, sequence_first)
        except RuntimeError as error:
            problems.append(f"{case.__name__}.{ending}: {error}")
            continue
        wanted = channels_first(expected) if got.shape != expected.shape else expected
        difference = np.abs(got - wanted).max() if got.shape == wanted.shape else got.shape
        print(f"{case.__name__ + '.' + ending:28} {difference}")
        if not (np.isscalar(difference) and difference <= TOLERANCE * max(1, np.abs(wanted).max())):
            problems.append(f"{case.__name__}.{ending}: differs by {difference}")
    return problems


def check_export(ocellus, network, folder):
    problems = []
    for ending in ("keras", "h5"):
        name = pathlib.Path(network).name
        file = f"{folder}/{name}.{ending}"
        try:
            run(ocellus, ["convert", network, file])
            model = keras.models.load_model(file, compile=False)
            x = np.random.default_rng(1).normal(0, 1, (2,) + model.input_shape[1:]).astype("float32")
            expected = np.asarray(model(x))
            got = answers(ocellus, network if pathlib.Path(network).exists() else file, [x], input_names(model), folder,
                          False)
        except (RuntimeError, ValueError, TypeError) as error:
            problems.append(f"{name}.{ending}: {error}")
            continue
        wanted = channels_first(expected) if got.shape != expected.shape else expected
        difference = np.abs(got - wanted).max() / max(1, np.abs(wanted).max())
        print(f"{name + '.' + ending:28} {difference}")
        if not difference <= 1e-5:
            problems.append(f"{name}.{ending}: differs by {difference}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ocellus", help="the program")
    parser.add_argument("--export", nargs="*", help="networks of the zoo, or model files, to write and load in Keras instead")
    parser.add_argument("--case", help="one case alone")
    arguments = parser.parse_args()
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        if arguments.export is not None:
            for network in arguments.export:
                problems += check_export(arguments.ocellus, network, folder)
        else:
            for case in CASES:
                if not arguments.case or case.__name__ == arguments.case:
                    problems += check_import(arguments.ocellus, case, folder)
    print("\n".join(problems) if problems else "all as Keras has it")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
