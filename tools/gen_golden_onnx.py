#!/usr/bin/env python3
"""Writes the golden ONNX files of tests/data/onnx: small networks with inputs and the outputs ONNX Runtime gives.

    bench/setup_peers.sh                        # once: makes bench/.venv
    bench/.venv/bin/python tools/gen_golden_onnx.py

Each case is a folder as `ocellus conformance` wants it. The cases are what the real files of the tests lack: operators of
old versions, shapes that are computed step by step, recurrences with weights, bytes, and weights in files of their own.
To add one, add a function with the decorator `case`; it gives nodes, initialisers, input shapes, outputs and the version.
"""
import pathlib
import sys
import zlib

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests/data/onnx"
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


class Net:
    """Nodes and initialisers as they come, with weights drawn from a generator seeded with the case's name."""

    def __init__(self, name, opset):
        self.name, self.opset = name, opset
        self.random = numpy.random.default_rng(zlib.crc32(name.encode()))
        self.nodes, self.weights, self.count = [], [], 0
        self.external = False

    def weight(self, *shape, scale=0.3, dtype=numpy.float32):
        return self.constant(self.random.standard_normal(shape).astype(numpy.float32).astype(dtype) * dtype(scale))

    def constant(self, value):
        self.count += 1
        self.weights.append(numpy_helper.from_array(numpy.asarray(value), f"w{self.count}"))
        return f"w{self.count}"

    def integers(self, *values):
        return self.constant(numpy.array(values, numpy.int64))

    def add(self, kind, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"{kind.lower()}{self.count}{'' if i == 0 else '_' + str(i)}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, f"/{kind.lower()}/{self.count}", **attributes))
        return names[0] if outputs == 1 else names


@case
def computed_shapes():
    """Views and expansions by shapes that PyTorch's exporter computes step by step, with an open batch."""
    net = Net("computed_shapes", 13)
    y = net.add("Conv", "x", net.weight(4, 2, 3, 3), net.weight(4), pads=[1, 1, 1, 1])
    shape = net.add("Shape", y)
    batch = net.add("Gather", shape, net.constant(numpy.int64(0)), axis=0)
    channels = net.add("Gather", shape, net.constant(numpy.int64(-3)), axis=0)
    groups = net.add("Div", channels, net.constant(numpy.int64(2)))
    parts = [net.add("Unsqueeze", v, net.integers(0)) for v in (batch, net.constant(numpy.int64(2)), groups)]
    rest = net.add("Slice", shape, net.integers(2), net.integers(2**63 - 1), net.integers(0))
    y = net.add("Reshape", y, net.add("Concat", *parts, rest, axis=0))
    y = net.add("Transpose", y, perm=[0, 2, 1, 3, 4])
    y = net.add("Reshape", y, net.add("Concat", net.add("Unsqueeze", batch, net.integers(0)), net.integers(-1), axis=0))
    return net, {"x": ["N", 2, 4, 5]}, [y]


@case
def versions_7():
    """Operators whose attributes later became inputs."""
    net = Net("versions_7", 7)
    y = net.add("BatchNormalization", "x", *(net.constant(numpy.float32([0.5, 1.5, 2.0])) for _ in range(4)), epsilon=1e-3)
    y = net.add("Upsample", y, scales=[1.0, 1.0, 2.0, 2.0], mode="nearest")
    y = net.add("Pad", y, pads=[0, 0, 1, 0, 0, 0, 0, 2], mode="reflect")
    y = net.add("Slice", y, starts=[1, 0], ends=[-1, 6], axes=[2, 3])
    a, b = net.add("Split", y, outputs=2, axis=1, split=[1, 2])
    y = net.add("Concat", b, a, axis=1)
    y = net.add("Clip", y, min=-0.5, max=1.0)
    y = net.add("ReduceMean", y, axes=[3], keepdims=0)
    return net, {"x": [2, 3, 4, 4]}, [net.add("Softmax", y, axis=1)]


@case
def versions_10():
    """Resizing as it was in version 10, a slice by steps, dropout that gives a mask nobody reads."""
    net = Net("versions_10", 10)
    y = net.add("Resize", "x", net.constant(numpy.float32([1, 1, 2, 3])), mode="nearest")
    y = net.add("Slice", y, net.integers(-1, 0), net.integers(-9, 100), net.integers(3, 2), net.integers(-2, 2))
    y = net.add("AveragePool", y, kernel_shape=[2, 2], strides=[2, 2], pads=[1, 0, 0, 1], count_include_pad=1)
    y = net.add("Dropout", y, outputs=2)[0]
    values, places = net.add("TopK", net.add("Flatten", y), net.integers(3), outputs=2, axis=1)
    return net, {"x": [2, 3, 4, 4]}, [values, places]


@case
def matrices():
    """Fully connected layers in the forms that they come in."""
    net = Net("matrices", 13)
    y = net.add("Gemm", "x", net.weight(5, 6), net.weight(5), transB=1)
    y = net.add("Relu", y)
    y = net.add("Gemm", y, net.weight(5, 4), net.weight(1, 4), alpha=0.5, beta=2.0)
    z = net.add("Reshape", y, net.integers(-1, 2, 2))
    z = net.add("Add", net.add("MatMul", z, net.weight(2, 3)), net.weight(3))
    return net, {"x": ["N", 6]}, [z, net.add("MatMul", y, net.weight(4, 4))]


@case
def transposed_convolutions():
    net = Net("transposed_convolutions", 11)
    y = net.add("ConvTranspose", "x", net.weight(4, 3, 3, 3), net.weight(6), group=2, strides=[2, 2], pads=[1, 1, 1, 1],
                output_padding=[1, 0])
    y = net.add("ConvTranspose", y, net.weight(6, 2, 3, 3), strides=[2, 3], auto_pad="SAME_UPPER")
    return net, {"x": ["N", 4, 3, 4]}, [net.add("PRelu", y, net.weight(2, 1, 1))]


@case
def recurrences():
    """Both kinds, both directions, with weights of the file."""
    net = Net("recurrences", 14)
    y, last, cell = net.add("LSTM", "x", net.weight(2, 12, 4), net.weight(2, 12, 3), net.weight(2, 24), outputs=3,
                            direction="bidirectional", hidden_size=3)
    y = net.add("Reshape", net.add("Transpose", y, perm=[0, 2, 1, 3]), net.integers(5, 2, 6))
    y, final = net.add("GRU", y, net.weight(1, 6, 6), net.weight(1, 6, 2), net.weight(1, 12), outputs=2, hidden_size=2,
                       linear_before_reset=1, direction="reverse")
    return net, {"x": [5, 2, 4]}, [y, last, cell, final]


@case
def normalisations():
    net = Net("normalisations", 18)
    y = net.add("InstanceNormalization", "x", net.weight(4), net.weight(4))
    y = net.add("GroupNormalization", y, net.weight(2), net.weight(2), num_groups=2, epsilon=1e-3)
    y = net.add("LRN", y, size=3, alpha=0.1, beta=0.5)
    y = net.add("LayerNormalization", y, net.weight(5), net.weight(5))
    return net, {"x": ["N", 4, 3, 5]}, [net.add("LpNormalization", y, axis=1)]


@case
def resizes():
    net = Net("resizes", 13)
    y = net.add("Resize", "x", "", net.constant(numpy.float32([1, 1, 2, 2])), mode="linear",
                coordinate_transformation_mode="pytorch_half_pixel")
    z = net.add("Resize", y, "", "", net.integers(1, 2, 5, 9), mode="linear", coordinate_transformation_mode="align_corners")
    z = net.add("DepthToSpace", net.add("Conv", z, net.weight(8, 2, 1, 1)), blocksize=2, mode="CRD")
    return net, {"x": [1, 2, 3, 4]}, [z]


@case
def bytes_by_operators():
    """A quantised network in the form of operators on bytes."""
    net = Net("bytes_by_operators", 12)

    def q(scale, zero, dtype=numpy.uint8):
        return net.constant(numpy.float32(scale)), net.constant(dtype(zero))

    x, y, z = q(0.02, 113), q(0.05, 131), q(0.1, 7)
    w = net.constant(numpy.float32([0.01, 0.03, 0.02])), net.constant(numpy.int8([0, 0, 0]))
    b = net.add("QuantizeLinear", "x", *x)
    kernel = net.constant(net.random.integers(-127, 128, (3, 2, 3, 3)).astype(numpy.int8))
    bias = net.constant(net.random.integers(-500, 500, 3).astype(numpy.int32))
    b = net.add("QLinearConv", b, *x, kernel, *w, *y, bias, pads=[1, 1, 1, 1])
    b = net.add("MaxPool", b, kernel_shape=[2, 2], strides=[2, 2])
    b = net.add("Reshape", b, net.integers(2, 12))
    matrix = net.constant(net.random.integers(0, 256, (12, 5)).astype(numpy.uint8))
    b = net.add("QLinearMatMul", b, *y, matrix, *q(0.01, 120), *z)
    return net, {"x": [2, 2, 4, 4]}, [net.add("DequantizeLinear", b, *z)]


@case
def bytes_by_pairs():
    """The same kind of network with real operators between pairs of QuantizeLinear and DequantizeLinear."""
    net = Net("bytes_by_pairs", 13)

    def pair(value, scale, zero):
        scale, zero = net.constant(numpy.float32(scale)), net.constant(numpy.uint8(zero))
        return net.add("DequantizeLinear", net.add("QuantizeLinear", value, scale, zero), scale, zero)

    kernel = net.constant(net.random.integers(-127, 128, (3, 2, 3, 3)).astype(numpy.int8))
    kernel = net.add("DequantizeLinear", kernel, net.constant(numpy.float32([0.01, 0.02, 0.03])),
                     net.constant(numpy.int8([0, 0, 0])), axis=0)
    y = net.add("Conv", pair("x", 0.03, 128), kernel, net.weight(3))
    return net, {"x": ["N", 2, 4, 4]}, [pair(net.add("Relu", y), 0.02, 0)]


@case
def external_weights():
    net = Net("external_weights", 17)
    net.external = True
    y = net.add("Conv", "x", net.weight(8, 3, 3, 3), net.weight(8))
    y = net.add("GlobalAveragePool", net.add("HardSwish", y))
    return net, {"x": ["N", 3, 6, 6]}, [net.add("Gemm", net.add("Flatten", y), net.weight(8, 4), net.weight(4))]


@case
def half_precision():
    """Weights and inputs of 16 bits: they are computed with in 32."""
    net = Net("half_precision", 13)
    y = net.add("Conv", "x", net.weight(4, 2, 3, 3, dtype=numpy.float16), net.weight(4, dtype=numpy.float16))
    return net, {"x": [2, 2, 5, 5]}, [net.add("LeakyRelu", y, alpha=0.1)]


def write(name, net, inputs, outputs):
    half = name == "half_precision"
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    graph = helper.make_graph(
        net.nodes, name,
        [helper.make_tensor_value_info(n, kind, s) for n, s in inputs.items()],
        [helper.make_empty_tensor_value_info(o) for o in outputs], net.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_operatorsetid("", net.opset)], ir_version=8)
    folder = FOLDER / name
    data = folder / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    dtype = numpy.float16 if half else numpy.float32
    fed = {n: net.random.standard_normal([2 if d == "N" else d for d in s]).astype(dtype) for n, s in inputs.items()}
    for i, value in enumerate(fed.values()):
        (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(value).SerializeToString())
    for i, value in enumerate(session.run(outputs, fed)):
        (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(value).SerializeToString())
    if net.external:
        (folder / "weights.bin").unlink(missing_ok=True)
        onnx.save(model, folder / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=16)
    else:
        onnx.save(model, folder / "model.onnx")


def main():
    for name, function in CASES.items():
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        net, inputs, outputs = function()
        write(name, net, inputs, outputs)
        print(name)


if __name__ == "__main__":
    main()
