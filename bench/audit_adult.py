#!/usr/bin/env python3
"""A whole audit of UCI Adult: ours against scikit-learn and fairlearn, in one run on one machine.

    python3 bench/audit_adult.py [--data data/samples/adult.csv] [--runs 5] [--venv DIR]

Makes a virtual environment beside the build output on first use (or takes the one given), builds the example
`audit_adult` in release mode, then runs the two alternately and prints CPU seconds (user and system, all threads) and
the ratio of the medians.

Python does: read, missing cells and representation, Cramer's V and mutual information of every column against race, sex
and age, ordinal encoding and a 70/30 split, RandomForestClassifier(100), predict, MetricFrame of five metrics by race,
sex and age band, demographic parity and equalized odds, the intersection race x sex, and flips of race, sex and age.
Ours does all of that and joint proxies, leakage, intervals from 2,000 resamples, pairs of flips, noise, subgroup search,
calibration, threshold sweep, remedies (some trained again), findings and narrative. Python's figure leaves out its
imports (1.2 CPU s more); ours is the whole process.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PACKAGES = ["scikit-learn==1.9.1", "fairlearn==0.15.0", "pandas", "scipy"]

PYTHON_AUDIT = r'''
import json, sys, time, warnings
import numpy as np, pandas as pd
from fairlearn.metrics import (MetricFrame, demographic_parity_difference, demographic_parity_ratio,
                               equalized_odds_difference, equalized_odds_ratio, false_positive_rate, selection_rate,
                               true_positive_rate)
from scipy.stats import chi2_contingency
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, mutual_info_score, precision_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OrdinalEncoder

warnings.filterwarnings("ignore")
steps, last = {}, time.process_time()

def lap(name):
    global last
    now = time.process_time()
    steps[name], last = now - last, now

frame = pd.read_csv(sys.argv[1], na_values=["?"])
lap("read")
frame["band"] = pd.cut(frame["age"], [0, 24, 39, 54, 64, 200]).astype(str)
protected = ["race", "sex", "band"]
missing = {a: frame.isna().groupby(frame[a]).mean() for a in protected}
people = {a: frame.groupby(a)["income"].value_counts(normalize=True) for a in protected}
lap("missing and representation")
proxies = {}
codes = {}
for column in frame.columns:
    values = frame[column]
    if values.dtype.kind in "if" and values.nunique() > 20:
        values = pd.qcut(values, 20, duplicates="drop")
    codes[column] = pd.factorize(values, use_na_sentinel=False)[0]
for attribute in protected:
    for column in frame.columns.difference([attribute, "income"]):
        shape = codes[attribute].max() + 1, codes[column].max() + 1
        table = np.bincount(codes[attribute] * shape[1] + codes[column], minlength=shape[0] * shape[1]).reshape(shape)
        cramers_v = (chi2_contingency(table)[0] / table.sum() / max(min(shape) - 1, 1)) ** 0.5
        proxies[attribute, column] = cramers_v, mutual_info_score(None, None, contingency=table)
lap("proxies")
y = (frame["income"] == ">50K").astype(int)
X = frame.drop(columns=["income", "band"])
text = list(X.select_dtypes(exclude="number").columns)
encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
X[text] = encoder.fit_transform(X[text].fillna("?"))
train_x, test_x, train_y, test_y = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)
lap("encode and split")
forest = RandomForestClassifier(100, random_state=0, n_jobs=2).fit(train_x, train_y)
lap("train")
predicted = forest.predict(test_x)
lap("predict")
groups = frame.loc[test_x.index, protected]
metrics = {"selection_rate": selection_rate, "tpr": true_positive_rate, "fpr": false_positive_rate,
           "accuracy": accuracy_score, "precision": lambda t, p: precision_score(t, p, zero_division=0)}
for attribute in protected:
    MetricFrame(metrics=metrics, y_true=test_y, y_pred=predicted, sensitive_features=groups[attribute]).by_group
lap("metrics by group")
for attribute in protected:
    for function in (demographic_parity_difference, demographic_parity_ratio, equalized_odds_difference, equalized_odds_ratio):
        function(test_y, predicted, sensitive_features=groups[attribute])
lap("parity and odds")
MetricFrame(metrics=metrics, y_true=test_y, y_pred=predicted, sensitive_features=groups[["race", "sex"]]).by_group
lap("intersection")
for attribute in ("race", "sex"):
    for value in range(int(X[attribute].max()) + 1):
        (forest.predict(test_x.assign(**{attribute: value})) != predicted).mean()
for value in groups.assign(age=test_x["age"]).groupby("band")["age"].median():
    (forest.predict(test_x.assign(age=value)) != predicted).mean()
lap("flips")
women = groups["sex"] == "Female"
ratio = predicted[women].mean() / predicted[~women].mean()
print(json.dumps({"steps": steps, "accuracy": float((predicted == test_y).mean()), "disparate_impact": float(ratio)}))
'''


def environment(path):
    """The interpreter of a virtual environment that has the packages."""
    python = path / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", path], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def cpu_seconds(command):
    """CPU seconds of a child process, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, json.loads(printed)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    arguments.add_argument("--data", default=str(ROOT / "data/samples/adult.csv"))
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--venv", type=pathlib.Path, default=TARGET / "audit_bench_venv")
    options = arguments.parse_args()
    python = environment(options.venv)
    build = ["cargo", "build", "--release", "-p", "assize-fairness", "--example", "audit_adult"]
    subprocess.run(build, check=True, cwd=ROOT)
    ours, theirs, steps = [], [], []
    for _ in range(options.runs):
        seconds, document = cpu_seconds([TARGET / "release/examples/audit_adult", options.data])
        ours.append(seconds)
        _, answer = cpu_seconds([python, "-c", PYTHON_AUDIT, options.data])
        theirs.append(sum(answer["steps"].values()))
        steps.append(answer["steps"])
    groups = next(a for a in document["layer_results"]["fairness_metrics"]["attributes"] if a["attribute"] == "sex")["groups"]
    women = next(group for group in groups if group["group"] == "Female")
    mine, python_seconds = statistics.median(ours), statistics.median(theirs)
    print(f"| whole audit of {pathlib.Path(options.data).name}, median of {options.runs} | CPU s | disparate impact of women | accuracy |")
    print("|---|---|---|---|")
    accuracy = document["subject"]["model"]["accuracy"]
    print(f"| ours, whole process | {mine:.2f} | {women['disparate_impact']['value']:.3f} | {accuracy:.4f} |")
    print(f"| scikit-learn and fairlearn, without imports | {python_seconds:.2f} | {answer['disparate_impact']:.3f} | {answer['accuracy']:.4f} |")
    print(f"| ratio | {python_seconds / mine:.1f} | | |")
    print("\nPython by step, CPU s: " + ", ".join(
        f"{name} {statistics.median(step[name] for step in steps):.2f}" for name in steps[0]))


if __name__ == "__main__":
    main()
