#!/bin/sh
# Makes bench/.venv, the Python environment of the peers (about 5 GB, nearly all of it libraries that PyTorch's wheel
# is linked against). Safe to call again: it only adds what is missing.
set -eu
cd "$(dirname "$0")"
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/pip install --quiet --no-deps --no-cache-dir -r requirements.txt
.venv/bin/python - <<'PY'
import os
os.environ.pop("OPENBLAS_CORETYPE", None)
import numpy, onnx, onnxruntime, torch
print(f"torch {torch.__version__} (oneDNN: {torch.backends.mkldnn.is_available()}, "
      f"CPU: {torch.backends.cpu.get_cpu_capability()}), onnxruntime {onnxruntime.__version__}, "
      f"onnx {onnx.__version__}, numpy {numpy.__version__}")
PY
