#!/usr/bin/env python3
"""check_layers.py: every folder includes only folders to its left.

Also: public headers include only public and standard headers; the umbrella header lists every public header; a library
that one folder hides is included nowhere else.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["base", "tensor", "graph", "ops", "engine", "backend", "nn", "data", "train", "model", "zoo", "io", "vision"]
UMBRELLA = "ocellus/ocellus.h"

# A third-party header and the only files that may include it.
PRIVATE_LIBRARIES = {
    r"(dnnl|oneapi/dnnl)": r"src/backend/onednn/.*",
    r"(onnx|google)/": r"src/io/(onnx|caffe)/.*",
    r"hdf5": r"src/io/keras/.*",
    r"zip\.h": r"src/io/keras/.*",
    r"hwy/": r"src/(backend/simd/.*|(train|data)/.*_simd\.cpp)",
}

# Exceptions, as (file, included header). This list only shrinks: an entry that is no longer needed is an error.
ALLOWED = set()
# Public headers that the umbrella header leaves out, with the reason. This list only shrinks too.
NOT_IN_UMBRELLA = {}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path):
    """(line number, bracket, header) of each include of a file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1], match[2]


def folder_of(name):
    """The folder of FOLDERS that a path relative to include/ocellus or src lies in, or None."""
    first = name.split("/")[0]
    return first if "/" in name and first in FOLDERS else None


def included_folder(path, bracket, header):
    """The folder that an include leads to, or None for a header that is not ours."""
    if bracket == '"':
        beside = (path.parent / header).resolve()
        if beside.exists() and ROOT / "src" in beside.parents:
            return folder_of(beside.relative_to(ROOT / "src").as_posix())
    return folder_of(header.removeprefix("ocellus/"))


def complaint(path, public, bracket, header):
    """What is wrong with one include, or None."""
    name = path.relative_to(ROOT).as_posix()
    own = folder_of(path.relative_to(ROOT / ("include/ocellus" if public else "src")).as_posix())
    if own is None:
        return "lies in none of the folders " + " ".join(FOLDERS)
    if header == UMBRELLA:
        return f"includes <{UMBRELLA}>, which is for users"
    if public and not header.startswith("ocellus/") and not re.fullmatch(r"[a-z_0-9]+", header):
        return f"is public but includes {header}, which is neither public nor standard"
    if public and header.startswith("ocellus/") and bracket == '"':
        return f'includes "{header}" in quotes; installed headers use <{header}>'
    for library, allowed in PRIVATE_LIBRARIES.items():
        if re.match(library, header) and not re.fullmatch(allowed, name):
            return f"includes {header}, which only {allowed} may"
    other = included_folder(path, bracket, header)
    if other is not None and FOLDERS.index(other) > FOLDERS.index(own):
        return f"includes {header}: {own} must not know {other}"
    return None


def check_includes():
    problems, used = [], set()
    for public, top in ((True, ROOT / "include/ocellus"), (False, ROOT / "src")):
        for path in sorted(top.rglob("*.h")) + sorted(top.rglob("*.cpp")):
            name = path.relative_to(ROOT).as_posix()
            if name == "include/" + UMBRELLA:
                continue
            for number, bracket, header in includes(path):
                problem = complaint(path, public, bracket, header)
                if problem and (name, header) in ALLOWED:
                    used.add((name, header))
                elif problem:
                    problems.append(f"{name}:{number}: {problem}")
    problems += [f"ALLOWED: {name} including {header} is no longer needed" for name, header in sorted(ALLOWED - used)]
    return problems


def check_umbrella():
    listed = {header for _, _, header in includes(ROOT / "include" / UMBRELLA)}
    public = {path.relative_to(ROOT / "include").as_posix() for path in (ROOT / "include/ocellus").rglob("*.h")}
    public.add("ocellus/base/version.h")  # generated
    public.discard(UMBRELLA)
    problems = [f"include/{UMBRELLA}: lacks <{header}>" for header in sorted(public - listed - NOT_IN_UMBRELLA.keys())]
    problems += [f"NOT_IN_UMBRELLA: {header} is no longer needed"
                 for header in sorted(NOT_IN_UMBRELLA.keys() - (public - listed))]
    return problems


def main():
    problems = check_includes() + check_umbrella()
    for problem in problems:
        print(problem)
    if not problems:
        print("folder order: fine")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
