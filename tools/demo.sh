#!/usr/bin/env bash
# demo.sh OCELLUS: trains LeNet-5 on digits drawn on this machine, then lets it read a page of digits it has not seen.
set -euo pipefail
ocellus=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=runs/demo
least=0.98

"$ocellus" train lenet5 --data builtin:digits --epochs 5 --out "$out"
echo
echo "A page of digits, as the model reads it:"
"$ocellus" predict "$out/best.safetensors" builtin:digits --draw "$out/page.png"

accuracy=$(sed -nE 's/.*"accuracy": *([0-9.]+).*/\1/p' "$out/metrics.json")
echo
if ! awk -v a="$accuracy" -v least="$least" 'BEGIN { exit !(a >= least) }'; then
  echo "demo: test accuracy $accuracy is below $least: something is wrong with this build" >&2
  exit 1
fi
awk -v a="$accuracy" -v least="$least" \
  'BEGIN { printf "Test accuracy %.2f %% on 4,000 digits it was not trained on (at least %.0f %% expected).\n\n", 100 * a, 100 * least }'
echo "model:    $PWD/$out/best.safetensors"
echo "page:     $PWD/$out/page.png"
echo "curves:   $PWD/$out/curves.png"
echo "mistakes: $PWD/$out/confusion.png, $PWD/$out/report.txt"
echo "Try it:   ${ocellus#"$PWD"/} predict $out/best.safetensors YOUR_DIGIT.png"
