#!/usr/bin/env python3
"""Compares the forest of crates/models with scikit-learn's, in one run on one machine.

    python3 bench/forest_bench.py [--adult data/samples/adult.csv] [--synthetic-rows 1000000] [--runs 3]

Makes a virtual environment with scikit-learn beside the build output on first use, builds the example `forest_bench`
in release mode, then alternates the two programs on
  * Adult: 70/30 split, 100 trees, leaves of 1 and of 5 rows;
  * a synthetic table of 1,000,000 x 20 numbers, 10 trees (as many rows again, a tenth of them, are the test rows).
CPU seconds (user and system, all threads), AUC on the test rows, and ratios are printed as a Markdown table; every
figure is the median of the runs. The forest's figure includes binning; scikit-learn's excludes the encoding of texts.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORK = TARGET / "forest_bench"
PACKAGES = ["scikit-learn", "pandas", "numpy"]


def inside_environment():
    """Runs this script again inside its own virtual environment."""
    environment = WORK / "venv"
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    os.execv(python, [str(python), __file__, *sys.argv[1:]])


if pathlib.Path(sys.prefix).resolve() != (WORK / "venv").resolve():
    inside_environment()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import resource  # noqa: E402
from sklearn.ensemble import RandomForestClassifier  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402
from sklearn.preprocessing import OrdinalEncoder  # noqa: E402


def adult(path):
    """Features and labels of Adult, split 70/30."""
    table = pd.read_csv(path, skipinitialspace=True)
    labels = (table.pop("income").str.strip().str.rstrip(".") == ">50K").to_numpy(np.uint8)
    return train_test_split(table, labels, test_size=0.3, random_state=0, stratify=labels)


def synthetic(rows):
    """Twenty correlated numbers, a label from steps, products and noise."""
    random = np.random.default_rng(20)
    total = rows + rows // 10
    mixing = random.normal(size=(20, 20)) * 0.3 + np.eye(20)
    x = (random.normal(size=(total, 20)) @ mixing).astype(np.float32)
    logit = x[:, 0] + x[:, 1] * x[:, 2] + np.where(x[:, 3] > 0.5, 1.5, -0.5) + np.sin(2 * x[:, 4]) + 0.5 * x[:, 5]
    labels = (logit + random.logistic(size=total) > 0.5).astype(np.uint8)
    table = pd.DataFrame(x, columns=[f"x{i}" for i in range(20)])
    return table[:rows], table[rows:], labels[:rows], labels[rows:]


def write(path, table, labels):
    """Writes a table in the form that the example reads."""
    columns, cells = [], []
    for name in table:
        if pd.api.types.is_numeric_dtype(table[name]):
            columns.append({"name": name, "levels": None})
            cells.append(table[name].to_numpy("<f4"))
        else:
            column = table[name].astype("category")
            columns.append({"name": name, "levels": list(column.cat.categories)})
            cells.append(column.cat.codes.to_numpy("<i4"))
    with open(path, "wb") as file:
        file.write(json.dumps({"rows": len(table), "columns": columns}).encode() + b"\n")
        for column in cells:
            file.write(column.tobytes())
        file.write(labels.tobytes())


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def encoded(train, test):
    """Numbers for scikit-learn: texts by their rank, as most people do."""
    texts = [name for name in train if not pd.api.types.is_numeric_dtype(train[name])]
    if not texts:
        return train.to_numpy(np.float32), test.to_numpy(np.float32)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    train, test = train.copy(), test.copy()
    train[texts] = encoder.fit_transform(train[texts])
    test[texts] = encoder.transform(test[texts])
    return train.to_numpy(np.float32), test.to_numpy(np.float32)


def run_sklearn(data, trees, leaf):
    train_x, test_x, train_y, test_y = data
    start = cpu_seconds()
    forest = RandomForestClassifier(trees, min_samples_leaf=leaf, n_jobs=2, random_state=0).fit(train_x, train_y)
    trained = cpu_seconds()
    scores = forest.predict_proba(test_x)[:, 1]
    return {"train": trained - start, "predict": cpu_seconds() - trained, "auc": roc_auc_score(test_y, scores)}


def run_ours(files, test_y, trees, leaf, repeats):
    scores = WORK / "scores"
    program = TARGET / "release" / "examples" / "forest_bench"
    command = [program, *files, scores, str(trees), str(leaf), "2", str(repeats)]
    timing = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {
        "train": timing["binning"] + timing["growing"],
        "predict": timing["binning_test"] + timing["asking"],
        "flips": timing["asking_with_flips"],
        "auc": roc_auc_score(test_y, np.fromfile(scores, "<f8")),
    }


def compare(name, data, trees, leaf, runs, repeats):
    train, test, train_y, test_y = data
    files = [WORK / f"{name}_train", WORK / f"{name}_test"]
    write(files[0], train, train_y)
    write(files[1], test, test_y)
    matrices = (*encoded(train, test), train_y, test_y)
    theirs, ours = [], []
    for _ in range(runs):
        theirs.append(run_sklearn(matrices, trees, leaf))
        ours.append(run_ours(files, test_y, trees, leaf, repeats))
    a, b = ({key: statistics.median(run[key] for run in side) for key in side[0]} for side in (theirs, ours))
    print(
        f"| {name} | {trees} | {leaf} | {a['train']:.2f} | {b['train']:.3f} | **{a['train'] / b['train']:.1f}** "
        f"| {a['predict']:.3f} | {b['predict']:.3f} | {b['flips']:.3f} | {a['auc']:.4f} | {b['auc']:.4f} |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adult", default=ROOT / "data" / "samples" / "adult.csv")
    parser.add_argument("--synthetic-rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    build = ["cargo", "build", "--release", "-p", "assize-models", "--example", "forest_bench"]
    subprocess.run(build, check=True, cwd=ROOT)
    print("| data | trees | leaf | train, scikit-learn | train, ours | times | predict, scikit-learn | predict, ours "
          "| predict and flips, ours | AUC, scikit-learn | AUC, ours |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for leaf in (1, 5):
        compare("adult", adult(arguments.adult), 100, leaf, arguments.runs, 10)
    if arguments.synthetic_rows:
        for leaf in (1, 5):
            compare("synthetic", synthetic(arguments.synthetic_rows), 10, leaf, arguments.runs, 1)


if __name__ == "__main__":
    main()
