"""Draws docs/benchmarks.svg from ratios.tsv: plot.py RATIOS SVG. The rows that are a ratio to the nginx pair, with their floors and goals."""
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "availbridge", "font.size": 8})
import matplotlib.pyplot as plt  # noqa: E402


def target(name):
    """(floor, goal) of a row, or None."""
    boxes = int(name.split("-")[-2].replace("box", ""))
    if name.startswith("p50-miss"):
        return 1.25, 0.8
    if name.startswith("miss-"):
        return (2.0, 1.0) if boxes == 100 else (1.25, 0.75)
    return (0.4, 0.25) if name.startswith("hit-") else None


def main():
    rows = [line.split("\t") for line in open(sys.argv[1])]
    rows = [(name, float(median), float(least)) for name, median, least in rows if name.endswith("conn") and not name.startswith("nginx-")][::-1]
    figure, axes = plt.subplots(figsize=(8, 0.28 * len(rows) + 1))
    for y, (name, median, least) in enumerate(rows):
        axes.plot([median, least], [y, y], color="0.7", zorder=1)
        axes.plot(median, y, "o", color={"haproxy": "tab:orange", "bare": "0.5"}.get(name.split("-")[0], "tab:blue"), zorder=2)
        axes.plot(least, y, "|", color="black", zorder=2)
        for x, mark in zip(target(name) or (), ("tab:red", "tab:green")):
            axes.plot([x, x], [y - 0.4, y + 0.4], color=mark)
    axes.axvline(1, color="0.5", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks([0.25, 0.5, 1, 2, 4, 8], ["0.25", "0.5", "1", "2", "4", "8"])
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.set_xlabel("times the nginx pair: dot median, stroke min/min; red the floor, green the goal")
    figure.savefig(sys.argv[2], bbox_inches="tight", metadata={"Date": None})


main()
