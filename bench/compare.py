#!/usr/bin/env python3
"""Runs ocellus and its peers in turn on the same work with the same threads and prints how their times compare.

Every contender is a process of its own that stays alive and speaks the protocol of bench/peers/serve.py. In each round
every contender takes one turn of some steps, in an order that rotates from round to round, so that what disturbs the
machine for a while disturbs all alike. Ratios are taken within a round, and the median of the rounds' ratios with its
quartiles is the result: it stands still where the times themselves wander. Only one contender works at a time; before
each turn it waits until the others' idle threads have stopped spinning, and takes a few steps that are not timed.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = HERE / ".venv/bin/python"
OURS = "ocellus"
SETTLE_S = 0.03  # GNU OpenMP's idle threads spin for a few milliseconds before they sleep


@dataclass(frozen=True)
class Network:
    title: str
    macs: int  # multiply-adds of one prediction of one image
    first: int  # of these, the first layer's: training needs no gradient of the input


@dataclass(frozen=True)
class Contender:
    label: str
    program: str  # ocellus, or a file of bench/peers
    options: tuple = ()
    single: bool = False  # one thread, however many the others have
    slow: bool = False  # takes a minute to prepare: only with --all


@dataclass(frozen=True)
class Work:
    network: str
    mode: str
    batch: int
    steps: int  # timed in one turn
    contenders: tuple

    def operations(self):
        """Floating point operations of one step, a multiply-add counted as two."""
        net = NETWORKS[self.network]
        return 2 * self.batch * (3 * net.macs - net.first if self.mode == "train" else net.macs)


NETWORKS = {
    "lenet5": Network("LeNet-5, 1x28x28", 416_520, 117_600),
    "resnet20": Network("ResNet-20 (option A), 3x32x32", 40_551_040, 442_368),
}
TRAINERS = (
    Contender(OURS, OURS),
    Contender("PyTorch", "torch_peer.py"),
    Contender("PyTorch channels_last", "torch_peer.py", ("channels_last",)),
    Contender("PyTorch compile", "torch_peer.py", ("compile",), slow=True),
    Contender("PyTorch compile, channels_last", "torch_peer.py", ("compile", "channels_last"), slow=True),
)
PREDICTORS = (
    Contender(OURS, OURS),
    Contender("ONNX Runtime", "onnx_peer.py"),
    Contender("ONNX Runtime, 1 thread", "onnx_peer.py", single=True),
    Contender("ONNX Runtime, bound buffers", "onnx_peer.py", ("bound",)),
    Contender("ONNX Runtime, bound, 1 thread", "onnx_peer.py", ("bound",), single=True),
    Contender("PyTorch", "torch_peer.py"),
)
WORKS = {
    "lenet5-train": Work("lenet5", "train", 64, 40, TRAINERS),
    "lenet5-predict-1": Work("lenet5", "predict", 1, 2000, PREDICTORS),
    "resnet20-train": Work("resnet20", "train", 128, 2, TRAINERS),
}


class Failure(Exception):
    """A contender that could not start or answered with an error."""


class Process:
    """A contender's process, prepared for one piece of work."""

    def __init__(self, contender, work, threads, runner):
        self.contender = contender
        self.threads = 1 if contender.single else threads
        command = [runner] if contender.program == OURS else [PYTHON, HERE / "peers" / contender.program]
        self.errors = tempfile.TemporaryFile("w+")
        try:
            self.process = subprocess.Popen(
                [str(word) for word in command], text=True, env=environment(self.threads), stderr=self.errors,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise Failure(f"{command[0]}: {error.strerror}") from error
        try:
            self.greeting = self.answer()
            self.facts = self.ask("prepare", work.network, work.mode, work.batch, self.threads, *contender.options)
        except Failure:
            self.close()
            raise
        self.warm_up = max(1, work.steps // 10)

    def turn(self, steps):
        """Seconds of each of `steps` steps."""
        time.sleep(SETTLE_S)
        self.ask("step", self.warm_up)
        return self.ask("step", steps)["seconds"]

    def ask(self, *words):
        with contextlib.suppress(BrokenPipeError):  # answer() says why it ended
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            said = self.errors.read().strip().splitlines()
            raise Failure(said[-1] if said else f"ended with exit code {self.process.wait()}")
        fields = json.loads(line)
        if "error" in fields:
            raise Failure(fields["error"])
        return fields

    def close(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait()
        self.errors.close()


def environment(threads):
    """The caller's environment, less what would tune one contender's libraries and not another's."""
    tuning = ("OPENBLAS_", "OMP_", "GOMP_", "KMP_", "MKL_", "DNNL_", "ONEDNN_", "ATEN_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(tuning)}
    return kept | {"OMP_NUM_THREADS": str(threads)}


def start(work, args):
    """The contenders that can start, and why the others cannot."""
    running, left_out = [], {}
    for contender in work.contenders:
        if contender.slow and not args.all:
            continue
        if contender.single and args.threads == 1:
            continue
        try:
            running.append(Process(contender, work, args.threads, args.build / "bench/bench_runner"))
        except Failure as failure:
            left_out[contender.label] = str(failure)
    return running, left_out


def measure(name, args, peaks):
    """One piece of work by all its contenders: a dict that `table` prints and --json writes."""
    work = WORKS[name]
    running, left_out = start(work, args)
    try:
        rounds = {process.contender.label: [] for process in running}
        for turn in range(args.rounds):
            first = turn % len(running) if running else 0
            for process in running[first:] + running[:first]:
                rounds[process.contender.label].append(process.turn(work.steps))
        rows = [row(process, rounds, running[0].contender.label, work, peaks) for process in running]
    finally:
        for process in running:
            process.close()
    return {"work": name, "network": NETWORKS[work.network].title, "mode": work.mode, "batch": work.batch,
            "threads": args.threads, "rounds": args.rounds, "steps": work.steps,
            "gflop": work.operations() * 1e-9, "contenders": rows, "left_out": left_out}


def row(process, rounds, base, work, peaks):
    """One contender's figures. A ratio is its time over the base's time."""
    mine, bases = rounds[process.contender.label], rounds[base]
    steps = [second for turn in mine for second in turn]
    ratios = [statistics.median(a) / statistics.median(b) for a, b in zip(mine, bases)]
    quartiles = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    result = {
        "label": process.contender.label, "program": process.greeting, "threads": process.threads,
        "parameters": process.facts.get("parameters"), "seconds": statistics.median(steps),
        "fastest": min(steps), "slowest": max(steps), "ratio": quartiles[1], "ratio_quartiles": quartiles[::2],
        "ratio_of_fastest": min(steps) / min(second for turn in bases for second in turn)}
    if peaks:
        gflops = work.operations() * 1e-9 / result["seconds"]
        result["share_of_peak"] = gflops / peaks[min(process.threads, len(peaks)) - 1]
    return result


def table(result):
    print(f"{result['work']}: {result['network']}, {result['mode']}, batch {result['batch']}, "
          f"{result['gflop']:.3g} GFLOP a step; {result['threads']} threads, "
          f"{result['rounds']} rounds of {result['steps']} steps")
    rows = result["contenders"]
    if rows:
        base = rows[0]["label"]
        print(f"  {'':32}{'median ms':>10}{'fastest':>10}{'slowest':>10}   "
              f"{'time / ' + base + ' (quartiles)':34}{'of fastest':>10}{'of peak':>9}")
    for one in rows:
        low, high = one["ratio_quartiles"]
        share = f"{one['share_of_peak']:.0%}" if "share_of_peak" in one else "-"
        ratio = f"{one['ratio']:.2f} ({low:.2f} to {high:.2f})"
        milliseconds = "".join(f"{one[key] * 1e3:10.4g}" for key in ("seconds", "fastest", "slowest"))
        print(f"  {one['label']:32}{milliseconds}   {ratio:34}{one['ratio_of_fastest']:10.2f}{share:>9}")
    for label, reason in result["left_out"].items():
        print(f"  {label}: left out, {reason}")
    print(flush=True)


def machine(args):
    """What was measured on: processor, instruction set, multiply-add peak by number of threads, versions."""
    facts = {"cpu": processor(), "cores": len(os.sched_getaffinity(0)), "python": platform.python_version(),
             "peak": None}
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        said = subprocess.run([args.build / "bench/fma_peak", str(args.threads)], check=True, capture_output=True)
        facts["peak"] = json.loads(said.stdout)
    return facts


def processor():
    """The name from /proc/cpuinfo, with family and model, which tell apart what a hypervisor calls alike."""
    fields = {}
    with contextlib.suppress(OSError):
        for line in open("/proc/cpuinfo", encoding="utf-8"):
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    name = fields.get("model name", platform.machine())
    return f"{name} (family {fields.get('cpu family', '?')}, model {fields.get('model', '?')})"


def headline(facts, args):
    peak = facts["peak"]
    print(f"{facts['cpu']}, {facts['cores']} cores; ", end="")
    if peak:
        figures = ", ".join(f"{gflops:.0f}" for gflops in peak["gflops"])
        print(f"multiply-add peak with 1 to {len(peak['gflops'])} threads: {figures} GFLOP/s ({peak['target']})")
    else:
        print(f"no {args.build}/bench/fma_peak, so no shares of peak")
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"the machine is not idle (load {load:.1f}): trust the ratios and the fastest steps, not the medians")
    print()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("works", nargs="*", metavar="WORK", help=f"any of {', '.join(WORKS)}; by default all")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="by default all cores")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--all", action="store_true", help="also contenders that take a minute to prepare")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build/release",
                        help="build directory that holds bench/bench_runner and bench/fma_peak")
    parser.add_argument("--json", type=pathlib.Path, help="also write everything to this file")
    args = parser.parse_args()
    unknown = [name for name in args.works if name not in WORKS]
    if unknown or args.rounds < 1 or args.threads < 1:
        parser.error(f"no work named {unknown[0]}" if unknown else "--rounds and --threads are positive")
    args.works = args.works or list(WORKS)
    return args


def main():
    args = arguments()
    facts = machine(args)
    headline(facts, args)
    peaks = facts["peak"]["gflops"] if facts["peak"] else None
    results = []
    for name in args.works:
        results.append(measure(name, args, peaks))
        table(results[-1])
    programs = {one["program"]["name"]: one["program"] for result in results for one in result["contenders"]}
    for program in programs.values():
        details = ", ".join(f"{key} {value}" for key, value in program.items() if key not in ("name", "version"))
        print(f"{program['name']} {program.get('version', '')}" + (f" ({details})" if details else ""))
    if args.json:
        args.json.write_text(json.dumps({"machine": facts, "results": results}, indent=1) + "\n", encoding="utf-8")
    return 0 if any(result["contenders"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
