#!/usr/bin/env python3
"""Times the interaction engine against Presidio on the same texts, one thread each, in one run.

    python3 bench/interactions.py TEXTS.jsonl [--sample 300]

TEXTS.jsonl has one `{"text": …}` a line. Run it in a virtual environment with presidio-analyzer; no language model is
needed: Presidio runs its default English recognisers over a blank spaCy pipeline (lower-cased words as lemmas, so that its
context words work), which is the least it can do. Ours runs four ways: finding alone, the whole audit by rules, the whole
audit with the tagger and the classifiers, and that of exchanges: one text as the input, the next as the output. Figures are CPU seconds of the thread, so other work on the machine does
not count. Presidio is timed on a sample (every text counts once), ours on all texts, repeated for a second.
"""

import argparse
import json
import logging
import os
import pathlib
import subprocess
import time

import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from spacy.language import Language

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Presidio's mail recogniser asks for a list of domains over the network and falls back to its own copy.
logging.getLogger("tldextract").setLevel(logging.CRITICAL)
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


@Language.component("lower_lemmas")
def lower_lemmas(doc):
    for token in doc:
        token.lemma_ = token.lower_
    return doc


class BlankNlpEngine(SpacyNlpEngine):
    """A tokenizer and nothing else."""

    def __init__(self):
        super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
        pipeline = spacy.blank("en")
        pipeline.add_pipe("lower_lemmas")
        self.nlp = {"en": pipeline}

    def load(self):
        pass


def presidio(texts):
    engine = AnalyzerEngine(nlp_engine=BlankNlpEngine(), supported_languages=["en"])
    engine.analyze(texts[0], language="en")
    start = time.thread_time()
    for text in texts:
        engine.analyze(text, language="en")
    return time.thread_time() - start


def ours(path, *mode):
    command = [TARGET / "release/examples/throughput", path, *mode]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts")
    parser.add_argument("--sample", type=int, default=300)
    arguments = parser.parse_args()
    subprocess.run(
        ["cargo", "build", "--release", "-p", "assize-interactions", "--example", "throughput"], cwd=ROOT, check=True
    )
    with open(arguments.texts, encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    step = max(1, len(texts) // arguments.sample)
    sample = texts[::step]
    seconds = presidio(sample)
    rival = len(sample) / seconds
    rival_mb = sum(len(text.encode()) for text in sample) / seconds / 1e6
    print("| what | a second | MB/s | ms each | times Presidio, by MB/s |")
    print("|---|---|---|---|---|")
    print(f"| Presidio, default recognisers, blank pipeline | {rival:.0f} | {rival_mb:.3f} | {1000 / rival:.2f} | 1 |")
    for name, mode in [
        ("finding, rules alone", ("rules", "scan")),
        ("whole audit, rules alone", ("rules",)),
        ("whole audit, tagger and classifiers", ("all",)),
        ("the same, two texts an audit", ("all", "pairs")),
    ]:
        figures = ours(arguments.texts, *mode)
        speed = figures["megabytes_per_second"]
        print(
            f"| {name} | {figures['texts_per_second']:.0f} | {speed:.1f} | {figures['mean_ms']:.3f} | {speed / rival_mb:.0f} |"
        )


if __name__ == "__main__":
    main()
