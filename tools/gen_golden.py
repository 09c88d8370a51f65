#!/usr/bin/env python3
"""Writes the golden files of tests/data/golden: operators with inputs, outputs and gradients as PyTorch computes them.

    bench/setup_peers.sh                                # once: makes bench/.venv
    bench/.venv/bin/python tools/gen_golden.py          # writes all files anew
    bench/.venv/bin/python tools/gen_golden.py --check  # only says whether they are still what PyTorch computes

Each tensor is one little .npy file, <case>.<tensor>.npy. manifest.json lists the cases:

    {"name": "conv_strided", "op": "conv", "attrs": {"stride": [2, 3], ...},
     "inputs": {"x": "conv_strided.x.npy", ...}, "outputs": {"y": ..., "dx": ..., "dw": ...}}

`op` and `attrs` are named as ocellus names them. A tensor named d<t> is the gradient with respect to <t>. Where the
output is no scalar, its own gradient is an input, `dy`; a loss is differentiated as it is.

Inputs are random 32-bit floats drawn from a generator seeded with the case's name, so a new case changes no other.
Everything is computed in double precision and only then rounded to 32 bits, so how far a result is from a file is
that result's error alone. What an operator needs to know beyond its own attributes is among `attrs` too: `training`.

To add a case, add a line to a function below, or a function with the decorator `family`; it yields Case objects.
"""

import argparse
import importlib.util
import json
import pathlib
import sys
import zlib
from dataclasses import dataclass, field

import numpy
import torch
from torch.nn import functional

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests/data/golden"
MOST_BYTES = 50_000  # of one file
FAMILIES = []


@dataclass
class Case:
    name: str
    op: str
    attrs: dict
    inputs: dict = field(default_factory=dict)
    outputs: dict = field(default_factory=dict)


def family(function):
    FAMILIES.append(function)
    return function


class Draw:
    """Random inputs of one case; floats are doubles that a 32-bit float holds exactly."""

    def __init__(self, name):
        self.random = numpy.random.default_rng(zlib.crc32(name.encode()))

    def normal(self, *shape, scale=1.0, mean=0.0):
        values = self.random.normal(mean, scale, shape).astype(numpy.float32)
        return torch.from_numpy(values.astype(numpy.float64))

    def uniform(self, *shape, low=0.0, high=1.0):
        values = self.random.uniform(low, high, shape).astype(numpy.float32)
        return torch.from_numpy(values.astype(numpy.float64))

    def whole(self, low, high, *shape):
        return torch.from_numpy(self.random.integers(low, high, shape))


def differentiate(case, wrt, y, outputs=None):
    """Adds the gradients of y with respect to the named inputs; `dy` is one of the inputs unless y is a scalar."""
    tensors = [case.inputs[name] for name in wrt]
    gradients = torch.autograd.grad(y, tensors, case.inputs.get("dy"))
    case.outputs |= (outputs or {"y": y}) | {f"d{name}": g for name, g in zip(wrt, gradients)}
    return case


def tracked(**tensors):
    return {name: t.requires_grad_() for name, t in tensors.items()}


def sides(pads):
    """((begin, end), ...) of the spatial dimensions, in order, as torch.nn.functional.pad wants them: last first."""
    return [n for pair in reversed(pads) for n in pair]


def window(stride, dilation, pads):
    return {"stride": list(stride), "dilation": list(dilation), "padding": "explicit",
            "pad_begin": [begin for begin, _ in pads], "pad_end": [end for _, end in pads]}


