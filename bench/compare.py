#!/usr/bin/env python3
"""Runs ocellus and its peers in turn on the same work with the same threads and prints how their times compare.

Every contender is a process of its own that stays alive and speaks the protocol of bench/peers/serve.py. In each round
every contender takes one turn of some steps, in an order that rotates from round to round, so that what disturbs the
machine for a while disturbs all alike. Ratios are taken within a round, and the median of the rounds' ratios with its
quartiles is the result: it stands still where the times themselves wander. Only one contender works at a time; before
each turn it waits until the others' idle threads have stopped spinning, and takes a few steps that are not timed. How
many cores other programs kept busy meanwhile is measured and told with each result.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import shlex
import subprocess
import sys
import tempfile

from comparison.contender import BENCH, PYTHON
from comparison.measure import measure
from comparison.report import machine_text, markdown, table
from comparison.works import WORKS


def machine(args):
    """What was measured on: processor, instruction set, multiply-add peak by number of threads, date."""
    fields = processor()
    name = fields.get("model name", platform.machine())
    return {"cpu": f"{name} (family {fields.get('cpu family', '?')}, model {fields.get('model', '?')})",
            "flags": fields.get("flags", "").split(), "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(), "date": datetime.date.today().isoformat(), "peak": peak(args)}


def processor():
    """The first processor of /proc/cpuinfo. Family and model tell apart what a hypervisor calls alike."""
    fields = {}
    with contextlib.suppress(OSError):
        for line in open("/proc/cpuinfo", encoding="utf-8"):
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    return fields


def peak(args):
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        said = subprocess.run([args.build / "bench/fma_peak", str(args.threads)], check=True, capture_output=True)
        return json.loads(said.stdout)
    return None


def higher(one, other):
    """Of two measurements of the peak the higher figures: what disturbs a measurement only lowers it."""
    return one and other and one | {"gflops": list(map(max, one["gflops"], other["gflops"]))}


def headline(facts, args):
    print(machine_text(facts))
    if not facts["peak"]:
        print(f"no {args.build}/bench/fma_peak, so no shares of peak")
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"the machine is not idle (load {load:.1f}): trust the ratios and the fastest steps, not the medians")
    print(flush=True)


def versions(results):
    """Each program that took part, as "PyTorch 2.15.0 (instructions AVX512)"."""
    programs = {one["program"]["name"]: one["program"] for result in results for one in result["contenders"]}
    for program in programs.values():
        details = ", ".join(f"{key} {value}" for key, value in program.items() if key not in ("name", "version"))
        yield f"{program['name']} {program.get('version', '')}" + (f" ({details})" if details else "")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("works", nargs="*", metavar="WORK", help=f"any of {', '.join(WORKS)}; by default all")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="by default all cores")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--all", action="store_true", help="also contenders that take a minute to prepare")
    parser.add_argument("--build", type=pathlib.Path, default=BENCH.parent / "build/release",
                        help="build directory that holds cli/ocellus, bench/bench_runner and bench/fma_peak")
    parser.add_argument("--markdown", action="store_true", help="end with the table of docs/performance.md")
    parser.add_argument("--chart", type=pathlib.Path, metavar="OUT.png", help="draw bars of milliseconds")
    parser.add_argument("--json", type=pathlib.Path, help="also write everything to this file, after each work")
    parser.add_argument("--read", type=pathlib.Path, metavar="JSON",
                        help="measure nothing: tell what --json wrote, with --markdown and --chart as wished")
    args = parser.parse_args()
    unknown = [name for name in args.works if name not in WORKS]
    if unknown or args.rounds < 1 or args.threads < 1:
        parser.error(f"no work named {unknown[0]}: there are {', '.join(WORKS)}" if unknown else "--rounds and --threads are positive")
    args.works = args.works or list(WORKS)
    args.build = args.build.resolve()
    return args


def measure_all(args):
    """The facts and results that --json writes, told as they come."""
    facts = machine(args)
    facts["command"] = shlex.join(["bench/compare.py", *sys.argv[1:]])
    headline(facts, args)
    written = {"machine": facts, "results": []}
    for name in args.works:
        written["results"].append(measure(name, args))
        facts["peak"] = higher(facts["peak"], peak(args))
        table(written["results"][-1], facts)
        facts["versions"] = list(versions(written["results"]))
        if args.json:
            args.json.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    return written


def draw(written, path):
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as results:
        json.dump(written, results)
        results.flush()
        subprocess.run([PYTHON, BENCH / "comparison/chart.py", results.name, path], check=True)


def main():
    args = arguments()
    with tempfile.TemporaryDirectory() as args.home:
        return tell(args)


def tell(args):
    if args.read:
        written = json.loads(args.read.read_text(encoding="utf-8"))
        for result in written["results"]:
            table(result, written["machine"])
    else:
        written = measure_all(args)
    facts, results = written["machine"], written["results"]
    print("\n".join(facts["versions"]))
    if args.markdown:
        print("\n" + markdown(facts, results, facts["command"]))
    if args.chart:
        draw(written, args.chart)
    return 0 if any(result["contenders"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
