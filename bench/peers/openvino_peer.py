"""OpenVINO on the CPU, tuned for the time of one call, in f32 (it would take bf16 by itself where there is one)."""

import numpy
import openvino

from export import exported
from serve import serve, warm_up


def compiled(path, threads):
    return openvino.Core().compile_model(str(path), "CPU", {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads})


def prepare(network, mode, batch, threads, options):
    if mode != "predict" or options:
        raise ValueError(f"no {network} {mode} {' '.join(options)}")
    model = compiled(exported(network, batch, "onnx"), threads)
    request = model.create_infer_request()
    image = numpy.random.default_rng(2).standard_normal(list(model.input(0).shape), numpy.float32)

    def step():
        request.infer([image], share_inputs=True, share_outputs=True)

    warm_up(step)
    return step, {}


if __name__ == "__main__":
    serve({"name": "OpenVINO", "version": openvino.__version__.split("-")[0]}, prepare)