@family
def convolutions():
    yield conv("conv_plain", (2, 3, 7, 6), (4, 3, 3, 3))
    yield conv("conv_5x5_same", (1, 1, 8, 8), (6, 1, 5, 5), pads=((2, 2), (2, 2)))
    yield conv("conv_strided", (2, 3, 9, 8), (5, 3, 3, 2), stride=(2, 3), pads=((1, 1), (0, 0)))
    yield conv("conv_dilated", (1, 4, 11, 9), (3, 4, 3, 3), dilation=(3, 2), pads=((2, 2), (1, 1)))
    yield conv("conv_asymmetric", (2, 2, 6, 7), (3, 2, 4, 2), stride=(2, 2), pads=((2, 1), (0, 3)))
    yield conv("conv_groups", (2, 6, 6, 5), (9, 2, 3, 3), groups=3, pads=((1, 1), (1, 1)))
    yield conv("conv_depthwise", (1, 5, 8, 8), (5, 1, 3, 3), groups=5, stride=(2, 2), pads=((0, 1), (0, 1)))
    yield conv("conv_1x1_strided", (2, 8, 7, 7), (4, 8, 1, 1), stride=(2, 2), bias=False)
    yield conv("conv_winograd_shape", (1, 16, 13, 10), (32, 16, 3, 3), pads=((1, 1), (1, 1)))
    yield conv("conv_1d", (2, 3, 15), (4, 3, 5), stride=(2,), dilation=(2,), pads=((3, 1),))
    yield conv("conv_3d", (1, 2, 5, 6, 4), (3, 2, 2, 3, 3), stride=(1, 2, 1), pads=((1, 0), (1, 1), (0, 2)))
    yield conv("conv_all_at_once", (2, 4, 10, 9), (6, 2, 3, 2), stride=(2, 1), dilation=(2, 3), groups=2,
               pads=((1, 3), (2, 0)), bias=False)


def conv(name, x, w, stride=None, dilation=None, pads=None, groups=1, bias=True):
    rank = len(x) - 2
    stride, dilation, pads = stride or (1,) * rank, dilation or (1,) * rank, pads or ((0, 0),) * rank
    draw = Draw(name)
    tensors = tracked(x=draw.normal(*x), w=draw.normal(*w, scale=0.5))
    if bias:
        tensors |= tracked(b=draw.normal(w[0]))
    convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[rank - 1]
    y = convolve(functional.pad(tensors["x"], sides(pads)), tensors["w"], tensors.get("b"), stride, 0, dilation, groups)
    case = Case(name, "conv", window(stride, dilation, pads) | {"groups": groups, "bias": bias})
    case.inputs = tensors | {"dy": draw.normal(*y.shape)}
    return differentiate(case, tensors, y)


@family
def transposed_convolutions():
    """Each is the gradient of a convolution's input, `input` being the sizes that PyTorch gives its result."""
    yield transposed("plain", (2, 3, 4, 5), (3, 4, 3, 3))
    yield transposed("strided", (2, 4, 4, 3), (4, 3, 4, 2), stride=(2, 3), pad=(1, 0))
    yield transposed("output_padding", (1, 3, 5, 4), (3, 2, 3, 3), stride=(2, 3), pad=(1, 1), more=(1, 2))
    yield transposed("dilated_groups", (2, 6, 4, 3), (6, 2, 3, 2), stride=(2, 1), dilation=(2, 3), groups=3)
    yield transposed("1d", (2, 3, 7), (3, 4, 5), stride=(3,), pad=(2,), more=(1,))
    yield transposed("3d", (1, 3, 2, 3, 4), (3, 2, 2, 3, 3), stride=(1, 2, 2), pad=(0, 1, 0))


def transposed(suffix, x, w, stride=None, dilation=None, pad=None, more=None, groups=1):
    rank = len(x) - 2
    stride, dilation = stride or (1,) * rank, dilation or (1,) * rank
    pad, more = pad or (0,) * rank, more or (0,) * rank
    name = f"conv_transpose_{suffix}"
    draw = Draw(name)
    tensors = tracked(x=draw.normal(*x), w=draw.normal(*w, scale=0.5))
    convolve = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)[rank - 1]
    y = convolve(*tensors.values(), None, stride, pad, more, groups, dilation)
    attrs = window(stride, dilation, [(p, p) for p in pad]) | {"groups": groups, "input": list(y.shape[2:])}
    case = Case(name, "conv_backward_data", attrs, tensors | {"dy": draw.normal(*y.shape)})
    return differentiate(case, tensors, y)


@family
def pads():
    yield pad("reflect", (2, 2, 4, 5), ((1, 2), (3, 0)))
    yield pad("replicate", (2, 2, 4, 5), ((1, 2), (6, 0)))
    yield pad("reflect", (1, 3, 6), ((5, 2),))
    yield pad("replicate", (1, 2, 2, 3, 4), ((2, 1), (0, 2), (1, 1)))


def pad(mode, x, pads):
    name = f"pad_{mode}_{len(pads)}d"
    draw = Draw(name)
    tensors = tracked(x=draw.normal(*x))
    y = functional.pad(tensors["x"], sides(pads), mode)
    attrs = {"before": [0, 0] + [begin for begin, _ in pads], "after": [0, 0] + [end for _, end in pads], "mode": mode}
    return differentiate(Case(name, "pad", attrs, tensors | {"dy": draw.normal(*y.shape)}), ["x"], y)


