"""start.py PROGRAM prepare NETWORK THREADS: makes ready what a cold start of PROGRAM needs, and prints the command that
goes from nothing to a first prediction, as JSON.
start.py PROGRAM run FILE INPUT THREADS: that command, for the programs that are libraries of Python. It ends as soon as
the prediction is there, without tidying up."""

import importlib
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
NAMES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "ncnn": "ncnn"}


def run(program, path, image_file, threads):
    import numpy

    image = numpy.load(image_file)
    if program == "onnxruntime":
        from onnx_peer import session_of
        output = session_of(path, threads).run(None, {"input": image})[0]
    elif program == "openvino":
        from openvino_peer import compiled
        output = compiled(path, threads)([image])[0]
    else:
        from ncnn_peer import network_of, predict
        output = numpy.array(predict(network_of(pathlib.Path(path), threads), image[0]))
    print(numpy.asarray(output).argmax(), flush=True)
    os._exit(0)


def saved_model(folder, ocellus):
    """Our ResNet-50 as a file: trained for a moment on noise of two classes, without momentum, so that the file holds
    the weights and no more."""
    import numpy
    from PIL import Image

    path = folder / "ocellus/last.safetensors"
    if path.exists():
        return path
    noise = numpy.random.default_rng(1)
    with tempfile.TemporaryDirectory() as pictures:
        for i in range(20):
            where = pathlib.Path(pictures, f"class{i % 2}")
            where.mkdir(exist_ok=True)
            Image.fromarray(noise.integers(0, 255, (224, 224, 3), numpy.uint8)).save(where / f"{i}.png")
        subprocess.run([ocellus, "train", "resnet50", "--data", pictures, "--epochs", "1", "--batch", "6", "--momentum",
                        "0", "--algorithms", "standard", "--out", path.parent, "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
    return path


def prepare(program, network, threads):
    import numpy

    from export import CACHE, exported
    from shapes import SHAPES

    image = CACHE / f"{network}.npy"
    CACHE.mkdir(exist_ok=True)
    numpy.save(image, numpy.random.default_rng(2).standard_normal((1, *SHAPES[network]), numpy.float32))
    if program == "ocellus":
        ocellus = os.path.join(os.environ["OCELLUS_BUILD"], "cli/ocellus")
        model = saved_model(CACHE, ocellus)
        version = subprocess.run([ocellus, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
        return {"greeting": {"name": "ocellus", "version": version},
                "command": [ocellus, "predict", str(model), "--input", str(image), "--output",
                            str(CACHE / "output.npy"), "--threads", threads]}
    path = exported(network, 1, "ncnn" if program == "ncnn" else "onnx")
    return {"greeting": {"name": NAMES[program], "version": importlib.metadata.version(program)},
            "command": [sys.executable, __file__, program, "run", str(path), str(image), threads]}


def main():
    program, verb, *words = sys.argv[1:]
    if verb == "prepare":
        print(json.dumps(prepare(program, *words)))
    else:
        path, image, threads = words
        run(program, path, image, int(threads))


if __name__ == "__main__":
    main()
