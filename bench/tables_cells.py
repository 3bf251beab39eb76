#!/usr/bin/env python3
"""Counting cells of a 10 M-row CSV: `Dataset::count` against polars' streaming group-by, in one run.

Usage: python3 bench/tables_cells.py WORKDIR [--rows 10000000] [--runs 5]

Makes in WORKDIR a virtual environment with polars and a CSV of Adult rows drawn with a fixed seed (9 columns, with
predictions and scores), then runs both programs alternately on the warm file and prints CPU seconds (user + system, of
the child process), wall seconds, peak memory and the ratio of the medians. Both must find the same counts.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
POLARS = "polars==2.1.0"

MAKE = """
import sys, polars as pl
source, target, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
pl.set_random_seed(20261121)
adult = pl.read_csv(source).select("age", "race", "sex", "education", "occupation", "hours-per-week", "income")
drawn = adult.sample(rows, with_replacement=True, seed=20261121)
noise = pl.int_range(rows, dtype=pl.UInt64).hash(seed=7) % 1_000_000
drawn = drawn.with_columns(
    score=((noise + pl.when(pl.col("income") == ">50K").then(300_000).otherwise(0)) % 1_000_000 / 1e6)
).with_columns(prediction=(pl.col("score") >= 0.6).cast(pl.Int8))
drawn.write_csv(target)
"""

QUERY = """
import sys, polars as pl
AGE = pl.col("age")
BAND = (pl.when(AGE <= 25).then(pl.lit("..25")).when(AGE <= 35).then(pl.lit("26..35"))
        .when(AGE <= 45).then(pl.lit("36..45")).when(AGE <= 55).then(pl.lit("46..55"))
        .when(AGE <= 65).then(pl.lit("56..65")).otherwise(pl.lit("66..")).alias("band"))
KEYS = ["race", "sex", "band", "income", "prediction"]
rows = pl.scan_csv(sys.argv[1])
if sys.argv[2] == "band-first":
    counts = rows.with_columns(BAND).group_by(KEYS).len().collect(engine="streaming")
else:
    by_age = rows.group_by("race", "sex", "age", "income", "prediction").len().collect(engine="streaming")
    counts = by_age.with_columns(BAND).group_by(KEYS).agg(pl.col("len").sum())
for race, sex, band, income, prediction, count in sorted(counts.iter_rows()):
    print(race, sex, band, int(income == ">50K"), prediction, 65535, count, sep="\\t")
"""


def run(command):
    """Runs a command; returns its output, CPU seconds, wall seconds and peak MB."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    if status != 0:
        sys.exit(f"{command[0]} failed")
    return output, usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def build():
    """Builds the example; returns its path."""
    command = ["cargo", "build", "--release", "--example", "count_cells", "-p", "assize-tables", "--message-format=json"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = (json.loads(line) for line in output.splitlines())
    built = [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "count_cells"]
    return built[-1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workdir", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    options.workdir.mkdir(parents=True, exist_ok=True)
    python = options.workdir / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", options.workdir / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", POLARS], check=True)
    data = options.workdir / f"adult_{options.rows}.csv"
    if not data.exists():
        source = ROOT / "data" / "samples" / "adult.csv"
        subprocess.run([python, "-c", MAKE, source, data, str(options.rows)], check=True)
    print(f"{data.name}: {data.stat().st_size / 1e6:.1f} MB, {options.rows} rows")
    ours = build()
    programs = {
        "assize count": [ours, data],
        "assize count, with score": [ours, data, "--score"],
        "polars, bands first": [python, "-c", QUERY, data, "band-first"],
        "polars, ages first": [python, "-c", QUERY, data, "age-first"],
    }
    figures = {name: [] for name in programs}
    outputs = {}
    for index in range(options.runs + 1):
        for name, command in programs.items():
            output, *measured = run([str(part) for part in command])
            outputs[name] = sorted(output.splitlines())
            if index > 0:  # the first round warms the page cache
                figures[name].append(measured)
    plain = [outputs[name] for name in programs if "score" not in name]
    if any(output != plain[0] for output in plain):
        sys.exit("the programs disagree")
    median = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in figures.items()}
    for name, (cpu, wall, peak) in median.items():
        print(f"{name:26} {cpu:7.2f} CPU s {wall:7.2f} wall s {peak:7.0f} MB peak")
    rival = min(cpu for name, (cpu, *_) in median.items() if name.startswith("polars"))
    print(f"ratio of CPU seconds to the better polars: {median['assize count'][0] / rival:.2f}")


if __name__ == "__main__":
    main()
