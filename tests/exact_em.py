"""Rows of a mixture, and EM on them in extended precision."""

import mpmath
import numpy as np

CHANGES = {
    "as it is": lambda X: X,
    "an offset of 1e8": lambda X: X + 1e8,
    "clusters 1e6 σ apart": lambda X: np.concatenate([X[:30], X[30:] + 1e6]),
    "a scale of 1e-150": lambda X: X * 1e-150,
    "a scale of 1e150": lambda X: X * 1e150,
}
"""What is hard for 60 rows of one feature."""


def mixture(n, d, k, seed=0, apart=3.0):
    """Rows of k Gaussians, and responsibilities to start from."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(k, size=n)
    X = rng.normal(size=(k, d))[labels] * apart + rng.normal(size=(n, d)) * rng.uniform(0.5, 2, size=d)
    return X, 0.8 * np.eye(k)[labels] + 0.2 / k


def em_in_forty_digits(X, model, iterations):
    """Log-likelihood after each EM iteration of one feature, in 40 digits."""
    with mpmath.workdps(40):
        x = [mpmath.mpf(float(value)) for value in X[:, 0]]
        weights, means, variances = (
            [mpmath.mpf(float(value)) for value in values]
            for values in (model.weights, model.means[:, 0], model.matrices[:, 0, 0])
        )
        likelihoods = []
        for iteration in range(iterations + 1):
            total, joint = mpmath.mpf(0), []
            for value in x:
                row = [
                    w * mpmath.exp(-((value - m) ** 2) / (2 * v)) / mpmath.sqrt(2 * mpmath.pi * v)
                    for w, m, v in zip(weights, means, variances, strict=True)
                ]
                total += mpmath.log(sum(row))
                joint.append([each / sum(row) for each in row])
            if iteration:
                likelihoods.append(total)
            counts = [sum(r) for r in zip(*joint, strict=True)]
            weights = [count / len(x) for count in counts]
            means = [
                sum(r[k] * value for r, value in zip(joint, x, strict=True)) / count for k, count in enumerate(counts)
            ]
            variances = [
                sum(r[k] * (value - means[k]) ** 2 for r, value in zip(joint, x, strict=True)) / count
                for k, count in enumerate(counts)
            ]
        return likelihoods
