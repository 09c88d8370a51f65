"""The networks of the comparison as ONNX models, with random weights."""

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


class Builder:
    """A chain of nodes; each call appends one and makes its output the next one's input."""

    def __init__(self, seed=1):
        self.random = numpy.random.default_rng(seed)
        self.nodes, self.weights, self.last = [], [], "input"

    def node(self, kind, weights=(), **attributes):
        names = [self.weight(shape) for shape in weights]
        output = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.last, *names], [output], **attributes))
        self.last = output

    def weight(self, shape):
        fan_in = numpy.prod(shape[1:]) if len(shape) > 1 else 100
        values = self.random.normal(0, fan_in ** -0.5, shape).astype(numpy.float32)
        self.weights.append(numpy_helper.from_array(values, f"weight{len(self.weights)}"))
        return self.weights[-1].name

    def conv(self, channels_in, channels, kernel, pad):
        self.node("Conv", [(channels, channels_in, kernel, kernel), (channels,)], pads=[pad] * 4)

    def dense(self, units_in, units):
        self.node("Gemm", [(units, units_in), (units,)], transB=1)

    def model(self, input_shape, classes):
        tensor = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes, "network", [tensor("input", TensorProto.FLOAT, input_shape)],
            [tensor(self.last, TensorProto.FLOAT, [input_shape[0], classes])], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model


def lenet5(batch):
    net = Builder()
    net.conv(1, 6, 5, pad=2)
    net.node("Relu")
    net.node("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    net.conv(6, 16, 5, pad=0)
    net.node("Relu")
    net.node("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    net.node("Flatten")
    net.dense(400, 120)
    net.node("Relu")
    net.dense(120, 84)
    net.node("Relu")
    net.dense(84, 10)
    net.node("Softmax")
    return net.model([batch, 1, 28, 28], 10)


NETWORKS = {"lenet5": lenet5}
