"""The rounds of one piece of work, and what is told of them."""

import os
import pathlib
import statistics
import time

from comparison.contender import Failure, Process, Starts
from comparison.works import NETWORKS, WORKS


def start(work, args):
    """The contenders that can start, and why the others cannot."""
    running, left_out = [], {}
    for contender in work.contenders:
        if (contender.slow and not args.all) or (contender.single and args.threads == 1):
            continue
        try:
            running.append((Starts if work.mode == "start" else Process)(contender, work, args))
        except Failure as failure:
            left_out[contender.label] = str(failure)
    return running, left_out


def take_turns(running, left_out, work, count):
    """Each contender's turns, lists of seconds, and how many cores others kept busy during each. A contender that fails
    is left out from then on, with what it did before."""
    turns, others = {process: [] for process in running}, []
    for turn in range(count):
        first = turn % len(running) if running else 0
        for process in running[first:] + running[:first]:
            try:
                with Watch(process, others):
                    turns[process].append(process.turn(work.steps))
            except Failure as failure:
                left_out[process.contender.label] = str(failure)
        running = [process for process in running if process.contender.label not in left_out]
    return {process: turns[process] for process in running}, others


def measure(name, args):
    """One piece of work by all its contenders: a dict that the report prints and --json writes."""
    work = WORKS[name]
    running, left_out = start(work, args)
    try:
        turns, others = take_turns(running, left_out, work, args.rounds)
        rows = [row(process, found, work) for process, found in turns.items()]
    finally:
        for process in running:
            process.close()
    return {"work": name, "network": NETWORKS[work.network].title, "mode": work.mode, "batch": work.batch,
            "threads": args.threads, "rounds": args.rounds, "steps": work.steps, "gflop": work.operations() * 1e-9,
            "others": {"median": statistics.median(others), "most": max(others)} if others else None,
            "load": os.getloadavg()[0], "left_out": left_out, "contenders": rows}


class Watch:
    """How many cores others kept busy during a turn: what a load average would say, but without the contender's own
    part and without looking back."""

    def __init__(self, process, found):
        self.process, self.found = process, found

    def __enter__(self):
        self.before = self.used()

    def __exit__(self, kind, *_):
        if kind is None:
            wall, busy = (after - before for after, before in zip(self.used(), self.before))
            self.found.append(max(0.0, busy / wall))

    def used(self):
        user, nice, system = pathlib.Path("/proc/stat").read_text().split(None, 4)[1:4]
        everyone = (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")
        return time.monotonic(), everyone - self.process.processor_seconds()


def quartiles(values):
    """First quartile, median, third quartile."""
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3


def pairs(mine, theirs, key="medians"):
    """Quartiles of the ratios within rounds: what disturbs the machine for a while is in both of a pair."""
    return quartiles([a / b for a, b in zip(mine[key], theirs[key])])


def row(process, turns, work):
    """One contender's figures."""
    steps = [second for turn in turns for second in turn]
    medians = [statistics.median(turn) for turn in turns]
    result = {
        "label": process.contender.label, "program": process.greeting, "threads": process.threads,
        "beside": process.contender.beside, "parameters": process.facts.get("parameters"),
        "seconds": statistics.median(medians), "fastest": min(steps), "slowest": max(steps), "medians": medians}
    if work.mode == "start":
        result["memory"] = process.memory
    return result


def share_of_peak(result, row, seconds, facts):
    """Of the peak that as many threads have; None where it was not measured."""
    if not facts["peak"] or result["mode"] == "start":
        return None
    gflops = facts["peak"]["gflops"]
    return result["gflop"] / seconds / gflops[min(row["threads"], len(gflops)) - 1]


def verdicts(result, facts):
    """What the bars say of a piece of work: a list of dicts with the bar, the ratio (or share), its quartiles, and
    against whom."""
    work, rows = WORKS[result["work"]], {row["label"]: row for row in result["contenders"]}
    found = []
    for contender in work.contenders:
        mine = rows.get(contender.label)
        if not contender.bar or not mine:
            continue
        said = {"work": result["work"], "who": contender.label, "bar": contender.bar.on(facts["flags"]),
                "share": contender.bar.share}
        ratio = shared(result, mine, facts) if contender.bar.share else against_others(work, mine, rows)
        if ratio:
            found.append(said | ratio)
        if work.memory and "ONNX Runtime" in rows:
            found.append(said | {"bar": work.memory.on(facts["flags"]), "who": "peak memory"}
                         | compared(mine, rows["ONNX Runtime"], "memory"))
    return found


def shared(result, mine, facts):
    """A share of the peak, and what the fastest step would make it."""
    return facts["peak"] and {"ratio": share_of_peak(result, mine, mine["seconds"], facts), "against": "peak",
                              "fastest": share_of_peak(result, mine, mine["fastest"], facts)}


def against_others(work, mine, rows):
    """Against the first contender in a work among ourselves, else against the fastest peer, and those beside them."""
    first = work.contenders[0].label
    if mine["label"] != first:
        return rows.get(first) and compared(mine, rows[first])
    peers = [row for row in rows.values() if row is not mine and not row["beside"]]
    fastest = min(peers, key=lambda peer: pairs(peer, mine)[1], default=None)
    beside = {"beside": compared(mine, row) for row in rows.values() if row["beside"]}
    return fastest and compared(mine, fastest) | beside


def compared(mine, other, key="medians"):
    low, ratio, high = pairs(mine, other, key)
    fastest = min(mine[key]) / min(other[key]) if key != "medians" else mine["fastest"] / other["fastest"]
    return {"ratio": ratio, "quartiles": [low, high], "fastest": fastest, "against": other["label"]}
