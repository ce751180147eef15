"""Confidence intervals of counts: of a share, and of how often something happens."""

from __future__ import annotations

from scipy import stats


def wilson(count: int, of: int, coverage: float) -> tuple[float, float]:
    """Return the interval of a share, of at least one; E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209."""
    found = stats.binomtest(count, of).proportion_ci(coverage, method="wilson")
    return float(found.low), float(found.high)


def poisson(count: int, coverage: float) -> tuple[float, float]:
    """Return the exact interval of the mean of a count; F. Garwood, Biometrika 28 (1936) 437."""
    tail = (1 - coverage) / 2
    low = float(stats.chi2.ppf(tail, 2 * count) / 2) if count else 0.0
    return low, float(stats.chi2.ppf(1 - tail, 2 * count + 2) / 2)
