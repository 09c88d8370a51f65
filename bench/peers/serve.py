"""The protocol between bench/compare.py and whatever it measures: one request a line, one JSON object a line back.

    (start)                            -> {"name": "PyTorch", "version": "2.15.0", ...}
    prepare NETWORK MODE BATCH THREADS [OPTION...]
                                       -> {"parameters": 61706}   after the first, slow steps
    step COUNT                         -> {"seconds": [0.0021, ...]}   one figure a step
    quit                               -> (ends)

MODE is train, predict or gradients. A request that cannot be served is answered {"error": "..."}, and the next one is
read. "fresh": true in the answer to prepare means that a turn needs no steps that are not timed, because it makes its
own.
Our own side, bench/runner.cpp, speaks the same.
"""

import json
import sys
import time

WARM_UP, ENOUGH_S = 16, 5  # first steps that are not timed: so many, or for so many seconds


def timed(step, count):
    """Seconds of each of `count` calls."""
    seconds = []
    for _ in range(count):
        begin = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - begin)
    return seconds


def warm_up(step):
    """The slow, first calls."""
    step()
    end = time.monotonic() + ENOUGH_S
    for _ in range(WARM_UP - 1):
        step()
        if time.monotonic() > end:
            return


def serve(greeting, prepare, timed=timed):
    """Answers requests until standard input ends. `prepare(network, mode, batch, threads, options)` returns the step,
    which `timed(step, count)` takes, and what is worth knowing about it, a dict."""
    step = None
    answer(greeting)
    for line in sys.stdin:
        verb, *words = line.split() or [""]
        try:
            if verb == "quit":
                return
            elif verb == "prepare":
                network, mode, batch, threads, *options = words
                step, facts = prepare(network, mode, int(batch), int(threads), options)
                answer(facts)
            elif verb == "step" and step:
                answer({"seconds": timed(step, int(words[0]))})
            else:
                answer({"error": f"not understood: {line.strip()}"})
        except Exception as error:  # whatever a framework throws is one contender's trouble, not the comparison's
            answer({"error": f"{type(error).__name__}: {error}".splitlines()[0]})


def answer(fields):
    print(json.dumps(fields), flush=True)
