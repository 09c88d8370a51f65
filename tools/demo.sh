#!/usr/bin/env bash
# demo.sh OCELLUS: trains LeNet-5 on digits drawn on this machine, then lets it read a page of digits.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ocellus=$1
out=runs/demo

"$ocellus" train lenet5 --data builtin:digits --epochs 4 --out "$out"
"$ocellus" predict "$out/best.safetensors" builtin:digits --draw "$out/page.png"

echo
echo "model:    $out/best.safetensors"
echo "page:     $out/page.png"
echo "curves:   $out/curves.png, $out/confusion.png"
