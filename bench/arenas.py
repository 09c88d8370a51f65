#!/usr/bin/env python3
"""The memory plan of every network of the zoo, for prediction and for training, against its lower bound: the most bytes
that are live at one time. These are no timings: they are the same on a busy machine."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from comparison.contender import BENCH, environment

PREDICT, TRAIN = "prediction", "training"


def networks(program):
    said = subprocess.run([program, "info"], capture_output=True, text=True, check=True).stdout
    return next(line for line in said.splitlines() if line.startswith("networks")).split()[1:]


def memory(program, network, mode, batch, args):
    """What `ocellus bench` says of memory, or why it says nothing. Algorithms are not timed: it would take minutes."""
    command = [program, "bench", network, "--json", "--repeat", "1", "--batch", str(batch), "--algorithms", "standard",
               *["--train"] * (mode == TRAIN)]
    said = subprocess.run(command, env=environment(1, args), capture_output=True, text=True)
    if said.returncode:
        return (said.stderr.strip().splitlines() or [f"exit code {said.returncode}"])[-1]
    return json.loads(said.stdout)["memory"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", help="by default all of the zoo")
    parser.add_argument("--batch", type=int, default=4, help="of training; predictions are of one image")
    parser.add_argument("--build", type=pathlib.Path, default=BENCH.parent / "build/release")
    args = parser.parse_args()
    args.build = args.build.resolve()
    program, worst = args.build / "cli/ocellus", 0.0
    print("| network | for | arena MB | arena / live bytes |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as args.home:
        for network in args.networks or networks(program):
            for mode, batch in ((PREDICT, 1), (TRAIN, args.batch)):
                found = memory(program, network, mode, batch, args)
                if isinstance(found, str):
                    print(f"| {network} | {mode} | - | {found} |", flush=True)
                    continue
                ratio = found["arena_bytes"] / found["live_bytes"]
                worst = max(worst, ratio)
                megabytes = found["arena_bytes"] / 1e6
                print(f"| {network} | {mode}, batch {batch} | {megabytes:.1f} | {ratio:.3f} |", flush=True)
    print(f"\nThe highest: {worst:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
