"""The networks of the comparison in PyTorch, each with the shape of one input. The other peers get them from here too,
through peers/export.py. Layer by layer they are what ocellus' zoo has under the same names."""

import functools

import torch
import torchvision
from torch import nn
from torch.nn import functional

from shapes import SHAPES


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


class Residual(nn.Module):
    """Two 3x3 convolutions and an option-A shortcut: every other pixel, and zeros for the channels that are new."""

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.stride, self.new = stride, channels - channels_in

    def forward(self, x):
        y = functional.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        if self.new:
            x = functional.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.new // 2, self.new // 2))
        return functional.relu(y + x)


def resnet20():
    layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    for channels_in, channels in ((16, 16), (16, 32), (32, 64)):
        layers.append(Residual(channels_in, channels, channels // channels_in))
        layers += [Residual(channels, channels, 1) for _ in range(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class SamePadConv(nn.Sequential):
    """A 3x3 convolution, batch norm, ReLU6; with stride 2 the odd padding is at the end, as in Keras."""

    def __init__(self, channels_in, channels, kernel, stride=1, groups=1):
        pad = [nn.ZeroPad2d((0, 1, 0, 1))] if stride == 2 else []
        inside = kernel // 2 if stride == 1 else 0
        super().__init__(*pad, nn.Conv2d(channels_in, channels, kernel, stride, inside, groups=groups, bias=False),
                         nn.BatchNorm2d(channels, eps=1e-3), nn.ReLU6())


def mobilenet():
    rows = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
    layers, channels = [SamePadConv(3, 32, 3, 2)], 32
    for filters, stride in rows:
        layers += [SamePadConv(channels, channels, 3, stride, channels), SamePadConv(channels, filters, 1)]
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(1e-3), nn.Linear(channels, 1000))


class ResponseNorm(nn.LocalResponseNorm):
    """PyTorch computes this of many small operations; ONNX has one for it, and that is what its runtimes shall get."""

    def forward(self, x):
        if not torch.onnx.is_in_onnx_export():
            return super().forward(x)
        attributes = {"alpha": self.alpha, "beta": self.beta, "bias": float(self.k), "size": self.size}
        return torch.onnx.ops.symbolic("LRN", (x,), attributes, dtype=x.dtype, shape=x.shape)


def window(channels_in, channels, kernel, stride=1):
    return nn.Sequential(nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2), nn.ReLU())


class Inception(nn.Module):
    def __init__(self, channels, one, three_reduce, three, five_reduce, five, projection):
        super().__init__()
        self.branches = nn.ModuleList((
            window(channels, one, 1),
            nn.Sequential(window(channels, three_reduce, 1), window(three_reduce, three, 3)),
            nn.Sequential(window(channels, five_reduce, 1), window(five_reduce, five, 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), window(channels, projection, 1))))

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def googlenet():
    def halve():
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return nn.Sequential(
        window(3, 64, 7, 2), halve(), ResponseNorm(5), window(64, 64, 1), window(64, 192, 3), ResponseNorm(5), halve(),
        Inception(192, 64, 96, 128, 16, 32, 32), Inception(256, 128, 128, 192, 32, 96, 64), halve(),
        Inception(480, 192, 96, 208, 16, 48, 64), Inception(512, 160, 112, 224, 24, 64, 64),
        Inception(512, 128, 128, 256, 24, 64, 64), Inception(512, 112, 144, 288, 32, 64, 64),
        Inception(528, 256, 160, 320, 32, 128, 128), halve(),
        Inception(832, 256, 160, 320, 32, 128, 128), Inception(832, 384, 192, 384, 48, 128, 128),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4), nn.Linear(1024, 1000))


def unit(channels_in, channels, kernel):
    return nn.Sequential(nn.Conv2d(channels_in, channels, kernel, 1, kernel // 2, bias=False),
                         nn.BatchNorm2d(channels), nn.LeakyReLU(0.1))


class YoloV2(nn.Module):
    """Darknet-19 and the detector's layers. The passthrough orders its channels otherwise than darknet's, which moves
    the same bytes, so that every exporter knows it."""

    def __init__(self):
        super().__init__()
        self.fine = nn.Sequential(
            unit(3, 32, 3), nn.MaxPool2d(2), unit(32, 64, 3), nn.MaxPool2d(2),
            unit(64, 128, 3), unit(128, 64, 1), unit(64, 128, 3), nn.MaxPool2d(2),
            unit(128, 256, 3), unit(256, 128, 1), unit(128, 256, 3), nn.MaxPool2d(2),
            unit(256, 512, 3), unit(512, 256, 1), unit(256, 512, 3), unit(512, 256, 1), unit(256, 512, 3))
        self.coarse = nn.Sequential(
            nn.MaxPool2d(2), unit(512, 1024, 3), unit(1024, 512, 1), unit(512, 1024, 3), unit(1024, 512, 1),
            unit(512, 1024, 3), unit(1024, 1024, 3), unit(1024, 1024, 3))
        self.passthrough = nn.Sequential(unit(512, 64, 1), nn.PixelUnshuffle(2))
        self.head = nn.Sequential(unit(1280, 1024, 3), nn.Conv2d(1024, 425, 1))

    def forward(self, x):
        fine = self.fine(x)
        return self.head(torch.cat((self.passthrough(fine), self.coarse(fine)), 1))


class StyleFeatures(nn.Module):
    """VGG-19 to conv4_2: the results of the first convolution of each block, and of the last."""

    def __init__(self):
        super().__init__()
        blocks, channels = [], 3
        for filters, layers in ((64, 2), (128, 2), (256, 4), (512, 2)):
            rest = [window(filters, filters, 3) for _ in range(layers - 1)]
            blocks.append(nn.ModuleList((window(channels, filters, 3), nn.Sequential(*rest))))
            channels = filters
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x):
        found = []
        for first, rest in self.blocks:
            found.append(first(functional.max_pool2d(x, 2) if found else x))
            x = rest(found[-1])
        return (*found, x)


BUILDERS = {
    "lenet5": lenet5,
    "resnet20": resnet20,
    "resnet50": torchvision.models.resnet50,
    "resnet50-2": functools.partial(torchvision.models.resnet50, num_classes=2),
    "vgg16": torchvision.models.vgg16,
    "vgg19-conv4_2": StyleFeatures,
    "googlenet": googlenet,
    "mobilenet": mobilenet,
    "yolov2": YoloV2,
}
NETWORKS = {name: (build, SHAPES[name]) for name, build in BUILDERS.items()}
WITH_SOFTMAX = {"lenet5"}  # what a prediction of it ends with; the others give logits, or YOLO's raw maps


def predictor(name):
    """The network ready to predict, random weights, and the shape of one input."""
    torch.manual_seed(1)
    build, shape = NETWORKS[name]
    network = build()
    return (nn.Sequential(network, nn.Softmax(1)) if name in WITH_SOFTMAX else network).eval(), shape