@family
def adaptive_pools():
    for kind in ("average", "max"):
        yield adaptive_pool(kind, "1d", (2, 3, 10), (4,))
        yield adaptive_pool(kind, "even", (1, 3, 6, 8), (3, 2))
        yield adaptive_pool(kind, "uneven", (2, 2, 7, 5), (3, 4))
        yield adaptive_pool(kind, "overlapping", (1, 2, 7, 7), (3, 3))
        yield adaptive_pool(kind, "3d", (1, 2, 4, 5, 3), (2, 3, 2))


def adaptive_pool(kind, suffix, x, size):
    op = f"adaptive_{kind}_pool"
    name = f"{op}_{suffix}"
    draw = Draw(name)
    tensors = tracked(x=draw.normal(*x))
    y = getattr(functional, f"adaptive_{'avg' if kind == 'average' else kind}_pool{len(size)}d")(tensors["x"], size)
    return differentiate(Case(name, op, {"output": list(size)}, tensors | {"dy": draw.normal(*y.shape)}), ["x"], y)


@family
def regions():
    """Regions of feature maps: overlapping, over the edges, small, turned round, and outside."""
    boxes = [[0, 2.0, 4.0, 17.5, 21.0], [1, 0.0, 0.0, 31.0, 27.0], [1, -6.0, 10.0, 12.0, 40.0], [0, 9.0, 9.0, 9.5, 9.25],
             [1, 20.0, 24.0, 12.0, 8.0], [0, 80.0, 90.0, 95.0, 99.0], [0, 3.25, 1.75, 27.0, 14.5]]
    ops = torchvision_ops()
    attrs = {"output": [3, 4], "scale": 0.25}
    for suffix, ratio, aligned in (("plain", 0, False), ("sampled", 2, False), ("aligned", 3, True),
                                   ("aligned_all", 0, True)):
        yield region("roi_align", f"roi_align_{suffix}", (2, 3, 7, 8), boxes,
                     attrs | {"sampling_ratio": ratio, "aligned": aligned},
                     lambda x, rois, *size: (ops.roi_align(x, rois, *size, ratio, aligned), (ratio, aligned)),
                     lambda dy, rois, size, x, rest: ops._roi_align_backward(dy, rois, *size, *x, *rest))
    yield region("roi_pool", "roi_pool", (2, 3, 7, 8), boxes, attrs, ops.roi_pool,
                 lambda dy, rois, size, x, places: ops._roi_pool_backward(dy, rois, places, *size, *x))
    # Its own gradient does not stop where its result does, before the last row and column: keep away from them.
    inner = [box for box in boxes if max(box[1:]) < 24]
    yield region("position_sensitive_roi_pool", "position_sensitive_roi_pool", (2, 24, 7, 8), inner, attrs,
                 ops.ps_roi_pool,
                 lambda dy, rois, size, x, channels: ops._ps_roi_pool_backward(dy, rois, channels, *size, *x))


def region(op, name, x, boxes, attrs, forward, backward):
    """`forward` gives the result and what `backward` needs besides sizes; autograd does not know these operators."""
    draw = Draw(name)
    features, rois, size = draw.normal(*x), torch.tensor(boxes, dtype=torch.float64), (attrs["scale"], *attrs["output"])
    y, rest = forward(features, rois, *size)
    dy = draw.normal(*y.shape)
    return Case(name, op, attrs, {"x": features, "regions": rois, "dy": dy},
                {"y": y, "dx": backward(dy, rois, size, x, rest)})


def torchvision_ops():
    """torchvision's compiled operators; its Python, which wants more packages, is not needed for them."""
    folder = importlib.util.find_spec("torchvision").submodule_search_locations[0]
    torch.ops.load_library(str(next(pathlib.Path(folder).glob("_C*.so"))))
    return torch.ops.torchvision


