#!/usr/bin/env python3
"""check_docs.py: what the documentation shows is what the tree holds.

In README.md, CONTRIBUTING.md, bench/README.md and docs/:
- a block of C++ or CMake stands below a comment `<!-- from FILE -->` and is, line by line, a part of that file, which is
  built and tested like any other;
- links lead to files that exist;
- paths in `code` that begin with a folder of the tree exist; `*` stands for anything that does, and of a path with a
  placeholder, `<name>` or NN, the folder must exist.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ["README.md", "CONTRIBUTING.md", "bench/README.md", "docs/**/*.md"]
FOLDERS = "include src cli cmake docs examples tests tools bench".split()
CHECKED = ("cpp", "cmake")

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SOURCE = re.compile(r"<!-- from (\S+) -->\n\Z")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PLACEHOLDER = re.compile(r"[^/]*(<|NN).*")
PATH = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[^`\s]*)`")


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def is_part(block, lines):
    """Whether the lines of `block` follow each other somewhere in `lines`."""
    return any(lines[i:i + len(block)] == block for i in range(len(lines) - len(block) + 1))


def blocks(text):
    """(position, complaint) of each block that is not what its file says; blocks that are right give no complaint."""
    for match in BLOCK.finditer(text):
        source = SOURCE.search(text[:match.start()])
        if source is None:
            if match[1] in CHECKED:
                yield match.start(), f"a block of {match[1]} without `<!-- from FILE -->` above it"
            continue
        file = ROOT / source[1]
        if not file.is_file():
            yield match.start(), f"there is no {source[1]}"
        elif not is_part(match[2].splitlines(), file.read_text(encoding="utf-8").splitlines()):
            yield match.start(), f"the block is no part of {source[1]}"
        else:
            yield match.start(), None


def made_by_hand(path):
    """Whether .gitignore names the folder: what a reader makes for himself need not be here."""
    ignored = {line.strip().strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()}
    return path.strip("/") in ignored


def references(page, text):
    prose = BLOCK.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in LINK.finditer(prose):
        if "://" not in match[1] and not (page.parent / match[1]).exists():
            yield match.start(), f"the link to {match[1]} leads nowhere"
    for match in PATH.finditer(prose):
        if not any(ROOT.glob(PLACEHOLDER.sub("", match[1]).rstrip("/"))) and not made_by_hand(match[1]):
            yield match.start(), f"there is no {match[1]}"


def main():
    problems, checked = [], 0
    for page in sorted(path for pattern in PAGES for path in ROOT.glob(pattern)):
        text = page.read_text(encoding="utf-8")
        name = page.relative_to(ROOT).as_posix()
        for at, complaint in [*blocks(text), *references(page, text)]:
            if complaint is None:
                checked += 1
            else:
                problems.append(f"{name}:{line_of(text, at)}: {complaint}")
    for problem in problems:
        print(problem)
    if not problems:
        print(f"documentation: fine, {checked} blocks as in their files")
    return 1 if problems or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
