#!/usr/bin/env python3
"""check_size.py: headers have at most 300 lines, sources 800, functions 60; a file in tests/ has at most 50 KB."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["include", "src", "cli", "tests", "examples", "bench"]
HEADER_LINES, SOURCE_LINES, FUNCTION_LINES, TEST_BYTES = 300, 800, 60, 50_000

# Exceptions: (file, "lines" | "bytes" | function name) -> the size allowed. This list only shrinks: an entry that is no
# longer needed is an error.
ALLOWED = {}

# Comments, raw strings, strings, characters, preprocessor lines: replaced by blanks, so that braces mean what they say.
HIDDEN = re.compile(
    r"""//(?:\\\n|[^\n])*|/\*.*?\*/|\bR"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"""
    r"""|^[ \t]*\#(?:\\\n|[^\n])*""",
    re.DOTALL | re.MULTILINE,
)
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
TEMPLATE = re.compile(r"^\s*template\s*<[^{};]*?>(?=\s*(?:\w|\[\[))")


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def kind_of(head):
    """What an opening brace after `head` (the text since the last statement) begins: scope, function or other."""
    head = TEMPLATE.sub("", head).strip()
    if head.endswith(("=", "(", ",")):
        return "other"
    body = re.search(r"\)\s*(const|noexcept|override|final|mutable|try|&|\s|->.*|:.*|requires.*)*$", head, re.DOTALL)
    if SCOPE.match(head) and not body:
        return "scope"
    return "function" if body else "other"


def functions(text):
    """(name, first line, number of lines) of each function of C++ source, found by counting braces."""
    code = HIDDEN.sub(blank, text)
    stack, start, function_at = [], 0, None
    for match in re.finditer(r"[{};]", code):
        at, sign = match.start(), match[0]
        inside = function_at is not None
        if sign == "{":
            kind = "nested" if inside else kind_of(code[start:at])
            stack.append(kind)
            if kind == "function":
                head = code[start:at]
                function_at = start + len(head) - len(head.lstrip())
        elif sign == "}" and stack:
            if stack.pop() == "function":
                first, last = code.count("\n", 0, function_at) + 1, code.count("\n", 0, at) + 1
                name = re.search(r"([\w:~]+|operator\W+)\s*\(", code[function_at:at])
                yield name[1] if name else "?", first, last - first + 1
                function_at = None
        if not stack or stack[-1] == "scope":
            start = at + 1


def sizes():
    """(file, what, size, limit, where) of everything that has a limit."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if not path.is_file() or "/." in name or "/__pycache__/" in name:
                continue
            if folder == "tests":
                yield name, "bytes", path.stat().st_size, TEST_BYTES, name
            if path.suffix in (".h", ".cpp"):
                text = path.read_text(encoding="utf-8")
                yield name, "lines", text.count("\n"), HEADER_LINES if path.suffix == ".h" else SOURCE_LINES, name
                for function, line, length in functions(text):
                    yield name, function, length, FUNCTION_LINES, f"{name}:{line}: {function}"


def main():
    problems, used = [], set()
    for name, what, size, limit, where in sizes():
        if size <= limit:
            continue
        if (name, what) in ALLOWED:
            used.add((name, what))
            limit = ALLOWED[name, what]
        if size > limit:
            unit = "bytes" if what == "bytes" else "lines"
            problems.append(f"{where} has {size} {unit}; {limit} are allowed")
    problems += [f"ALLOWED: {what} of {name} is no longer needed" for name, what in sorted(ALLOWED.keys() - used)]
    for problem in problems:
        print(problem)
    if not problems:
        print("sizes: fine")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
