"""How results are told: a table for the terminal, one of Markdown for docs/performance.md."""

import statistics

from comparison.measure import pairs, share_of_peak, verdicts

BUSY = 0.3  # cores of other programs from which on a share of the peak is no result


def table(result, facts):
    """One piece of work; ratios are a contender's time over the first one's."""
    print(f"{result['work']}: {result['network']}, {result['mode']}, batch {result['batch']}, "
          f"{result['gflop']:.3g} GFLOP a step; {result['threads']} threads, "
          f"{result['rounds']} rounds of {result['steps']} steps{disturbance(result)}")
    rows = result["contenders"]
    if rows:
        last = "memory MB" if "memory" in rows[0] else "of peak"
        print(f"  {'':32}{'median ms':>10}{'fastest':>10}{'slowest':>10}   "
              f"{'time / ' + rows[0]['label'] + ' (quartiles)':34}{'of fastest':>10}{last:>10}")
    for one in rows:
        low, middle, high = pairs(one, rows[0])
        ratio = f"{middle:.2f} ({low:.2f} to {high:.2f})"
        milliseconds = "".join(f"{one[key] * 1e3:10.4g}" for key in ("seconds", "fastest", "slowest"))
        fastest = one["fastest"] / rows[0]["fastest"]
        print(f"  {one['label']:32}{milliseconds}   {ratio:34}{fastest:10.2f}{last_column(result, one, facts):>10}")
    for label, reason in result["left_out"].items():
        print(f"  {label}: left out, {reason}")
    print(flush=True)


def last_column(result, row, facts):
    if "memory" in row:
        return f"{statistics.median(row['memory']) / 1e6:.0f}"
    share = share_of_peak(result, row, row["seconds"], facts)
    return "-" if share is None else f"{share:.0%}"


def disturbance(result):
    others = result["others"]
    return f"; others kept {others['median']:.1f} cores busy, at most {others['most']:.1f}" if others else ""


def bar_text(said):
    if said["bar"] is None:
        return "none on this processor"
    return f"≥ {said['bar']:.0%}" if said["share"] else f"≤ {said['bar']:.2f}"


def held(said, result):
    """Whether the bar is met. The peak is an undisturbed one, of which a share says nothing where others compute too."""
    if said["bar"] is None:
        return "-"
    if said["share"] and result["others"]["median"] > BUSY:
        return "not to be judged: busy"
    ratio = said["ratio"]
    return "met" if (ratio >= said["bar"] if said["share"] else ratio <= said["bar"]) else "missed"


def ratio_text(said):
    if said["share"]:
        return f"{said['ratio']:.0%}"
    low, high = said["quartiles"]
    return f"{said['ratio']:.2f} ({low:.2f} to {high:.2f})"


def machine_text(facts):
    text = f"{facts['cpu']}, {facts['cores']} cores"
    if facts["peak"]:
        figures = ", ".join(f"{gflops:.0f}" for gflops in facts["peak"]["gflops"])
        count = len(facts["peak"]["gflops"])
        text += f"; multiply-add peak with 1 to {count} threads: {figures} GFLOP/s ({facts['peak']['target']})"
    return text


def markdown(facts, results, command):
    """The table of docs/performance.md: each work with its bar and what was measured, and above it where and how."""
    lines = [f"{machine_text(facts)}; {facts['date']}; `{command}`; {', '.join(facts['versions'])}.", "",
             "| work | bar | measured (quartiles) | of the fastest steps | against | ncnn | threads | others' cores | "
             "bar is |", "|---|---|---|---|---|---|---|---|---|"]
    for result in results:
        others = f"{result['others']['median']:.1f}" if result["others"] else "-"
        for said in verdicts(result, facts):
            name = said["work"] + ("" if said["who"] == "ocellus" else f", {said['who']}")
            fastest = f"{said['fastest']:.0%}" if said["share"] else f"{said['fastest']:.2f}"
            beside = f"{said['beside']['ratio']:.2f}" if "beside" in said else ""
            lines.append(f"| {name} | {bar_text(said)} | {ratio_text(said)} | {fastest} | {said['against']} | "
                         f"{beside} | {result['threads']} | {others} | {held(said, result)} |")
    missing = [f"- {result['work']}, {label}: left out, {reason}" for result in results
               for label, reason in result["left_out"].items()]
    return "\n".join(lines + ([""] + missing if missing else []))