@family
def pools():
    for op in ("max_pool", "average_pool"):
        yield pool(op, "plain", (2, 3, 6, 8), (2, 2), (2, 2))
        yield pool(op, "overlapping", (1, 4, 7, 7), (3, 3), (2, 2), 1)
        yield pool(op, "valid_remainder", (1, 2, 8, 9), (3, 2), (3, 2))
        yield pool(op, "ceil", (1, 3, 8, 7), (3, 3), (2, 2), ceil_mode=True)
        yield pool(op, "ceil_padded", (2, 2, 6, 8), (3, 3), (2, 2), 1, ceil_mode=True)
        yield pool(op, "1d", (2, 3, 11), (4,), (3,), 1)
        yield pool(op, "3d", (1, 2, 5, 4, 6), (2, 2, 3), (2, 1, 2), (1, 0, 1))
    yield pool("average_pool", "count_padding", (1, 3, 7, 6), (3, 3), (2, 2), 1, count_include_pad=True)
    yield pool("average_pool", "ceil_count_padding", (1, 2, 6, 8), (3, 3), (2, 2), 1, True, True)
    yield pool("max_pool", "dilated", (1, 2, 9, 9), (3, 3), (2, 2), 1, dilation=(2, 2))
    yield pool("max_pool", "ties", (1, 2, 8, 8), (3, 3), (2, 2), 1, few_values=True)


def pool(op, suffix, x, kernel, stride, pad=0, ceil_mode=False, count_include_pad=False, dilation=None,
         few_values=False):
    rank = len(kernel)
    pad = pad if isinstance(pad, tuple) else (pad,) * rank
    name = f"{op}_{suffix}"
    draw = Draw(name)
    values = draw.whole(-1, 2, *x).double() if few_values else draw.normal(*x)
    tensors = tracked(x=values)
    functions = {"max_pool": (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d),
                 "average_pool": (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)}
    extra = {"dilation": dilation or (1,) * rank} if op == "max_pool" else {"count_include_pad": count_include_pad}
    y = functions[op][rank - 1](tensors["x"], kernel, stride, pad, ceil_mode=ceil_mode, **extra)
    attrs = window(stride, dilation or (1,) * rank, [(p, p) for p in pad])
    attrs |= {"kernel": list(kernel), "ceil_mode": ceil_mode}
    if op == "average_pool":
        attrs["count_include_pad"] = count_include_pad
    case = Case(name, op, attrs, tensors | {"dy": draw.normal(*y.shape)})
    return differentiate(case, ["x"], y)


@family
def batch_norms():
    yield batch_norm("plain", (4, 3, 5, 6))
    yield batch_norm("far_from_zero", (3, 4, 4, 5), mean=1000.0)
    yield batch_norm("flat", (8, 5))
    yield batch_norm("keras", (2, 6, 3, 3), epsilon=1e-3, momentum=0.99)
    yield batch_norm("relu", (2, 5, 4, 3), activation="relu")
    yield batch_norm("inference", (2, 3, 4, 4), op="batch_norm_inference")


def batch_norm(suffix, x, epsilon=1e-5, momentum=0.9, mean=0.0, activation="none", op="batch_norm"):
    """`momentum` is what the running statistics keep; PyTorch's own momentum is what they take: one minus it."""
    name = f"batch_norm_{suffix}"
    draw = Draw(name)
    channels = x[1]
    tensors = tracked(x=draw.normal(*x, mean=mean), scale=draw.uniform(channels, low=0.5, high=2),
                      offset=draw.normal(channels))
    before = {"running_mean": draw.normal(channels), "running_variance": draw.uniform(channels, low=0.5, high=2)}
    after = {key: value.clone() for key, value in before.items()}
    training = op == "batch_norm"
    y = functional.batch_norm(tensors["x"], *after.values(), tensors["scale"], tensors["offset"], training,
                              1 - momentum, epsilon)
    y = functional.relu(y) if activation == "relu" else y
    attrs = {"epsilon": epsilon, "activation": activation}
    outputs = {"y": y}
    if training:
        attrs |= {"momentum": momentum, "unbiased_variance": True, "training": True}
        outputs |= {f"new_{key}": value for key, value in after.items()}
    case = Case(name, op, attrs, tensors | before | {"dy": draw.normal(*x)})
    return differentiate(case, tensors, y, outputs)


