"""export.py NETWORK BATCH FORMAT FILE: writes a network of torch_networks.py for another program to read, as `onnx` or
`ncnn` (FILE is its .param; the .bin lies beside it).

The peers call `exported`, which does it in a process of its own, so that PyTorch is not in the memory of theirs, and
keeps the file in bench/.cache until torch_networks.py changes."""

import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CACHE = HERE.parent / ".cache"


def exported(network, batch, form):
    """The path of the network's file."""
    CACHE.mkdir(exist_ok=True)
    path = CACHE / f"{network}-{batch}.{'onnx' if form == 'onnx' else 'ncnn.param'}"
    if not path.exists() or path.stat().st_mtime < (HERE / "torch_networks.py").stat().st_mtime:
        said = subprocess.run(
            [sys.executable, __file__, network, str(batch), form, path], capture_output=True, text=True)
        if said.returncode:
            raise ValueError(said.stderr.strip().splitlines()[-1])
    return path


def write_onnx(network, sample, path):
    import torch

    torch.onnx.export(network, (sample,), path, input_names=["input"], output_names=["output"], external_data=False,
                      dynamo=True, verbose=False)


def write_ncnn(network, sample, path):
    """pnnx writes eight files into a folder, of which two are wanted, and needs a name for the outermost module."""
    import pnnx
    import torch

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, x):
            return self.network(x)

    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        pnnx.export(Network().eval(), f"{folder}/network.pt", (sample,), fp16=False)
        for kind in ("bin", "param"):
            pathlib.Path(folder, f"network.ncnn.{kind}").rename(path.with_suffix(f".{kind}"))


def main():
    import torch

    from torch_networks import predictor

    name, batch, form, path = sys.argv[1:]
    network, shape = predictor(name)
    sample = torch.randn(int(batch), *shape)
    (write_onnx if form == "onnx" else write_ncnn)(network, sample, pathlib.Path(path))


if __name__ == "__main__":
    main()
