#!/usr/bin/env python3
"""Times opening a stored forest of some 100 MB against reading and inflating its bytes.

    python3 bench/load_forest.py --adult adult.csv [--repeats 5]

Run it in a virtual environment with scikit-learn, pandas and joblib. The forest is stored by joblib with zlib; the bare
bytes are read and inflated by Python's zlib, the file is opened by the example `predict_bench`; alternating, wall
seconds, medians.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
import zlib

import joblib
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adult", required=True)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "-p", "assize-models", "--example", "predict_bench"], check=True, cwd=ROOT)
    frame = pd.read_csv(options.adult, keep_default_na=False)
    labels = (frame.pop("income") == ">50K").to_numpy(int)
    numeric = pd.api.types.is_numeric_dtype
    codes = frame.apply(lambda column: column if numeric(column) else column.astype("category").cat.codes).astype(float)
    model = RandomForestClassifier(131, n_jobs=1, random_state=0).fit(codes, labels)
    with tempfile.TemporaryDirectory() as folder:
        stored, rows = f"{folder}/model.joblib.z", f"{folder}/rows.csv"
        joblib.dump(model, stored, compress=("zlib", 3))
        codes.head(16).to_csv(rows, index=False)
        inflating, opening = [], []
        for _ in range(options.repeats):
            start = time.perf_counter()
            with open(stored, "rb") as file:
                inflated = len(zlib.decompress(file.read()))
            inflating.append(time.perf_counter() - start)
            command = [TARGET / "release/examples/predict_bench", stored, rows, "1"]
            opening.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["open"])
        a, b = statistics.median(inflating), statistics.median(opening)
        print("| file | inflated | read and inflate | open, ours | share |\n|---|---|---|---|---|")
        print(f"| {os.path.getsize(stored) / 1e6:.1f} MB | {inflated / 1e6:.1f} MB | {a:.3f} s | {b:.3f} s | **{b / a:.2f}** |")


main()