@family
def functions():
    yield function("exp", torch.exp)
    yield function("softplus", functional.softplus)
    yield function("elu", lambda x: functional.elu(x, 1.5), alpha=1.5)
    yield function("silu", functional.silu)
    yield function("hard_swish", functional.hardswish)
    yield function("hard_sigmoid", functional.hardsigmoid, alpha=1 / 6, beta=0.5)
    yield function("mish", functional.mish)
    yield function("gelu", functional.gelu)
    yield function("gelu_tanh", lambda x: functional.gelu(x, approximate="tanh"))
    yield function("clip", functional.relu6, suffix="_relu6", alpha=0.0, beta=6.0)


def function(kind, of, suffix="", alpha=1.0, beta=1.0):
    name = f"unary_{kind}{suffix}"
    draw = Draw(name)
    x = draw.normal(5, 13, scale=4).requires_grad_()
    attrs = {"function": kind, "alpha": alpha, "beta": beta}
    return differentiate(Case(name, "unary", attrs, {"x": x, "dy": draw.normal(*x.shape)}), ["x"], of(x))


@family
def prelus():
    draw = Draw("prelu")
    tensors = tracked(x=draw.normal(3, 4, 5), slope=draw.normal(4))
    y = functional.prelu(tensors["x"], tensors["slope"])
    yield differentiate(Case("prelu", "prelu", {}, tensors | {"dy": draw.normal(*y.shape)}), tensors, y)


@family
def sample_norms():
    yield sample_norm("group", (3, 6, 4, 5), (6,), lambda x, *p: functional.group_norm(x, 3, *p, 1e-5), count=3)
    yield sample_norm("instance", (2, 4, 3, 7), (4,), lambda x, *p: functional.instance_norm(x, None, None, *p), count=4)
    yield sample_norm("layer_last", (3, 4, 9), (9,), lambda x, *p: functional.layer_norm(x, (9,), *p),
                      blocks="trailing", count=1)
    yield sample_norm("layer_sample", (3, 2, 4, 5), (2, 4, 5), lambda x, *p: functional.layer_norm(x, (2, 4, 5), *p),
                      blocks="trailing", count=3)


def sample_norm(suffix, x, parameters, of, blocks="groups", count=1):
    name = f"sample_norm_{suffix}"
    draw = Draw(name)
    tensors = tracked(x=draw.normal(*x, mean=2.0), scale=draw.uniform(*parameters, low=0.5, high=2),
                      shift=draw.normal(*parameters))
    y = of(*tensors.values())
    attrs = {"blocks": blocks, "count": count, "scale": True, "shift": True, "epsilon": 1e-5}
    return differentiate(Case(name, "sample_norm", attrs, tensors | {"dy": draw.normal(*x)}), tensors, y)


@family
def softmaxes():
    for name, function in (("softmax", functional.softmax), ("log_softmax", functional.log_softmax)):
        draw = Draw(name)
        x = draw.normal(3, 7, 2, scale=3).requires_grad_()
        case = Case(name, "softmax", {"log": name == "log_softmax"}, {"x": x, "dy": draw.normal(*x.shape)})
        yield differentiate(case, ["x"], function(x, 1))


@family
def softmax_cross_entropies():
    yield cross_entropy("plain", (6, 10))
    yield cross_entropy("sum", (5, 4), reduction="sum")
    yield cross_entropy("smoothed", (5, 8), smoothing=0.1)
    yield cross_entropy("ignored", (9, 5), ignore_index=2)
    yield cross_entropy("ignored_smoothed", (8, 4), smoothing=0.2, ignore_index=1)
    yield cross_entropy("pixels", (2, 5, 3, 4), ignore_index=255)
    yield cross_entropy("soft", (5, 6), soft=True)
    yield cross_entropy("soft_smoothed", (4, 6, 3), soft=True, smoothing=0.1)
    yield cross_entropy("large_logits", (4, 6), scale=300.0)


def cross_entropy(suffix, x, smoothing=0.0, ignore_index=-100, reduction="mean", soft=False, scale=2.0):
    name = f"softmax_cross_entropy_{suffix}"
    draw = Draw(name)
    logits = draw.normal(*x, scale=scale).requires_grad_()
    if soft:
        # Rounded after they are normalised: the sums are 1 to a few units of the last place, as a user's would be.
        targets = functional.softmax(draw.normal(*x), 1).float().double()
    else:
        targets = draw.whole(0, x[1], x[0], *x[2:])
        if ignore_index >= x[1]:
            targets[draw.uniform(*targets.shape) < 0.3] = ignore_index
    attrs = {"smoothing": smoothing, "ignore_index": ignore_index, "reduction": reduction}
    loss = functional.cross_entropy(logits, targets, ignore_index=ignore_index, label_smoothing=smoothing,
                                    reduction=reduction)
    case = Case(name, "softmax_cross_entropy", attrs, {"logits": logits, "targets": targets})
    return differentiate(case, ["logits"], loss, {"loss": loss, "probabilities": functional.softmax(logits, 1)})


