#!/usr/bin/env python3
"""check_onnx.py OCELLUS [NETWORK...]: networks of the zoo as ONNX give in ONNX Runtime what they give here.

Needs onnxruntime and numpy (bench/setup_peers.sh). Every network is written as our own file, its weights and statistics are
drawn at random, and that file is converted to ONNX. The ONNX file is run by ONNX Runtime and, read back, by ocellus. Prints
the largest difference of an element of any output, relative to that output's largest one, and fails above 1e-5.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnxruntime

LIMIT = 1e-5
# Sixteen normalisations by a picture's own statistics add up: both sides are this far from the reference in between.
LIMITS = {"fast-style": 2e-5}


def run(ocellus, *arguments):
    return subprocess.run([ocellus, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def randomise(path, seed):
    """New values in place for norms and biases, which a fresh network has as ones and zeros."""
    data = bytearray(path.read_bytes())
    length = int.from_bytes(data[:8], "little")
    random = numpy.random.default_rng(seed)
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        count, last = (end - begin) // 4, name.rsplit("/", 1)[-1]
        if last in ("gamma", "moving_variance"):
            values = random.uniform(0.5, 1.5, count)
        elif last in ("beta", "moving_mean", "bias"):
            values = random.normal(0, 0.1, count)
        else:
            continue
        data[begin:end] = values.astype("<f4").tobytes()
    path.write_bytes(data)


def predicted(ocellus, model, x, outputs, folder):
    """The model's outputs for x.npy, by name."""
    files = {name: folder / f"y{i}.npy" for i, name in enumerate(outputs)}
    run(ocellus, "predict", model, "--input", x, "--algorithms", "exact", "--output", *(f"{n}={f}" for n, f in files.items()))
    return [numpy.load(f) for f in files.values()]


def difference(a, b):
    if a.shape != b.shape:
        return float("inf")
    return float(numpy.max(numpy.abs(a - b)) / max(float(numpy.max(numpy.abs(b))), 1e-30))


def check(ocellus, network, folder):
    ours, onnx_file, x_file = folder / "m.safetensors", folder / "m.onnx", folder / "x.npy"
    run(ocellus, "convert", network, ours)
    randomise(ours, 1)
    run(ocellus, "convert", ours, onnx_file)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(onnx_file), options, providers=["CPUExecutionProvider"])
    fed = session.get_inputs()[0]
    shape = [2 if isinstance(d, str) else d for d in fed.shape]
    x = numpy.random.default_rng(0).uniform(0, 1, shape).astype(numpy.float32)
    numpy.save(x_file, x)
    names = [o.name for o in session.get_outputs()]
    theirs = session.run(names, {fed.name: x})
    here = predicted(ocellus, ours, x_file, names, folder)
    back = predicted(ocellus, onnx_file, x_file, names, folder)
    return (max(map(difference, here, theirs)), max(map(difference, back, here)),
            onnx_file.stat().st_size)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    ocellus = str(pathlib.Path(sys.argv[1]).resolve())
    networks = sys.argv[2:] or json.loads(run(ocellus, "info", "--json"))["networks"]
    failed = []
    print(f"{'network':<20} {'ONNX Runtime':>13} {'read back':>11} {'bytes':>12}")
    for network in networks:
        with tempfile.TemporaryDirectory() as folder:
            try:
                theirs, back, size = check(ocellus, network, pathlib.Path(folder))
                print(f"{network:<20} {theirs:>13.1e} {back:>11.1e} {size:>12}", flush=True)
                limit = LIMITS.get(network, LIMIT)
                good = theirs <= limit and back <= limit
            except subprocess.CalledProcessError as error:
                print(f"{network:<20} {error.stderr.strip()}", flush=True)
                good = False
            except Exception as error:  # onnxruntime has exceptions of its own for each kind of refusal
                print(f"{network:<20} {str(error).splitlines()[0]}", flush=True)
                good = False
        if not good:
            failed.append(network)
    if failed:
        sys.exit(f"{len(failed)} of {len(networks)} differ: {', '.join(failed)}")


if __name__ == "__main__":
    main()
