# SPDX-License-Identifier: MIT
"""The plots of docs/performance.md, drawn by gnuplot. Nothing is behind them
and their grey is halfway, so they can be read on white and on black."""
import shutil
import subprocess

GREY = "#7d8590"
COLOURS = {"sluice": "#0a84ff", "relay": GREY, "NATS": "#2da44e",
           "Redis": "#e5534b", "Mosquitto": "#c98500", "the book": "#a371f7"}
TITLES = {"relay": "ceiling (relay)"}

# name: title, axes, and the lines: key, what is added to the broker's name,
# dash type
PLOTS = {
    "subscribers": (
        "Throughput by number of subscribers, 100 B",
        "subscribers", "messages delivered per second",
        (("rate", "", 1),)),
    "size": (
        "Throughput by message size, 1 to 1",
        "bytes of a message", "MB delivered per second",
        (("mb", "", 1),)),
    "latency": (
        "Latency under rising load, 1 to 1, 100 B",
        "messages per second", "microseconds from when it was due",
        (("p50", " p50", 1), ("p99", " p99", 2))),
}

HEAD = """
set terminal svg size 760,470 dynamic font "sans-serif,14" linewidth 1.2
set output "{output}"
set title "{title}" textcolor rgb "{grey}" font ",16"
set xlabel "{x}" textcolor rgb "{grey}"
set ylabel "{y}" textcolor rgb "{grey}"
set border 3 linecolor rgb "{grey}"
set grid linecolor rgb "{grey}" dashtype 3 linewidth 0.5
set tics nomirror textcolor rgb "{grey}"
set key outside right center Left reverse width -3 samplen 2 spacing 1.3
set key textcolor rgb "{grey}"
set logscale xy
set format y "%.0s%c"
set xtics ({ticks}) nolog
set xrange [{first}*0.85:{last}*1.18]
"""


def is_possible():
    return shutil.which("gnuplot") is not None


def tick(value):
    for unit, size in (("M", 10**6), ("k", 1000)):
        if value >= size and value % size == 0:
            return f"{value // size}{unit}"
    if value >= 1024 and value % 1024 == 0:
        return f"{value // 1024}Ki"
    return str(value)


def lines(points, keys):
    """(title, style, [(x, y), ...]) of each line that has points."""
    for name, colour in COLOURS.items():
        for key, suffix, dash in keys:
            data = [(x, values[name][key]) for x, values in points
                    if name in values]
            if not data:
                continue
            width = 3 if name == "sluice" else 1.7
            dash = 3 if name == "relay" else dash
            yield (TITLES.get(name, name) + suffix,
                   f'linecolor rgb "{colour}" linewidth {width} dashtype {dash}'
                   " pointtype 7 pointsize 0.45", data)


def script(name, points, output):
    title, x, y, keys = PLOTS[name]
    places = [x for x, _ in points]
    text = HEAD.format(
        output=output, title=title, x=x, y=y, grey=GREY, first=places[0],
        last=places[-1],
        ticks=", ".join(f'"{tick(place)}" {place}' for place in places))
    blocks, plotted = [], []
    for number, (title, style, data) in enumerate(lines(points, keys)):
        rows = "\n".join(f"{x} {y}" for x, y in data)
        blocks.append(f"$data{number} << END\n{rows}\nEND\n")
        plotted.append(f'$data{number} with linespoints {style}'
                       f' title "{title}"')
    return text + "".join(blocks) + "plot " + ", \\\n".join(plotted) + "\n"


def write(curves, folder):
    folder.mkdir(exist_ok=True)
    for name, points in curves.items():
        subprocess.run(["gnuplot"], text=True, check=True,
                       input=script(name, points, folder / f"{name}.svg"))