@family
def elementwise_losses():
    for reduction in ("mean", "sum"):
        name = f"sigmoid_cross_entropy_{reduction}"
        draw = Draw(name)
        logits, targets = draw.normal(4, 5, scale=4).requires_grad_(), draw.uniform(4, 5)
        loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction=reduction)
        case = Case(name, "sigmoid_cross_entropy", {"reduction": reduction}, {"logits": logits, "targets": targets})
        yield differentiate(case, ["logits"], loss, {"loss": loss})

        name = f"squared_error_{reduction}"
        draw = Draw(name)
        x, target = draw.normal(3, 4, 2).requires_grad_(), draw.normal(3, 4, 2)
        loss = functional.mse_loss(x, target, reduction=reduction)
        case = Case(name, "squared_error", {"reduction": reduction}, {"prediction": x, "target": target})
        yield differentiate(case, ["prediction"], loss, {"loss": loss})


@family
def weighted_losses():
    """Each kind as PyTorch or its paper writes it, plain and as a mean over weights."""
    kinds = {
        "absolute_error": (1, lambda x, t: functional.l1_loss(x, t, reduction="none")),
        "smooth_l1": (0.4, lambda x, t: functional.smooth_l1_loss(x, t, reduction="none", beta=0.4)),
        "huber": (1.5, lambda x, t: functional.huber_loss(x, t, reduction="none", delta=1.5)),
        "focal": (1, focal),
        "contrastive": (2, lambda x, t: t * x**2 + (1 - t) * functional.relu(2 - x)**2),
    }
    for kind, (threshold, function) in kinds.items():
        for reduction in ("mean", "none"):
            name = f"element_loss_{kind}_{reduction}"
            draw = Draw(name)
            x = draw.uniform(3, 4, 5, high=4).requires_grad_() if kind == "contrastive" else \
                draw.normal(3, 4, 5, scale=2).requires_grad_()
            case = Case(name, "element_loss", {"kind": kind, "threshold": threshold, "reduction": reduction})
            case.inputs = {"prediction": x, "target": draw.uniform(3, 4, 5)}
            terms = function(x, case.inputs["target"])
            if reduction == "mean":
                case.inputs["weights"] = weights = draw.uniform(3, 1, 5) * (draw.uniform(3, 1, 5) < 0.7)
                loss = (terms * weights).sum() / weights.expand_as(x).sum()
                yield differentiate(case, ["prediction"], loss, {"loss": loss})
            else:
                case.inputs["dy"] = draw.normal(3, 4, 5)
                yield differentiate(case, ["prediction"], terms)


def focal(x, t, alpha=0.25, gamma=2):
    p = torch.sigmoid(x)
    entropy = functional.binary_cross_entropy_with_logits(x, t, reduction="none")
    return (alpha * t + (1 - alpha) * (1 - t)) * (1 - (p * t + (1 - p) * (1 - t)))**gamma * entropy


@family
def softmax_focals():
    for suffix, gamma, alpha in (("plain", 2, -1), ("balanced", 0.5, 0.25)):
        name = f"softmax_focal_{suffix}"
        draw = Draw(name)
        x, classes = draw.normal(3, 5, 4, scale=2).requires_grad_(), draw.whole(0, 5, 3, 4)
        log_p = functional.log_softmax(x, 1).gather(1, classes[:, None])[:, 0]
        factor = torch.where(classes == 2, 1 - alpha, alpha) if alpha >= 0 else 1
        loss = (-factor * (1 - log_p.exp())**gamma * log_p).mean()
        attrs = {"gamma": gamma, "alpha": alpha, "background": 2}
        yield differentiate(Case(name, "softmax_focal", attrs, {"logits": x, "targets": classes}), ["logits"], loss,
                            {"loss": loss})


