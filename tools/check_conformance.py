#!/usr/bin/env python3
"""check_conformance.py OCELLUS [--tests FOLDER] [--backend NAME]: the ONNX project's operator tests, and the list of failures.

Runs every test whose operators ocellus knows. Those that don't pass must be in tests/conformance/not_passed.txt, one a line
as `test: reason`, and that list only shrinks: a test in it that passes, and one that the last commit's list does not have,
are errors. Needs Python's onnx package (bench/setup_peers.sh); --write writes the list anew, for its first version.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import onnx

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "tests/conformance/not_passed.txt"
HEADER = "# Operator tests of the ONNX project that do not pass, of operators that are known. This list only shrinks.\n"


def listed(text):
    """The tests of a list's text."""
    return {line.split(":", 1)[0] for line in text.splitlines() if line and not line.startswith("#")}


def committed():
    """The tests of the last commit's list, or None where there is none."""
    name = LIST.relative_to(ROOT).as_posix()
    shown = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True, text=True)
    return listed(shown.stdout) if shown.returncode == 0 else None


def operators(model):
    """The operators of a model, or None if some are of another domain."""
    nodes = onnx.load(model).graph.node
    return {n.op_type for n in nodes} if all(n.domain in ("", "ai.onnx") for n in nodes) else None


def run(ocellus, folder, backend):
    """The tests' results, and those that count: all of whose operators are known."""
    folders = sorted(p for p in folder.iterdir() if (p / "model.onnx").exists())
    command = [ocellus, "conformance", *folders, "--json", "--backend", backend]
    result = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    known = set(result["operators"])
    counted = []
    for test in result["tests"]:
        used = operators(folder / test["name"] / "model.onnx")
        if used is not None and used <= known:
            counted.append(test)
    return counted


def short(reason, folder):
    """A reason without places, names and counts that change from one version of the tests to the next."""
    reason = reason.replace(f"{folder}/", "")
    reason = re.sub(r"^\d+ nodes? (is|are) without a counterpart here: ", "", reason)
    reason = re.sub(r" \((\d+ nodes, the first|node) [^()]*(\([^()]*\))?[^()]*\)", "", reason)
    return re.sub(r"^test_[^:]*: |^[^ ]*model\.onnx: ", "", reason)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("ocellus")
    parser.add_argument("--tests", type=pathlib.Path)
    parser.add_argument("--backend", default="onednn")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.tests or pathlib.Path(temporary)
        if not options.tests:
            subprocess.run([sys.executable, ROOT / "tools/onnx_node_tests.py", folder], check=True)
        counted = run(options.ocellus, folder, options.backend)
        missed = {t["name"]: short(t["reason"], folder) for t in counted if t["outcome"] != "passed"}
    print(f"{len(counted) - len(missed)} of {len(counted)} tests pass, whose operators are all known")
    if options.write:
        LIST.parent.mkdir(exist_ok=True)
        LIST.write_text(HEADER + "".join(f"{name}: {reason}\n" for name, reason in sorted(missed.items())))
        return
    names = listed(LIST.read_text())
    problems = [f"{n} does not pass: {missed[n]}" for n in sorted(set(missed) - names)]
    problems += [f"{n} passes: take it off the list" for n in sorted(names - set(missed))]
    before = committed()
    problems += [f"{n} is new on the list" for n in sorted(names - before)] if before is not None else []
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
