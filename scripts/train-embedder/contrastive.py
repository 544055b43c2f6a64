"""Contrastive tuning of the tokens' vectors: a query's own text before the others of its batch.

InfoNCE (van den Oord et al. 2018) in both directions with in-batch negatives. All pairs of a
batch are of one kind, so that the negatives are hard. Gradients are written out: the model is
one sparse matrix product.
"""

import time
from dataclasses import dataclass

import numpy as np

from tokenizer import pool

QUERY_TOKENS, TEXT_TOKENS = 48, 160


@dataclass
class Settings:
    batch: int = 2048
    temperature: float = 0.05
    rate: float = 1e-3  # of Adam, falling to nothing along a half cosine
    steps: int = 700
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


def loss_and_gradients(queries, texts, same, temperature):
    """Returns the loss and its gradients with respect to queries and texts (rows of length 1).

    Text i belongs to query i. same is true where a text equals a query's own elsewhere:
    that is no negative.
    """
    n, own = len(queries), np.arange(len(queries))
    scores = np.where(same, -1e4, queries @ texts.T / temperature)
    forward, backward = softmax(scores), softmax(scores.T)
    loss = -(np.log(forward[own, own] + 1e-9).mean() + np.log(backward[own, own] + 1e-9).mean()) / 2
    forward[own, own] -= 1
    backward[own, own] -= 1
    gradient = (forward + backward.T) / (2 * n * temperature)
    return loss, gradient @ texts, gradient.T @ queries


def lengths(rows):
    """Returns the lengths of rows; infinity for zeros, which have no direction to learn."""
    found = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(found > 1e-6, found, np.inf)


def through_length(unit, length, gradient):
    """Returns the gradient with respect to rows before they were given length 1."""
    along = (unit * gradient).sum(axis=1, keepdims=True)
    return (gradient - unit * along) / length


class Trainer:
    def __init__(self, vectors, settings):
        self.vectors, self.settings = vectors.copy(), settings
        self.adam = Adam(vectors.shape)

    def step(self, group, which, rate):
        """Takes a step on some pairs of a group and returns the loss."""
        own = group.text_ids[which]
        same = own[:, None] == own[None]
        np.fill_diagonal(same, False)
        q, d = group.queries.rows(which), group.texts.rows(which)
        q.data *= group.weights[q.indices]
        touched, back = np.unique(np.concatenate([q.indices, d.indices]), return_inverse=True)
        back = back.astype(np.int32)
        q = type(q)((q.data, back[: q.nnz], q.indptr), shape=(q.shape[0], len(touched)))
        d = type(d)((d.data, back[q.nnz :], d.indptr), shape=(d.shape[0], len(touched)))
        used = self.vectors[touched]
        q_sum, d_sum = q @ used, d @ used
        q_length, d_length = lengths(q_sum), lengths(d_sum)
        q_unit, d_unit = q_sum / q_length, d_sum / d_length
        loss, dq, dd = loss_and_gradients(q_unit, d_unit, same, self.settings.temperature)
        gradient = q.T @ through_length(q_unit, q_length, dq) + d.T @ through_length(d_unit, d_length, dd)
        used -= rate * self.adam.step(touched, gradient)
        self.vectors[touched] = used
        return float(loss)

    def train(self, groups, report, every=100):
        """Trains on groups by kind and returns the vectors; calls report(step, losses by kind, seconds) now and then."""
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
                report(step + 1, means, time.time() - began)
                losses = {}
        return self.vectors
