#!/usr/bin/env python3
"""The floor that the safety classifiers must beat: tf-idf and logistic regression on their own five folds.

    python3 bench/interactions_floor.py DATA [--only LABEL ...]

DATA is the folder that `data/interactions/README.md` describes. Prints the last column of its table of classifiers:
average precision on held-out groups of words, pairs of words and runs of 2 to 5 characters inside words, with balanced
classes, one model per label on the set it is scored on; but `hate` and `toxic`, apart from the OpenAI set, are one model on
all sets together. Lines under CC BY-SA are not trained on, nor are they by ours. Takes two minutes of processor time and
needs scikit-learn. Folds and groups follow `crates/interactions/examples/train` (`data.rs`, and `regroup` of `safety.rs`):
change both together.
"""

import argparse
import json
import pathlib

import numpy
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

FOLDS = 5
MODERATION = [
    "hate",
    "hate_threatening",
    "harassment",
    "violence",
    "violence_graphic",
    "self_harm",
    "sexual",
    "sexual_minors",
]
HAZARDS = [f"S{number}" for number in range(1, 13)]
U64 = (1 << 64) - 1


def fold(group):
    """FNV-1a, mixed once more: `fold` of `data.rs`."""
    value = 0xCBF29CE484222325
    for byte in group.encode():
        value = ((value ^ byte) * 0x100000001B3) & U64
    return ((((value ^ (value >> 32)) * 0x9E3779B97F4A7C15) & U64) >> 40) % FOLDS


def read(path):
    """Lines of a file, each with its group; HateCheck lines that fill one template become one group (`regroup`)."""
    lines = [json.loads(line) for line in path.open(encoding="utf-8")]
    last = None
    for line in lines:
        meta = line.get("meta") or {}
        group = meta.get("template") or meta.get("doc") or " ".join(line["text"].split()).lower()
        if line["set"].endswith("hatecheck"):
            words = group.split(" ")
            kind = (line["lang"], meta.get("functionality"))
            if last and last[0] == kind and 4 * sum(word in last[1] for word in words) >= len(words) + len(last[1]):
                group = last[2]
            last = (kind, words, group)
        line["fold"] = fold(group)
    return lines


def held_out(lines, label):
    """Each line's probability by a model that saw none of its fold."""
    applies = numpy.array([known(line, label) for line in lines])
    folds = numpy.array([line["fold"] for line in lines])
    licensed = numpy.array(["BY-SA" not in line["license"] for line in lines])
    texts = [line["text"] for line in lines]
    scores = numpy.zeros(len(lines))
    for number in range(FOLDS):
        train, test = numpy.flatnonzero((folds != number) & licensed), numpy.flatnonzero(folds == number)
        if len(test) == 0:
            continue
        views = [
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2),
        ]
        known_rows = hstack([view.fit_transform([texts[at] for at in train]) for view in views]).tocsr()
        new_rows = hstack([view.transform([texts[at] for at in test]) for view in views]).tocsr()
        model = LogisticRegression(class_weight="balanced", solver="liblinear", random_state=0)
        scores[test] = model.fit(known_rows, applies[train]).predict_proba(new_rows)[:, 1]
    return applies, scores


def known(line, label):
    """1, 0, or None where the set does not say; a hazard prompt has one hazard."""
    value = (line.get("labels") or {}).get(label)
    return (value or 0) if line["set"] == "ailuminate_demo" and label in HAZARDS else value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    safety = read(arguments.data / "safety.jsonl")
    requests = read(arguments.data / "harmful_requests.jsonl")
    # Label, lines it is trained and scored on, sets whose scores are printed.
    openai = [line for line in safety if line["set"] == "openai_moderation"]
    ailuminate = [line for line in requests if line["set"] == "ailuminate_demo"]
    plans = [(label, openai, ["openai_moderation"]) for label in MODERATION]
    plans.append(("hate", safety, ["davidson_tweets", "hatecheck", "multilingual_hatecheck"]))
    plans.append(("toxic", safety, ["all", "davidson_tweets", "germeval2018", "surge_toxicity"]))
    plans += [(label, ailuminate, ["ailuminate_demo"]) for label in HAZARDS]
    print("| category | set | texts | with it | floor |\n|---|---|---|---|---|")
    for label, lines, sets in plans:
        if arguments.only and label not in arguments.only:
            continue
        lines = [line for line in lines if known(line, label) is not None]
        applies, scores = held_out(lines, label)
        for name in sets:
            here = numpy.array([name in ("all", line["set"]) for line in lines])
            area = average_precision_score(applies[here], scores[here])
            print(f"| {label} | {name} | {here.sum()} | {applies[here].sum()} | {area:.3f} |", flush=True)


if __name__ == "__main__":
    main()
