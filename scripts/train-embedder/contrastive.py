"""Contrastive tuning of the tokens' vectors: a query's own text before the others of its batch.

InfoNCE (van den Oord et al. 2018) in both directions with in-batch negatives and, where
they were mined, one hard negative a pair. All pairs of a batch are of one kind, so that
the negatives are hard. Gradients are written out: the model is one sparse matrix product.
"""

import time
from dataclasses import dataclass

import numpy as np

from tokenizer import pool

QUERY_TOKENS, TEXT_TOKENS = 48, 160


@dataclass
class Settings:
    batch: int = 512
    temperature: float = 0.05
    rate: float = 1e-3  # of Adam, falling to nothing along a half cosine
    soft: float = 0.5  # share of the teacher's opinion in the targets, where there is one
    pull: float = 0.0  # towards the vectors that training began with, a step
    steps: int = 4000
    seed: int = 1
    share: dict = None  # of the batches, by kind of pair


class Tokens:
    """The tokens of many texts in one array."""

    def __init__(self, tokenizer, texts, limit):
        self.width = len(tokenizer)
        lists = [np.array(tokenizer.ids(t)[:limit], np.uint16) for t in texts]
        self.starts = np.concatenate([[0], np.cumsum([len(x) for x in lists])])
        self.flat = np.concatenate(lists) if lists else np.zeros(0, np.uint16)

    def rows(self, which):
        """Returns the weighted tokens of some texts."""
        pieces = [self.flat[self.starts[i] : self.starts[i + 1]] for i in which]
        ends = np.concatenate([[0], np.cumsum([len(p) for p in pieces])])
        return pool(np.concatenate(pieces).astype(np.int32), ends, self.width)


@dataclass
class Group:
    """The pairs of one kind."""

    queries: Tokens
    texts: Tokens
    text_ids: np.ndarray  # equal for equal texts
    weights: np.ndarray  # of the tokens of queries, by the idf in the texts of this kind
    negatives: np.ndarray = None  # the pair whose text is a hard negative, -1 for none
    teacher: tuple = None  # the teacher's vectors of the queries and of the texts

    def __len__(self):
        return len(self.text_ids)


class Adam:
    """Adam (Kingma and Ba 2015) that updates only the rows that a step touches."""

    def __init__(self, shape, beta1=0.9, beta2=0.98):
        self.first, self.second = np.zeros(shape, np.float32), np.zeros(shape[0], np.float32)
        self.beta1, self.beta2 = beta1, beta2
        self.steps = np.zeros(shape[0], np.float32)

    def step(self, rows, gradient):
        """Returns what to subtract from rows, for a rate of 1; one second moment a row."""
        self.steps[rows] += 1
        t = self.steps[rows][:, None]
        first = self.first[rows] * self.beta1 + (1 - self.beta1) * gradient
        second = self.second[rows] * self.beta2 + (1 - self.beta2) * np.square(gradient).mean(axis=1)
        self.first[rows], self.second[rows] = first, second
        scale = (1 / (1 - self.beta1**t)) / (np.sqrt(second[:, None] / (1 - self.beta2**t)) + 1e-12)
        return first * scale


def softmax(scores):
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


def loss_and_gradients(queries, texts, same, temperature, opinion=None, soft=0.0):
    """Returns the loss and its gradients with respect to queries and texts (rows of length 1).

    Text i belongs to query i; further texts are nobody's. same is true where a text
    equals a query's own elsewhere: that is no negative. opinion is the teacher's
    cosine of each query and text; its softmax is the share soft of the target.
    """
    n = len(queries)
    own = np.eye(n, len(texts), dtype=queries.dtype)
    forward = side(queries @ texts.T, own, same, temperature, opinion, soft)
    backward = side(texts[:n] @ queries.T, own[:, :n], same[:, :n].T, temperature, None if opinion is None else opinion[:, :n].T, soft)
    gradient = forward[1]
    gradient[:, :n] += backward[1].T
    gradient /= 2 * n * temperature
    return (forward[0] + backward[0]) / 2, gradient @ texts, gradient.T @ queries