@family
def dices():
    for suffix, power, over_batch in (("plain", 1, False), ("squared", 2, False), ("over_batch", 1, True)):
        name = f"dice_{suffix}"
        draw = Draw(name)
        p, t, smooth = draw.uniform(2, 3, 4, 5).requires_grad_(), draw.uniform(2, 3, 4, 5), 0.5
        axes = (0, 2, 3) if over_batch else (2, 3)
        below = (p**power).sum(axes) + (t**power).sum(axes) + smooth
        loss = (1 - (2 * (p * t).sum(axes) + smooth) / below).mean()
        attrs = {"smooth": smooth, "squared": power == 2, "over_batch": over_batch}
        yield differentiate(Case(name, "dice", attrs, {"prediction": p, "target": t}), ["prediction"], loss,
                            {"loss": loss})


@family
def matrices():
    for name, a, b, flags in (("matmul_plain", (5, 7), (7, 3), (False, False)),
                              ("matmul_stacks", (3, 6, 4), (3, 5, 6), (True, True)),
                              ("matmul_broadcast", (2, 1, 4, 6), (3, 5, 6), (False, True))):
        draw = Draw(name)
        tensors = tracked(a=draw.normal(*a), b=draw.normal(*b))
        y = torch.matmul(*(t.mT if flag else t for t, flag in zip(tensors.values(), flags)))
        attrs = dict(zip(("transpose_a", "transpose_b"), flags))
        yield differentiate(Case(name, "matmul", attrs, tensors | {"dy": draw.normal(*y.shape)}), tensors, y)
    functions = {"l2": torch.cdist, "l1": lambda x, y: torch.cdist(x, y, p=1),
                 "cosine": lambda x, y: 1 - functional.cosine_similarity(x[:, None], y[None], -1)}
    for kind, function in functions.items():
        name = f"pairwise_distance_{kind}"
        draw = Draw(name)
        tensors = tracked(x=draw.normal(5, 8), others=draw.normal(4, 8))
        y = function(*tensors.values())
        case = Case(name, "pairwise_distance", {"kind": kind}, tensors | {"dy": draw.normal(*y.shape)})
        yield differentiate(case, tensors, y)


@family
def choices():
    draw = Draw("top_k")
    x = draw.normal(3, 7, 2).requires_grad_()
    y = x.topk(3, 1).values
    case = Case("top_k", "top_k", {"k": 3, "axis": 1, "smallest": False}, {"x": x, "dy": draw.normal(*y.shape)})
    yield differentiate(case, ["x"], y)
    draw = Draw("gather_along")
    x, indices = draw.normal(3, 5, 4).requires_grad_(), draw.whole(0, 5, 3, 8, 4)
    y = x.gather(1, indices)
    case = Case("gather_along", "gather_along", {"axis": 1}, {"x": x, "indices": indices, "dy": draw.normal(*y.shape)})
    yield differentiate(case, ["x"], y)
    draw = Draw("gather")
    x, indices = draw.normal(3, 5, 4).requires_grad_(), draw.whole(0, 5, 9)
    y = x.index_select(1, indices)
    case = Case("gather", "gather", {"axis": 1}, {"x": x, "indices": indices, "dy": draw.normal(*y.shape)})
    yield differentiate(case, ["x"], y)


@family
def reductions():
    functions = {"min": lambda x: x.amin((0, 2)), "product": lambda x: x.prod(2).prod(0),
                 "l1": lambda x: x.abs().sum((0, 2)), "l2": lambda x: x.norm(dim=(0, 2))}
    for kind, function in functions.items():
        draw = Draw(f"reduce_{kind}")
        x = draw.normal(3, 4, 2).requires_grad_()
        y = function(x)
        case = Case(f"reduce_{kind}", "reduce", {"kind": kind, "axes": [0, 2]}, {"x": x, "dy": draw.normal(4)})
        yield differentiate(case, ["x"], y)
    draw = Draw("cumulative_sum")
    x = draw.normal(3, 6, 2).requires_grad_()
    y = x.flip(1).cumsum(1).flip(1) - x
    attrs = {"axis": 1, "exclusive": True, "reverse": True}
    yield differentiate(Case("cumulative_sum", "cumulative_sum", attrs, {"x": x, "dy": draw.normal(3, 6, 2)}), ["x"], y)


@family
def denses():
    for name, bias in (("dense", True), ("dense_no_bias", False)):
        draw = Draw(name)
        tensors = tracked(x=draw.normal(5, 12), w=draw.normal(7, 12, scale=0.3))
        if bias:
            tensors |= tracked(b=draw.normal(7))
        y = functional.linear(*tensors.values())
        case = Case(name, "dense", {"bias": bias}, tensors | {"dy": draw.normal(*y.shape)})
        yield differentiate(case, tensors, y)


