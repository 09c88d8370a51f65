"""ncnn on the CPU, in f32: Winograd and packed matrix products as it chooses, no narrower numbers."""

import ncnn
import numpy

from export import exported
from serve import serve, warm_up
from shapes import SHAPES


def network_of(path, threads):
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = False
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    if net.load_param(str(path)) or net.load_model(str(path.with_suffix(".bin"))):
        raise ValueError(f"ncnn can't read {path.name}")
    return net


def predict(net, image):
    extractor = net.create_extractor()
    extractor.input("in0", ncnn.Mat(image))
    failed, output = extractor.extract("out0")
    if failed:
        raise ValueError("ncnn can't run this network")
    return output


def prepare(network, mode, batch, threads, options):
    if mode != "predict" or batch != 1 or options:
        raise ValueError(f"no {network} {mode} of {batch} {' '.join(options)}")
    net = network_of(exported(network, 1, "ncnn"), threads)
    image = numpy.random.default_rng(2).standard_normal(SHAPES[network], numpy.float32)

    def step():
        predict(net, image)

    warm_up(step)
    return step, {}


if __name__ == "__main__":
    serve({"name": "ncnn", "version": ncnn.__version__}, prepare)
