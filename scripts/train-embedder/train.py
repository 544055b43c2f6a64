"""Trains the built-in embedder. See README.md; every stage leaves its result in the work folder."""

import argparse
import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np

import collect
import fetch
import model as files
import vocabulary
from contrastive import QUERY_TOKENS, TEXT_TOKENS, Group, Settings, Tokens, Trainer
from distill import fit
from evaluate import Folder
from pairs import as_asked, fraction
from tokenizer import Tokenizer

STAGES = ("fetch", "collect", "vocabulary", "teacher", "distill", "tune", "write", "evaluate")
TOKENS, DIMENSIONS = 48_000, 384
SHARES = {"section": 3, "python": 3, "go": 1.5, "sentence": 3, "package": 1.5, "gloss": 1, "question": 1, "manual": 0.5}
CHECKED = (
    "How do I claim travel expenses?",
    "Claims must be submitted within 30 days of the end of the trip.",
    "func parseHTTPHeader(r *http.Request) error",
    "getUserById get_user_by_id",
    "Größe und Straße: naïve café",
    "",
    "!!! ???",
    "the the the the report report",
    "kubectl rollout restart deployment/api -n prod",
    "日本語のテキスト",
    "ISO-27001 audit 2026-03-14",
    "password reset VPN two-factor",
)


def parse():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("stages", nargs="+", choices=STAGES + ("all",), help="one after another; all: every one")
    p.add_argument("--work", type=Path, required=True, help="folder for what is fetched and for every stage's result")
    p.add_argument("--teacher", type=Path, help="folder with the teacher: one .onnx, tokenizer.json, vocab.txt")
    p.add_argument("--start", type=Path, help="begin from this model's vocabulary and vectors; leaves out vocabulary, teacher, distill")
    p.add_argument("--handbook", type=Path, help="folder of Markdown pages in the public domain to train on")
    p.add_argument("--go-source", type=Path, action="append", default=[], help="more Go source: a src folder or a module cache")
    p.add_argument("--exclude", type=Path, action="append", default=[], help="folder in BEIR layout whose texts are not trained on")
    p.add_argument("--evaluate", type=Path, action="append", default=[], help="folder in BEIR layout to report figures on")
    p.add_argument("--texts", type=int, default=130_000, help="texts that the teacher reads")
    p.add_argument("--steps", type=int, default=Settings.steps, help="of tuning")
    p.add_argument("--batch", type=int, default=Settings.batch, help="pairs a step")
    p.add_argument("--rate", type=float, default=Settings.rate)
    p.add_argument("--temperature", type=float, default=Settings.temperature)
    p.add_argument("--kept", type=float, default=0.5, help="share of the first vectors in the result of tuning")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1, help="of the teacher; those of numpy are set by OMP_NUM_THREADS")
    p.add_argument("--quick", action="store_true", help="a few packages, a twentieth of the pairs: shows that it runs")
    return p.parse_args()


def record(work, stage, value):
    """Adds what a stage counted to meta.json and prints it."""
    path = work / "meta.json"
    meta = json.loads(path.read_text()) if path.exists() else {}
    meta[stage] = value
    path.write_text(json.dumps(meta, indent=1, sort_keys=True) + "\n")
    print(stage, json.dumps(value)[:2000], flush=True)
    return value


def sample_of_texts(work, count):
    """Returns some texts for the teacher, queries and bodies alike, the same ones each time."""
    pairs = collect.read_pairs(work)
    texts = list(dict.fromkeys(t for p in pairs for t in (p.query, p.text[:800])))
    return sorted(texts, key=lambda t: fraction("teacher", t))[:count]


def run_fetch(o):
    return fetch.fetch(o.work, o)


def run_collect(o):
    return collect.collect(o.work, o)


def run_vocabulary(o):
    from teacher import Teacher

    pairs = collect.read_pairs(o.work)
    teacher = Teacher(o.teacher, o.threads)
    tokens = vocabulary.build(teacher.vocabulary, (t for p in pairs for t in (p.query, p.text)), TOKENS)
    (o.work / "vocab.txt").write_text("\n".join(tokens) + "\n")
    return {"tokens": len(tokens), "of the teacher": len(set(tokens) & set(teacher.vocabulary))}


def read_tokenizer(o):
    folder = o.start or o.work
    return Tokenizer((folder / "vocab.txt").read_text().removesuffix("\n").split("\n"))


def run_teacher(o):
    from teacher import Teacher

    teacher = Teacher(o.teacher, o.threads)
    texts = sample_of_texts(o.work, o.texts)
    report = lambda done, of: print(f"teacher: {done} of {of}", flush=True) if done % 3200 == 0 else None
    np.save(o.work / "teacher.npy", teacher.embed(texts, report=report).astype(np.float16))
    tokenizer = read_tokenizer(o)
    known = np.arange(len(tokenizer))
    if o.quick:  # the others stay zero
        known = np.unique(tokenizer.matrix(texts).indices)
    tokens = [tokenizer.vocabulary[i].removeprefix("##") for i in known]
    prior = np.zeros((len(tokenizer), DIMENSIONS), np.float16)
    prior[known] = teacher.embed(tokens, batch=256)
    np.save(o.work / "prior.npy", prior)
    return {"texts": len(texts), "tokens": len(tokens), "model": sorted(p.name for p in o.teacher.glob("*.onnx"))}


