"""Ourselves through the command line: each turn is a run of `ocellus bench`, which says its median, fastest and slowest
step. Options of `prepare` are handed on to it. It takes steps that are not timed before those that are."""

import json
import os
import subprocess

from serve import serve

PROGRAM = os.path.join(os.environ.get("OCELLUS_BUILD", "."), "cli/ocellus")


def call(*words):
    said = subprocess.run([PROGRAM, *words], capture_output=True, text=True)
    if said.returncode:
        raise ValueError((said.stderr.strip().splitlines() or [f"exit code {said.returncode}"])[-1])
    return said.stdout


def prepare(network, mode, batch, threads, options):
    """The first run also fills the cache of algorithms."""
    train = {"predict": [], "gradients": ["--train"]}[mode]
    command = ["bench", network, "--json", "--batch", str(batch), "--threads", str(threads), *train, *options]
    timed(command, 1)
    return command, {"fresh": True}


def timed(command, count):
    milliseconds = json.loads(call(*command, "--repeat", str(count)))["ms"]
    return [milliseconds[which] / 1e3 for which in ("min", "median", "max")[:count]]


if __name__ == "__main__":
    serve({"name": "ocellus", "version": call("--version").split()[-1]}, prepare, timed)
