#!/usr/bin/env python3
"""count_tests.py RESULTS: sums the tests of a ctest run; the last line is `N passed, M failed, K skipped`.

RESULTS holds ctest.xml (ctest --output-junit) and one JSON report per GoogleTest program. A GoogleTest program counts
as its tests; anything else that ctest ran counts as one. A program that failed without a failed test in its report
(it crashed, or a sanitizer stopped it) counts as one failure more. Lines that a test printed with `note: ` are shown.
"""
import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def gtest_counts(report):
    """(passed, failed, skipped) of one GoogleTest report, and the names of what failed or was skipped."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    lines = []
    for suite in json.loads(report.read_text())["testsuites"]:
        for test in suite["testsuite"]:
            name = f'{suite["name"]}.{test["name"]}'
            if test.get("failures"):
                outcome = "failed"
            elif test["status"] == "NOTRUN" or test["result"] in ("SKIPPED", "SUPPRESSED"):
                outcome = "skipped"
            else:
                outcome = "passed"
            counts[outcome] += 1
            if outcome != "passed":
                lines.append(f"{outcome}: {name}")
    return counts, lines


def ctest_outcome(case):
    """The outcome of one test as ctest saw it."""
    status = case.get("status")
    if status == "run":
        return "passed"
    skipped = case.find("skipped")
    if status in ("notrun", "disabled") and skipped is not None and "SKIP" in skipped.get("message", ""):
        return "skipped"
    return "failed"


def main():
    results = pathlib.Path(sys.argv[1])
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for case in ElementTree.parse(results / "ctest.xml").getroot().iter("testcase"):
        name, outcome = case.get("name"), ctest_outcome(case)
        report = results / f"test_{name}.json"
        counts, lines = {outcome: 1}, [] if outcome == "passed" else [f"{outcome}: {name}"]
        if report.exists() and report.stat().st_size > 0:
            counts, lines = gtest_counts(report)
            if outcome == "failed" and counts["failed"] == 0:
                counts["failed"] = 1
                lines.append(f"failed: test_{name} (ended badly after its tests)")
        for key, value in counts.items():
            totals[key] += value
        output = case.findtext("system-out") or ""
        lines += [line for line in output.splitlines() if line.startswith("note: ")]
        for line in lines:
            print(line)
    print(f'{totals["passed"]} passed, {totals["failed"]} failed, {totals["skipped"]} skipped')
    return 1 if totals["failed"] or not totals["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
