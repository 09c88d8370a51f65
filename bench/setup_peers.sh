#!/bin/sh
# Makes bench/.venv, the Python environment of the peers: PyTorch, ONNX Runtime, OpenVINO, ncnn with its converter,
# and matplotlib for charts. It takes about 4.7 GB of disk, of which PyTorch and what its wheel is linked against are
# 4.0 GB, OpenVINO 0.2 GB and all others together 0.5 GB; the networks that compare.py exports into bench/.cache take
# another 2 GB. Safe to call again: it only adds what is missing.
set -eu
cd "$(dirname "$0")"
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/pip install --quiet --no-deps --no-cache-dir -r requirements.txt
.venv/bin/python - <<'PY'
import os
os.environ.pop("OPENBLAS_CORETYPE", None)
import matplotlib, ncnn, numpy, onnx, onnxruntime, openvino, pnnx, torch, torchvision
print(f"torch {torch.__version__} (oneDNN: {torch.backends.mkldnn.is_available()}, "
      f"CPU: {torch.backends.cpu.get_cpu_capability()}), torchvision {torchvision.__version__}, "
      f"onnxruntime {onnxruntime.__version__}, openvino {openvino.__version__}, ncnn {ncnn.__version__}, "
      f"onnx {onnx.__version__}, numpy {numpy.__version__}, matplotlib {matplotlib.__version__}")
PY
du -sh .venv | sed 's/^\([^[:space:]]*\).*/\1 of disk in bench\/.venv/'
