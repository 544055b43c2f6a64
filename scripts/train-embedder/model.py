"""The files of the model: read, written, four bits a value.

The format is that of retrieval/llm/builtin/model.go; model/README.md describes it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

LOWEST, HIGHEST = -8, 7  # what four bits hold


@dataclass
class Model:
    vocabulary: list  # of tokens
    vectors: np.ndarray  # float32, tokens × dimensions
    query_weights: np.ndarray  # float32, by token


def quantize(vectors):
    """Returns (nibbles, scales): vectors ≈ nibbles × scales, one scale a row.

    Of some scales for each row it takes the one with the least squared error;
    scales are rounded to float16 first, as they are stored.
    """
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    best_error = np.full((len(vectors), 1), np.inf, np.float32)
    nibbles = np.zeros(vectors.shape, np.int8)
    scales = np.zeros((len(vectors), 1), np.float16)
    for share in np.linspace(0.5, 1, 21):
        candidate = (largest * share / HIGHEST).astype(np.float16)
        step = np.where(candidate == 0, 1, candidate).astype(np.float32)
        rounded = np.clip(np.rint(vectors / step), LOWEST, HIGHEST)
        error = np.square(rounded * step - vectors).sum(axis=1, keepdims=True)
        better = error < best_error
        best_error = np.where(better, error, best_error)
        nibbles = np.where(better, rounded.astype(np.int8), nibbles)
        scales = np.where(better, candidate, scales)
    return nibbles, scales[:, 0]


def dequantize(nibbles, scales):
    """Returns the vectors that the numbers stand for."""
    return nibbles.astype(np.float32) * scales.astype(np.float32)[:, None]


def pack(nibbles):
    """Returns two values a byte, the first in the low half."""
    unsigned = (nibbles - LOWEST).astype(np.uint8)
    return unsigned[:, 0::2] | unsigned[:, 1::2] << 4


def unpack(packed):
    """Returns what was packed."""
    nibbles = np.empty((packed.shape[0], 2 * packed.shape[1]), np.int8)
    nibbles[:, 0::2] = packed & 15
    nibbles[:, 1::2] = packed >> 4
    return nibbles + LOWEST


def write(folder, model):
    """Writes the model's files and returns the model as they hold it."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    nibbles, scales = quantize(model.vectors)
    (folder / "vocab.txt").write_text("\n".join(model.vocabulary) + "\n")
    pack(nibbles).tofile(folder / "vectors.i4")
    scales.astype("<f2").tofile(folder / "scales.f16")
    model.query_weights.astype("<f2").tofile(folder / "query_weights.f16")
    return read(folder)


def read(folder):
    """Reads the model's files."""
    folder = Path(folder)
    vocabulary = (folder / "vocab.txt").read_text().removesuffix("\n").split("\n")
    packed = np.fromfile(folder / "vectors.i4", np.uint8).reshape(len(vocabulary), -1)
    scales = np.fromfile(folder / "scales.f16", "<f2")
    weights = np.fromfile(folder / "query_weights.f16", "<f2").astype(np.float32)
    return Model(vocabulary, dequantize(unpack(packed), scales), weights)


def normalize(rows):
    """Returns rows of length 1; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths == 0, 1, lengths)


def embed(model, tokenizer, texts, query=False, limit=None):
    """Returns a vector of length 1 for each text, as the product does."""
    weights = tokenizer.matrix(texts, limit)
    if query:
        weights = weights.multiply(model.query_weights[None]).tocsr()
    return normalize(weights @ model.vectors)
