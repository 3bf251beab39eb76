#!/usr/bin/env python3
"""Times exact TreeSHAP: the `shap` package against crates/models, one thread each, the same trees and rows.

    python3 bench/tree_shap.py --adult adult.csv [--rows 10000] [--repeats 3]

Run it in a virtual environment with scikit-learn, pandas, shap and threadpoolctl. Trains on Adult, explains the
positive class path-dependently, checks that the sums of all attributions agree, and prints medians of CPU seconds.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import tempfile
import time

import numpy as np
import pandas as pd
import shap
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from threadpoolctl import threadpool_limits

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def exported(model):
    """Trees as lists; forests average the probability of the positive class, boosting adds scores."""
    forest = isinstance(model, RandomForestClassifier)
    members = model.estimators_ if forest else list(model.estimators_[:, 0])
    trees = []
    for member in members:
        tree = member.tree_
        values = tree.value[:, 0, :]
        value = values[:, 1] / values.sum(axis=1) / len(members) if forest else values[:, 0] * model.learning_rate
        # The library compares float32: a threshold between two of them may be rounded down to the lower.
        threshold = tree.threshold.astype(np.float32)
        threshold = np.where(threshold > tree.threshold, np.nextafter(threshold, np.float32(-np.inf)), threshold)
        trees.append({"left": tree.children_left.tolist(), "right": tree.children_right.tolist(),
                      "feature": tree.feature.tolist(), "threshold": threshold.astype(float).tolist(),
                      "value": value.tolist(), "cover": tree.weighted_n_node_samples.tolist()})
    return {"features": model.n_features_in_, "offset": 0.0, "trees": trees}


def ask(folder, repeats):
    """CPU seconds of a whole run of ours, and what it printed."""
    command = [TARGET / "release/examples/shap_bench", f"{folder}/trees.json", f"{folder}/rows.csv", str(repeats)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adult", required=True)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "-p", "assize-models", "--example", "shap_bench"], check=True, cwd=ROOT)
    frame = pd.read_csv(options.adult, keep_default_na=False)
    labels = (frame.pop("income") == ">50K").to_numpy(int)
    numeric = pd.api.types.is_numeric_dtype
    codes = frame.apply(lambda column: column if numeric(column) else column.astype("category").cat.codes).astype(float)
    print("| model | rows | shap | ours | times | largest difference of a column's sum |\n|---|---|---|---|---|---|")
    models = [("gradient boosting, 100 trees of depth 3", 1, GradientBoostingClassifier(random_state=0)),
              ("random forest, 100 trees of depth 8", 10, RandomForestClassifier(100, max_depth=8, n_jobs=1, random_state=0))]
    for name, fewer, model in models:
        model.fit(codes, labels)
        rows = codes.sample(options.rows // fewer, replace=True, random_state=1).to_numpy()
        explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/trees.json", "w") as file:
                json.dump(exported(model), file)
            pd.DataFrame(rows).to_csv(f"{folder}/rows.csv", index=False)
            theirs, ours = [], []
            for _ in range(options.repeats):
                start = time.process_time()
                with threadpool_limits(1):
                    values = np.asarray(explainer.shap_values(rows, check_additivity=False))
                theirs.append(time.process_time() - start)
                once, result = ask(folder, 1)
                more, result = ask(folder, 4)
                ours.append((more - once) / 3)
        values = values[..., 1] if values.ndim == 3 else values
        off = np.abs(values.sum(axis=0) - np.array(result["sums"])).max()
        a, b = statistics.median(theirs), statistics.median(ours)
        print(f"| {name} | {len(rows)} | {a:.3f} s | {b:.3f} s | **{a / b:.1f}** | {off:.1e} |", flush=True)


main()
