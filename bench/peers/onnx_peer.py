"""ONNX Runtime on the CPU, all graph optimisations on. It only predicts. Option of `prepare`: bound, which binds the
input's and the output's buffers once instead of passing them at each call."""

import numpy
import onnxruntime
from onnx import numpy_helper

from onnx_networks import NETWORKS
from serve import serve


def prepare(network, mode, batch, threads, options):
    if network not in NETWORKS or mode != "predict" or set(options) - {"bound"}:
        raise ValueError(f"no {network} {mode} {' '.join(options)}")
    model = NETWORKS[network](batch)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    feed = {"input": numpy.random.default_rng(2).standard_normal(shape, numpy.float32)}

    binding = session.io_binding()
    binding.bind_cpu_input("input", feed["input"])
    binding.bind_output(session.get_outputs()[0].name)

    def call():
        session.run(None, feed)

    def call_bound():
        session.run_with_iobinding(binding)

    step = call_bound if options else call
    for _ in range(100):
        step()
    return step, {"parameters": sum(numpy_helper.to_array(w).size for w in model.graph.initializer)}


if __name__ == "__main__":
    serve({"name": "ONNX Runtime", "version": onnxruntime.__version__}, prepare)
