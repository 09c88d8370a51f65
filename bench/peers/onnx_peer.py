"""ONNX Runtime on the CPU, all graph optimisations on. It only predicts. Option of `prepare`: bound, which binds the
input's and the output's buffers once instead of passing them at each call."""

import numpy
import onnxruntime

from export import exported
from serve import serve, warm_up


def session_of(path, threads):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])


def prepare(network, mode, batch, threads, options):
    if mode != "predict" or set(options) - {"bound"}:
        raise ValueError(f"no {network} {mode} {' '.join(options)}")
    session = session_of(exported(network, batch, "onnx"), threads)
    shape = session.get_inputs()[0].shape
    feed = {"input": numpy.random.default_rng(2).standard_normal(shape, numpy.float32)}

    binding = session.io_binding()
    binding.bind_cpu_input("input", feed["input"])
    binding.bind_output("output")

    def call():
        session.run(None, feed)

    def call_bound():
        session.run_with_iobinding(binding)

    step = call_bound if options else call
    warm_up(step)
    return step, {}


if __name__ == "__main__":
    serve({"name": "ONNX Runtime", "version": onnxruntime.__version__}, prepare)
