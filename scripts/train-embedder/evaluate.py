"""nDCG@10 on folders in BEIR layout (Thakur et al. 2021): dense alone, and fused with BM25.

Gains are linear, as in trec_eval. A query's tokens are weighted by (idf / idf_max)^0.5 over
the folder's texts, or by the model's own weights. Fusion is the convex combination of the
min-max scores of each leg's first 200 (Bruch et al. 2023).
"""

import json
from pathlib import Path

import numpy as np

from bm25 import BM25
from model import normalize
from tokenizer import Tokenizer
from vocabulary import root_of_idf

DEPTH = 200
DENSE_SHARE = 0.3


def read_lines(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines]


def read_folder(folder):
    """Returns (ids, texts, query ids, queries, judgements) of the judged queries."""
    folder = Path(folder)
    corpus = read_lines(folder / "corpus.jsonl")
    texts = [with_title(d.get("title") or "", d["text"]) for d in corpus]
    judged = {}
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        query, document, gain = line.split("\t")
        if float(gain) > 0:
            judged.setdefault(query, {})[document] = float(gain)
    queries = [q for q in read_lines(folder / "queries.jsonl") if q["_id"] in judged]
    return [d["_id"] for d in corpus], texts, [q["_id"] for q in queries], [q["text"] for q in queries], judged


def with_title(title, text):
    """Returns a text under its title, which some collections begin it with anyway."""
    return text if text.startswith(title) else f"{title} {text}"


def ndcg(ranked, gains, depth=10):
    """Returns the normalised discounted cumulative gain of a ranked list of ids."""
    discounts = 1 / np.log2(np.arange(2, depth + 2))
    got = np.array([gains.get(d, 0) for d in ranked[:depth]])
    best = np.array(sorted(gains.values(), reverse=True)[:depth])
    return float((got * discounts[: len(got)]).sum() / (best * discounts[: len(best)]).sum())


def min_max(scores):
    """Returns the scores of the first DEPTH between 0 and 1, 0 for the rest."""
    if len(scores) > DEPTH:
        floor = np.partition(scores, -DEPTH)[-DEPTH]
    else:
        floor = scores.min()
    top = scores.max()
    if top <= floor:
        return (scores > 0).astype(float) * (scores >= top)
    return np.clip((scores - floor) / (top - floor), 0, None)


class Folder:
    """A folder with what does not depend on the model: its texts and BM25's scores."""

    def __init__(self, path):
        self.name = Path(path).name
        self.ids, self.texts, self.query_ids, self.queries, self.judged = read_folder(path)
        scores = BM25(self.texts).scores(self.queries)
        self.lexical = [np.asarray(scores[i].todense()).ravel() for i in range(len(self.queries))]
        self.matrices = None

    def figure(self, scores_of_query):
        found = []
        for i, query in enumerate(self.query_ids):
            scores = scores_of_query(i)
            order = np.argsort(-scores, kind="stable")[:10]
            found.append(ndcg([self.ids[j] for j in order], self.judged[query]))
        return float(np.mean(found))

    def evaluate(self, model, tokenizer=None):
        """Returns the figures of BM25, of the model, the same with its own weights, and of BM25 and the model."""
        tokenizer = tokenizer or Tokenizer(model.vocabulary)
        if self.matrices is None:
            self.matrices = tokenizer.matrix(self.texts), tokenizer.matrix(self.queries)
        documents, queries = self.matrices
        held = np.bincount(documents.indices, minlength=len(tokenizer))
        dense = cosines(queries, documents, model.vectors, root_of_idf(held, len(self.texts)))
        frozen = cosines(queries, documents, model.vectors, model.query_weights)
        fused = lambda i: (1 - DENSE_SHARE) * min_max(self.lexical[i]) + DENSE_SHARE * min_max(dense[i])
        return {
            "bm25": round(self.figure(lambda i: self.lexical[i]), 4),
            "dense": round(self.figure(lambda i: dense[i]), 4),
            "own weights": round(self.figure(lambda i: frozen[i]), 4),
            "fused": round(self.figure(fused), 4),
        }


def cosines(queries, documents, vectors, weights):
    """Returns queries × documents; both are given as weighted tokens."""
    weighted = queries.multiply(weights[None]).tocsr() @ vectors
    return normalize(weighted) @ normalize(documents @ vectors).T
