"""chart.py RESULTS.json OUT.png: a picture of what compare.py --json wrote. A panel for each piece of work with a bar
of milliseconds for each contender, ours in colour. compare.py --chart runs it with the peers' Python, which has
matplotlib."""

import json
import pathlib
import statistics
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402: the backend is chosen first

OURS, PEER, BESIDE, INK, PALE = "#d1495b", "#9fb3c8", "#cfd8e3", "#243b53", "#829ab1"
ROW_INCHES, TITLE_INCHES = 0.26, 0.52
SETTINGS = {"font.size": 9, "font.family": "DejaVu Sans", "text.color": INK, "axes.labelcolor": INK,
            "ytick.color": INK, "xtick.color": PALE}
MODES = {"train": "training step", "gradients": "gradients", "predict": "prediction",
         "style": "gradient of style transfer", "start": "start to first prediction"}


def versus_peers(result):
    """Otherwise it is a work among ourselves, whose first contender is what the others are measured against."""
    return {row["program"]["name"] for row in result["contenders"]} != {"ocellus"}


def mine(result, row):
    return row["label"] == "ocellus" if versus_peers(result) else row is not result["contenders"][0]


def draw_panel(axes, result):
    rows = sorted(result["contenders"], key=lambda row: row["seconds"])
    values = [row["seconds"] * 1e3 for row in rows]
    colours = [OURS if mine(result, row) else BESIDE if row["beside"] else PEER for row in rows]
    axes.barh(range(len(rows)), values, color=colours, height=0.72)
    axes.set_yticks(range(len(rows)), [row["label"] for row in rows])
    for tick, row in zip(axes.get_yticklabels(), rows):
        tick.set_fontweight("bold" if mine(result, row) else "normal")
    for place, row in enumerate(rows):
        text = f"{values[place]:.3g} ms" if values[place] < 1000 else f"{values[place]:.0f} ms"
        if "memory" in row:
            text += f", {statistics.median(row['memory']) / 1e6:.0f} MB"
        axes.annotate(text, (values[place], place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    batch = f", batch {result['batch']}" if result["batch"] > 1 else ""
    name = result["network"].split(",")[0].split(" (")[0]
    alone = "" if versus_peers(result) else ", ours alone"
    axes.set_title(f"{name}: {MODES[result['mode']]}{batch}{alone}", loc="left", fontsize=10, fontweight="bold")
    axes.set_xlim(0, max(values) * 1.24)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks([])
    axes.tick_params(length=0)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.spines["left"].set_color(PALE)


def disturbance(results):
    """Said when other programs had a part in the times."""
    most = max(result["others"]["median"] for result in results)
    return f"; other programs kept up to {most:.1f} cores busy" if most > 0.2 else ""


def draw(facts, results, path):
    """Panels in two columns, filled so that both are about as high."""
    results = [result for result in results if len(result["contenders"]) > 1]
    if not results:
        raise SystemExit("chart: no work with more than one contender")
    columns, heights = [[], []], [0.0, 0.0]
    for result in results:
        shorter = heights.index(min(heights))
        columns[shorter].append(result)
        heights[shorter] += TITLE_INCHES + ROW_INCHES * len(result["contenders"])
    used = [(column, high) for column, high in zip(columns, heights) if column]
    head = 0.62
    height = max(heights) + head
    with pyplot.rc_context(SETTINGS):
        figure = pyplot.figure(figsize=(6.4 * len(used), height))
        for place, (column, _) in enumerate(used):
            top = height - head
            for result in column:
                rows = ROW_INCHES * len(result["contenders"])
                top -= TITLE_INCHES + rows
                left, width = (place + 0.33) / len(used), 0.63 / len(used)
                draw_panel(figure.add_axes((left, (top + 0.12) / height, width, rows / height)), result)
        threads = sorted({result["threads"] for result in results})
        figure.text(0.02, 1 - 0.28 / height, "ocellus and its peers, milliseconds: shorter is faster", fontsize=13,
                    fontweight="bold")
        figure.text(0.02, 1 - 0.52 / height, f"{facts['cpu']}; threads: {', '.join(map(str, threads))}; "
                    f"{facts['date']}{disturbance(results)}", fontsize=8.5, color=PALE)
        figure.savefig(path, dpi=130, facecolor="white")


if __name__ == "__main__":
    written = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    draw(written["machine"], written["results"], sys.argv[2])
