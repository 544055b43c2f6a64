"""The first vectors of the tokens: pooled, they come as near as they can to the teacher's."""

import numpy as np
import scipy.sparse as sparse


def fit(pooled, targets, prior, ridge=1.0, rounds=30, report=None):
    """Returns X that minimises |pooled X - targets|² + ridge |X - prior|².

    pooled is texts × tokens, targets texts × dimensions, prior tokens × dimensions.
    Solved by conjugate gradients on the normal equations, all dimensions at once.
    """
    lengths = np.sqrt(np.asarray(pooled.multiply(pooled).sum(axis=1))).ravel()
    pooled = sparse.diags(1 / np.maximum(lengths, 1e-9)) @ pooled
    transposed = pooled.T.tocsr()
    times = lambda x: transposed @ (pooled @ x) + ridge * x
    change = np.zeros_like(prior)
    residual = transposed @ (targets - pooled @ prior)
    direction = residual.copy()
    size = np.square(residual).sum(axis=0)
    for i in range(rounds):
        image = times(direction)
        step = size / np.maximum((direction * image).sum(axis=0), 1e-12)
        change += step * direction
        residual -= step * image
        before, size = size, np.square(residual).sum(axis=0)
        direction = residual + size / np.maximum(before, 1e-12) * direction
        if report:
            report(i + 1, float(np.sqrt(size.sum())))
    return (prior + change).astype(np.float32)