@family
def recurrences():
    """The input's share of the gates is the input itself: its weights are the identity."""
    yield recurrence("lstm", 4, (2, 5, 3))
    yield recurrence("lstm", 4, (3, 4, 6), initial=True)
    yield recurrence("gru", 3, (2, 5, 3))
    yield recurrence("gru", 3, (3, 4, 6), bias=True, initial=True)


def recurrence(op, gates, sizes, **flags):
    batch, steps, units = sizes
    case = Case("_".join([op, *flags]), op, flags)
    draw = Draw(case.name)
    tensors = tracked(x=draw.normal(batch, steps, gates * units), w=draw.normal(gates * units, units, scale=0.5))
    parameters = [torch.eye(gates * units, dtype=torch.float64), tensors["w"]]
    if "bias" in flags:
        tensors |= tracked(b=draw.normal(gates * units))
        parameters += [torch.zeros_like(tensors["b"]), tensors["b"]]
    states = [torch.zeros(batch, units, dtype=torch.float64)] * (2 if op == "lstm" else 1)
    if "initial" in flags:
        given = {name: draw.normal(batch, units) for name in ("h", "c")[:len(states)]}
        tensors |= tracked(**given)
        states = list(given.values())
    states = tuple(state.unsqueeze(0) for state in states)
    run, state = (torch._VF.lstm, states) if op == "lstm" else (torch._VF.gru, states[0])
    y = run(tensors["x"], state, parameters, "bias" in flags, 1, 0.0, True, False, True)[0]
    case.inputs = tensors | {"dy": draw.normal(*y.shape)}
    return differentiate(case, tensors, y)


def stored(tensor):
    """The array that a file holds: 32-bit floats or 32-bit integers."""
    array = tensor.detach().numpy()
    return numpy.ascontiguousarray(array.astype("<f4" if array.dtype.kind == "f" else "<i4"))


def collect():
    """File name -> array, and the manifest."""
    arrays, cases = {}, []
    for case in (case for function in FAMILIES for case in function()):
        entry = {"name": case.name, "op": case.op, "attrs": case.attrs, "inputs": {}, "outputs": {}}
        for side in ("inputs", "outputs"):
            for key, tensor in getattr(case, side).items():
                file = f"{case.name}.{key}.npy"
                entry[side][key] = file
                arrays[file] = stored(tensor)
        cases.append(entry)
    return arrays, {"made_by": "tools/gen_golden.py", "torch": torch.__version__, "cases": cases}


def write(arrays, manifest):
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.npy"):
        old.unlink()
    for file, array in arrays.items():
        numpy.save(FOLDER / file, array)
        if (FOLDER / file).stat().st_size > MOST_BYTES:
            sys.exit(f"{file}: larger than {MOST_BYTES} bytes; take smaller shapes")
    lines = ",\n".join(f"  {json.dumps(case)}" for case in manifest.pop("cases"))
    head = json.dumps(manifest)[:-1]
    (FOLDER / "manifest.json").write_text(f'{head}, "cases": [\n{lines}\n]}}\n', encoding="utf-8")
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{FOLDER}: {lines.count(chr(10)) + 1} cases, {len(arrays)} arrays, {size:,} bytes")


def check(arrays, manifest):
    """Whether the files on disk are those, to what another build of PyTorch may round otherwise."""
    wrong = []
    stored_cases = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))["cases"]
    if stored_cases != json.loads(json.dumps(manifest["cases"])):
        wrong.append("manifest.json")
    wrong += sorted({path.name for path in FOLDER.glob("*.npy")} ^ set(arrays))
    for file, array in arrays.items():
        if file not in wrong and not numpy.allclose(numpy.load(FOLDER / file), array, rtol=1e-6, atol=1e-7):
            wrong.append(file)
    print("\n".join(f"differs: {file}" for file in wrong) or f"all {len(arrays)} arrays as stored")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="compare with the stored files instead of writing them")
    args = parser.parse_args()
    torch.set_num_threads(1)  # one order of summation
    arrays, manifest = collect()
    return check(arrays, manifest) if args.check else write(arrays, manifest)


if __name__ == "__main__":
    sys.exit(main())
