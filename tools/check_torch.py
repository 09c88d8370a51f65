#!/usr/bin/env python3
"""check_torch.py MODEL.safetensors --data MNIST_DIR --ocellus PROGRAM

Computes the same LeNet-5 a second time, in PyTorch (in numpy where there is none), from nothing but the tensors in the
file, and compares: the probabilities of all test images must agree with `ocellus predict` within 1e-5, the accuracy
with `ocellus eval` exactly. Run it with bench/.venv/bin/python for PyTorch.
"""
import argparse
import gzip
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np

try:
    import torch
except ImportError:
    torch = None

TOLERANCE = 1e-5
CHUNK = 2000


def read_safetensors(path):
    """The metadata and the f32 tensors of a file: eight bytes of length, a JSON header, then the data."""
    raw = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8:8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "F32":
            tensors[name] = np.frombuffer(raw[begin:end], "<f4").reshape(entry["shape"])
    return metadata, tensors


def read_idx(folder, stem):
    """An array from STEM or STEM.gz."""
    path = pathlib.Path(folder) / stem
    raw = path.read_bytes() if path.exists() else gzip.open(f"{path}.gz").read()
    shape = struct.unpack_from(f">{raw[3]}I", raw, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def preprocessed(metadata, images):
    """Grey images [N,28,28] as the model's input [N,1,28,28], by the preprocessing that the file tells."""
    rule = json.loads(metadata["preprocess"])
    if (rule["channels"], rule["height"], rule["width"]) != (1, *images.shape[1:]):
        wanted = f"{rule['channels']} x {rule['height']} x {rule['width']}"
        sys.exit(f"check_torch: the model wants {wanted} images, not MNIST's")
    x = images[:, None].astype(np.float32) * np.float32(rule["scale"])
    if rule["mean"]:
        x = x - np.float32(rule["mean"][0])
    if rule["std"]:
        x = x / np.float32(rule["std"][0])
    return x


def weights_of(tensors):
    """(kernel, bias) of the two convolutions and three dense layers, by name."""
    layers = []
    for name in ("conv2d", "conv2d_1", "dense", "dense_1", "dense_2"):
        if f"{name}/kernel" not in tensors:
            sys.exit(f"check_torch: the file has no tensor {name}/kernel: is it a lenet5? It has {', '.join(tensors)}")
        layers.append((tensors[f"{name}/kernel"], tensors[f"{name}/bias"]))
    return layers


def logits_torch(layers, x):
    functional = torch.nn.functional
    layers = [(torch.tensor(kernel), torch.tensor(bias)) for kernel, bias in layers]
    with torch.no_grad():
        y = torch.tensor(x)
        for (kernel, bias), padding in zip(layers[:2], (2, 0)):
            y = functional.max_pool2d(torch.relu(functional.conv2d(y, kernel, bias, padding=padding)), 2)
        y = y.flatten(1)
        for kernel, bias in layers[2:4]:
            y = torch.relu(functional.linear(y, kernel, bias))
        return functional.linear(y, *layers[4]).numpy()


def logits_numpy(layers, x):
    y = x
    for (kernel, bias), padding in zip(layers[:2], (2, 0)):
        y = np.pad(y, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
        windows = np.lib.stride_tricks.sliding_window_view(y, kernel.shape[2:], axis=(2, 3))
        y = np.einsum("nchwij,ocij->nohw", windows, kernel, optimize=True) + bias[:, None, None]
        n, c, h, w = y.shape
        y = np.maximum(y, 0).reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5))
    y = y.reshape(len(y), -1)
    for kernel, bias in layers[2:4]:
        y = np.maximum(y @ kernel.T + bias, 0)
    return y @ layers[4][0].T + layers[4][1]


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def predicted(program, model, x, output):
    """What `ocellus predict` gives for raw arrays."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/x.npy", x)
        arrays = ["--input", f"{folder}/x.npy", "--output", f"{output}={folder}/y.npy"]
        subprocess.run([program, "predict", model, *arrays], check=True, stdout=subprocess.DEVNULL)
        return np.load(f"{folder}/y.npy")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data", required=True, help="folder of MNIST's IDX files")
    parser.add_argument("--ocellus", required=True, help="the program")
    arguments = parser.parse_args()

    metadata, tensors = read_safetensors(arguments.model)
    layers = weights_of(tensors)
    images = read_idx(arguments.data, "t10k-images-idx3-ubyte")
    labels = read_idx(arguments.data, "t10k-labels-idx1-ubyte")
    x = preprocessed(metadata, images)
    peer = logits_torch if torch else logits_numpy
    theirs = softmax(np.concatenate([peer(layers, x[i:i + CHUNK]) for i in range(0, len(x), CHUNK)]))
    ours = softmax(predicted(arguments.ocellus, arguments.model, x, "dense_2"))
    difference = float(np.abs(ours - theirs).max())
    accuracy = float((theirs.argmax(axis=1) == labels).mean())
    judged = json.loads(subprocess.run([arguments.ocellus, "eval", arguments.model, "--data", arguments.data, "--json"],
                                       check=True, stdout=subprocess.PIPE).stdout)
    print(f"against {'PyTorch ' + torch.__version__ if torch else 'numpy ' + np.__version__}, {len(x)} images:")
    print(f"  largest difference of a probability  {difference:.2e} (at most {TOLERANCE:.0e})")
    print(f"  accuracy                             {accuracy:.4f}, ocellus eval {judged['accuracy']:.4f}")
    if difference > TOLERANCE or round(accuracy * len(x)) != round(judged["accuracy"] * len(x)):
        sys.exit("check_torch: they differ")


if __name__ == "__main__":
    main()
