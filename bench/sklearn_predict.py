#!/usr/bin/env python3
"""Times predict_proba of stored scikit-learn models: the library against crates/models, one thread each.

    python3 bench/sklearn_predict.py --adult adult.csv [--rows 10000] [--repeats 50]

Run it in a virtual environment with scikit-learn, pandas, joblib and threadpoolctl. Trains on Adult, stores with
joblib, loads with both, asks the same rows in one batch, alternating, and prints the shortest times as a Markdown
table: on a machine that others use too, these come nearest to what each needs. The library also answers labels from
the probabilities, as ours does.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

# Times that the two take turns.
ROUNDS = 5
ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def tables(path, rows):
    """Adult as a data frame, as codes, and its labels; and `rows` rows to ask about."""
    frame = pd.read_csv(path, keep_default_na=False)
    labels = (frame.pop("income") == ">50K").to_numpy(int)
    codes = frame.apply(lambda column: column if pd.api.types.is_numeric_dtype(column) else column.astype("category").cat.codes)
    asked = frame.sample(rows, replace=True, random_state=1)
    return frame, codes.astype(float), labels, asked, codes.astype(float).loc[asked.index]


def models():
    """Name, whether it takes codes, and the model."""
    numbers = ["age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]
    texts = ["workclass", "education", "marital-status", "occupation", "relationship", "race", "sex", "native-country"]
    prepare = ColumnTransformer(
        [("numbers", StandardScaler(), numbers), ("texts", OneHotEncoder(handle_unknown="ignore"), texts)]
    )
    yield "random forest, 100 trees", True, RandomForestClassifier(100, n_jobs=1, random_state=0)
    yield "random forest, 100 trees of depth 8", True, RandomForestClassifier(100, max_depth=8, n_jobs=1, random_state=0)
    yield "gradient boosting, 100 trees of depth 3", True, GradientBoostingClassifier(random_state=0)
    yield "histogram gradient boosting, 100 trees", True, HistGradientBoostingClassifier(random_state=0)
    yield "one-hot and logistic regression", False, Pipeline([("p", prepare), ("m", LogisticRegression(max_iter=300))])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adult", required=True)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=50)
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "-p", "assize-models", "--example", "predict_bench"], check=True, cwd=ROOT)
    frame, codes, labels, asked, asked_codes = tables(options.adult, options.rows)
    print("| model | file | load, library | open, ours | predict, library | predict, ours | times |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, takes_codes, model in models():
            rows = asked_codes if takes_codes else asked
            model.fit(codes if takes_codes else frame, labels)
            stored, asked_file = f"{folder}/model.joblib", f"{folder}/rows.csv"
            joblib.dump(model, stored)
            rows.to_csv(asked_file, index=False)
            theirs, loading, ours, opening = [], [], [], []
            for _ in range(ROUNDS):
                start = time.perf_counter()
                loaded = joblib.load(stored)
                loading.append(time.perf_counter() - start)
                with threadpool_limits(1):
                    for _ in range(options.repeats // ROUNDS):
                        start = time.perf_counter()
                        loaded.classes_[np.argmax(loaded.predict_proba(rows), axis=1)]
                        theirs.append(time.perf_counter() - start)
                command = [TARGET / "release/examples/predict_bench", stored, asked_file, str(options.repeats // ROUNDS)]
                result = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
                ours.append(result["predict"])
                opening.append(result["open"])
            shortest = [min(values) for values in (loading, opening, theirs, ours)]
            cells = " | ".join(f"{value * 1000:.1f} ms" for value in shortest)
            size = os.path.getsize(stored) / 1e6
            print(f"| {name} | {size:.1f} MB | {cells} | **{shortest[2] / shortest[3]:.1f}** |", flush=True)


main()