def run_distill(o):
    tokenizer = read_tokenizer(o)
    targets = np.load(o.work / "teacher.npy").astype(np.float32)
    texts = sample_of_texts(o.work, len(targets))
    idf = vocabulary.idf_weights(tokenizer, texts) ** 2
    prior = np.load(o.work / "prior.npy").astype(np.float32) * idf[:, None]
    pooled = tokenizer.matrix(texts)
    report = lambda i, size: print(f"least squares: round {i}, residual {size:.3f}", flush=True)
    vectors = fit(pooled, targets, prior, report=report)
    np.save(o.work / "distilled.npy", vectors)
    return {"texts": len(texts), "cosine": cosine(pooled, vectors, targets), "cosine of the prior": cosine(pooled, prior, targets)}


def cosine(pooled, vectors, targets):
    """Returns the mean cosine of the pooled vectors to the teacher's."""
    return round(float((files.normalize(pooled @ vectors) * targets).sum(axis=1).mean()), 4)


def run_tune(o):
    tokenizer = read_tokenizer(o)
    pairs = collect.read_pairs(o.work)
    if o.start:  # its weights too: measured better than those of these texts, many of which are code and glosses
        vectors, weights = files.read(o.start).vectors, files.read(o.start).query_weights
    else:
        vectors = np.load(o.work / "distilled.npy")
        weights = vocabulary.idf_weights(tokenizer, [p.text for p in pairs])
    settings = Settings(o.batch, o.temperature, o.rate, o.steps, o.seed, SHARES)
    held_out = held_out_folders(o)

    def report(step, losses, seconds):
        print(f"tune: step {step}, {seconds:.0f} s, {losses}", flush=True)

    tuned = Trainer(vectors, settings).train(grouped(tokenizer, pairs), report)
    tuned = o.kept * vectors + (1 - o.kept) * tuned  # what the pairs do not teach is kept (Wortsman et al. 2022)
    np.save(o.work / "tuned.npy", tuned)
    np.save(o.work / "query_weights.npy", weights)
    figures = {}
    for name, current in (("before", vectors), ("after", tuned)):
        built = files.Model(tokenizer.vocabulary, current, weights)
        figures[name] = {f.name: f.evaluate(built, tokenizer) for f in held_out}
    return {"settings": vars(settings) | {"kept": o.kept}, "held out": figures}


def held_out_folders(o):
    return [Folder(p) for p in sorted((o.work / "held-out").iterdir())]


def grouped(tokenizer, pairs):
    """Returns the pairs' tokens by kind."""
    by_kind = {}
    for pair in pairs:
        by_kind.setdefault(pair.kind, []).append(pair)
    return {kind: group(tokenizer, own) for kind, own in by_kind.items()}


def group(tokenizer, pairs):
    texts = [p.text for p in pairs]
    numbers = {}
    text_ids = np.array([numbers.setdefault(t, len(numbers)) for t in texts])
    queries = Tokens(tokenizer, [as_asked(p) for p in pairs], QUERY_TOKENS)
    return Group(queries, Tokens(tokenizer, texts, TEXT_TOKENS), text_ids, vocabulary.idf_weights(tokenizer, texts))


def run_write(o):
    tokenizer = read_tokenizer(o)
    built = files.Model(tokenizer.vocabulary, np.load(o.work / "tuned.npy"), np.load(o.work / "query_weights.npy"))
    if built.vectors.shape != (TOKENS, DIMENSIONS):
        raise SystemExit(f"{built.vectors.shape} vectors; the binary holds {TOKENS} × {DIMENSIONS}")
    stored = files.write(o.work / "model", built)
    write_checks(o.work / "model" / "check.jsonl", stored, tokenizer)
    return {"cosine to the vectors before": cosine_of_rows(stored.vectors, built.vectors)}


def cosine_of_rows(a, b):
    """Returns the mean cosine of rows that are not zero."""
    cosines = (files.normalize(a) * files.normalize(b)).sum(axis=1)
    return round(float(cosines[np.abs(b).sum(axis=1) > 0].mean()), 5)


def write_checks(path, stored, tokenizer):
    """Writes texts with their tokens and vectors, which builtin's test compares."""
    with open(path, "w") as out:
        for text in CHECKED:
            vector = files.embed(stored, tokenizer, [text])[0]
            first = [round(float(x), 5) + 0.0 for x in vector[:8]]
            line = {"text": text, "tokens": tokenizer.ids(text)[:12], "first8": first, "norm": round(float(np.linalg.norm(vector)), 5)}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")


def run_evaluate(o):
    stored = files.read(o.work / "model")
    return {f.name: f.evaluate(stored) for f in held_out_folders(o) + [Folder(p) for p in o.evaluate]}


def main():
    o = parse()
    o.work.mkdir(parents=True, exist_ok=True)
    if o.quick:
        o.texts, o.steps = min(o.texts, 1000), min(o.steps, 60)
    stages = [s for s in STAGES if s in o.stages or "all" in o.stages]
    if o.start:
        stages = [s for s in stages if s not in ("vocabulary", "teacher", "distill")]
    packages = ("numpy", "scipy", "onnxruntime", "tokenizers", "lxml", "snowballstemmer")
    record(o.work, "versions", {"python": platform.python_version()} | {p: version(p) for p in packages})
    for stage in stages:
        record(o.work, stage, globals()["run_" + stage](o))


if __name__ == "__main__":
    main()
