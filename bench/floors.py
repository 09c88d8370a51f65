#!/usr/bin/env python3
"""Where a network's time goes, kernel by kernel, against the least that it could be: the greater of arithmetic over the
machine's multiply-add peak and bytes over its memory's speed.

It reads what `ocellus bench --json` says of each step. Winograd's convolutions are held to their own products, of which
there are fewer than a convolution has by definition: 36 for 144 in F(4x4, 3x3), 16 for 36 in F(2x2, 3x3). Bytes that
stay in a cache from one step to the next make a step faster than memory allows, so a floor by bytes is a hint and no
bound. In bf16 the peak is taken for twice as high. What is done once, as long as the weights stay the same, is told
apart."""

import argparse
import ctypes
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass

from comparison.contender import BENCH, environment

WINOGRAD = {"winograd 4x4": 36 / 144, "wino_4x3": 36 / 144, "winograd 2x2": 16 / 36, "wino_2x3": 16 / 36}
COPIED = 128 << 20  # bytes of one copy: far more than caches hold


@dataclass
class Group:
    steps: int = 0
    milliseconds: float = 0
    floor: float = 0
    by_bytes: int = 0  # steps whose floor is their bytes

    def add(self, milliseconds, arithmetic, memory):
        self.steps += 1
        self.milliseconds += milliseconds
        self.floor += max(arithmetic, memory)
        self.by_bytes += memory > arithmetic


def bandwidth(threads):
    """Bytes read and written per second when all threads copy, the best of some tries."""
    blocks = [(ctypes.create_string_buffer(COPIED), ctypes.create_string_buffer(COPIED)) for _ in range(threads)]
    best = 0.0
    for _ in range(8):
        workers = [threading.Thread(target=ctypes.memmove, args=(to, source, COPIED)) for to, source in blocks]
        begin = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        best = max(best, 2 * COPIED * threads / (time.perf_counter() - begin))
    return best


def groups(report, speed, peak):
    """Steps by operator and kernel, the slowest first; those that run once apart."""
    each, once = defaultdict(Group), defaultdict(Group)
    for step in report["layers"]:
        share = next((part for kernel, part in WINOGRAD.items() if kernel in step["kernel"]), 1)
        arithmetic = 2e3 * step["macs"] * share / peak
        where = once if "(once)" in step["kernel"] else each
        where[f"{step['op']}, {step['kernel']}"].add(step["ms"], arithmetic, 1e3 * step["bytes"] / speed)
    return [sorted(found.items(), key=lambda item: -item[1].milliseconds) for found in (each, once)]


def table(found, total):
    lines = ["| operator, kernel | steps | ms | of the time | floor ms | floor / time | floor by bytes |",
             "|---|---|---|---|---|---|---|"]
    for name, group in found:
        share, reached = group.milliseconds / total, group.floor / max(group.milliseconds, 1e-9)
        lines.append(f"| {name} | {group.steps} | {group.milliseconds:.3g} | {share:.0%} | {group.floor:.3g} | "
                     f"{reached:.0%} | {group.by_bytes} of {group.steps} |")
    return "\n".join(lines)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("model", help="a network of the zoo, or a saved model")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="by default all cores")
    parser.add_argument("--build", type=pathlib.Path, default=BENCH.parent / "build/release",
                        help="build directory that holds cli/ocellus")
    parser.add_argument("options", nargs=argparse.REMAINDER,
                        help="handed on to `ocellus bench`: --batch 16 --train --algorithms exact --dtype bf16")
    return parser.parse_args()


def main():
    args = arguments()
    with tempfile.TemporaryDirectory() as args.home:
        said = subprocess.run(
            [args.build / "cli/ocellus", "bench", args.model, "--json", "--threads", str(args.threads), *args.options],
            env=environment(args.threads, args), capture_output=True, text=True)
    if said.returncode:
        print(said.stderr.strip(), file=sys.stderr)
        return said.returncode
    report, speed = json.loads(said.stdout), bandwidth(args.threads)
    peak = report["peak_gflops"] * 1e9 * (2 if "bf16" in args.options else 1)
    each, once = groups(report, speed, peak)
    total = sum(group.milliseconds for _, group in each)
    floor = sum(group.floor for _, group in each)
    print(f"{' '.join([args.model, *args.options])}: {report['ms']['median']:.4g} ms (fastest "
          f"{report['ms']['min']:.4g}), kernels {total:.4g} ms, floor {floor:.4g} ms; {args.threads} threads, "
          f"peak {peak * 1e-9:.0f} GFLOP/s, memory {speed * 1e-9:.1f} GB/s; load {os.getloadavg()[0]:.1f}\n")
    print(table(each, total))
    if once:
        print("\nOnce, before the first run:\n\n" + table(once, sum(group.milliseconds for _, group in once)))
    memory = report["memory"]
    print("\nMemory, MB: "
          + ", ".join(f"{name.removesuffix('_bytes')} {size / 1e6:.1f}" for name, size in memory.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