def side(scores, own, same, temperature, opinion, soft):
    """Returns the cross-entropy of one direction, and its gradient for scores over temperature."""
    guess = softmax(np.where(same, -1e4, scores / temperature))
    target = own
    if opinion is not None and soft:
        target = (1 - soft) * own + soft * softmax(np.where(same, -1e4, opinion / temperature))
    return -(target * np.log(guess + 1e-9)).sum(axis=1).mean(), guess - target


def through_length(unit, lengths, gradient):
    """Returns the gradient with respect to rows before they were given length 1."""
    along = (unit * gradient).sum(axis=1, keepdims=True)
    return (gradient - unit * along) / lengths


class Trainer:
    def __init__(self, vectors, settings):
        self.vectors, self.start, self.settings = vectors.copy(), vectors, settings
        self.adam = Adam(vectors.shape)

    def step(self, group, which, rate):
        """Takes a step on some pairs of a group and returns the loss."""
        own = group.text_ids[which]
        candidates = which
        if group.negatives is not None:
            mined = group.negatives[which]
            candidates = np.concatenate([which, mined[mined >= 0]])
        same = own[:, None] == group.text_ids[candidates][None]
        same[np.arange(len(which)), np.arange(len(which))] = False
        q, d = group.queries.rows(which), group.texts.rows(candidates)
        q.data *= group.weights[q.indices]
        touched, back = np.unique(np.concatenate([q.indices, d.indices]), return_inverse=True)
        back = back.astype(np.int32)
        q = type(q)((q.data, back[: q.nnz], q.indptr), shape=(q.shape[0], len(touched)))
        d = type(d)((d.data, back[q.nnz :], d.indptr), shape=(d.shape[0], len(touched)))
        used = self.vectors[touched]
        q_sum, d_sum = q @ used, d @ used
        q_length = np.linalg.norm(q_sum, axis=1, keepdims=True) + 1e-6
        d_length = np.linalg.norm(d_sum, axis=1, keepdims=True) + 1e-6
        q_unit, d_unit = q_sum / q_length, d_sum / d_length
        opinion = None
        if group.teacher is not None:
            opinion = group.teacher[0][which].astype(np.float32) @ group.teacher[1][candidates].astype(np.float32).T
        loss, dq, dd = loss_and_gradients(q_unit, d_unit, same, self.settings.temperature, opinion, self.settings.soft)
        gradient = q.T @ through_length(q_unit, q_length, dq) + d.T @ through_length(d_unit, d_length, dd)
        used -= rate * self.adam.step(touched, gradient)
        if self.settings.pull:
            used -= rate * self.settings.pull * (used - self.start[touched])
        self.vectors[touched] = used
        return float(loss)

    def train(self, groups, report, every=200):
        """Trains on groups by kind; calls report(step, losses by kind, vectors) now and then."""
        settings, random = self.settings, np.random.default_rng(self.settings.seed)
        kinds = [k for k in settings.share if k in groups]
        shares = np.array([settings.share[k] for k in kinds])
        losses, began = {}, time.time()
        for step in range(settings.steps):
            kind = kinds[random.choice(len(kinds), p=shares / shares.sum())]
            which = random.choice(len(groups[kind]), min(settings.batch, len(groups[kind])), replace=False)
            rate = settings.rate * (1 + np.cos(np.pi * step / settings.steps)) / 2 * min(1, (step + 1) / 50)
            losses.setdefault(kind, []).append(self.step(groups[kind], which, rate))
            if (step + 1) % every == 0 or step + 1 == settings.steps:
                means = {k: round(float(np.mean(v)), 3) for k, v in sorted(losses.items())}
                report(step + 1, means, self.vectors, time.time() - began)
                losses = {}
        return self.vectors
