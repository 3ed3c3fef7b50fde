"""Prints the numbers that the tests of digits' statistics expect. Needs scipy and statsmodels.

Each line stands, with the call that gave it, beside an assertion in
crates/compare/src/tests/stats.rs. Where neither library has the measure, it is written down here
once more from its definition.
"""

from fractions import Fraction
from math import comb

import numpy
from scipy import optimize, special, stats
from statsmodels.discrete.conditional_models import ConditionalLogit
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

MLP = [0.9812, 0.9807, 0.9821, 0.9799, 0.9815]
CNN = [0.9931, 0.9924, 0.9938, 0.9929, 0.9935]
NOISE = [0.3, -0.1, 0.2, -0.4, 0.15, 0.05]


def show(name, *numbers):
    print(f"{name:<44}", *(f"{float(number):.15e}" for number in numbers))


def one_sample(name, values):
    count, mean, error = len(values), numpy.mean(values), stats.sem(values)
    show(f"{name}: mean, std", mean, numpy.std(values, ddof=1))
    show(f"{name}: stats.t.interval", *stats.t.interval(0.95, count - 1, mean, error))
    show(f"{name}: stats.ttest_1samp", stats.ttest_1samp(values, 0).pvalue)


def exact(b, c):
    """The binomial tail in whole numbers, without any rounding."""
    n, k = b + c, min(b, c)
    term = total = comb(n, k)
    for i in range(k, 0, -1):
        term = term * i // (n - i + 1)
        total += term
    return min(Fraction(1), Fraction(2 * total, 2**n))


def binomial(b, c):
    show(f"binomtest({b}, {b + c}).pvalue", stats.binomtest(b, b + c).pvalue)
    show(f"exact({b}, {c}) in fractions", exact(b, c))


def answers():
    """(confidence, right) of 60 answers; none lies on the end of an interval of 15."""
    confidence = numpy.array([(i * 37 % 101 + 0.5) / 102 for i in range(60)])
    right = numpy.array([i % 7 < 4 for i in range(60)])
    return confidence, right


def calibration():
    confidence, right = answers()
    count, _, _ = stats.binned_statistic(confidence, right, "count", 15, (0, 1))
    mean, _, _ = stats.binned_statistic(confidence, confidence, "mean", 15, (0, 1))
    accuracy, _, _ = stats.binned_statistic(confidence, right, "mean", 15, (0, 1))
    show("binned_statistic: count, mean, accuracy [3]", count[3], mean[3], accuracy[3])
    show("expected calibration error", numpy.nansum(count / count.sum() * abs(accuracy - mean)))


def logits():
    """40 rows of 3 quarters, right in about two of three."""
    rows = numpy.array([[((i * 37 + j * 61) % 41 - 20) / 4 for j in range(3)] for i in range(40)])
    labels = numpy.array([i // 3 % 3 if i % 3 == 0 else rows[i].argmax() for i in range(40)])
    return rows, labels


def temperature():
    rows, labels = logits()

    def loss(t):
        return -special.log_softmax(rows / t, axis=1)[range(len(labels)), labels].mean()

    def slope(b):
        expected = (special.softmax(b * rows, axis=1) * rows).sum(axis=1)
        return (expected - rows[range(len(labels)), labels]).mean()

    show("log_softmax: loss at 1, 2.5", loss(1.0), loss(2.5))
    show("brentq of the slope: temperature", 1 / optimize.brentq(slope, 0.05, 20, xtol=1e-15))
    found = optimize.minimize_scalar(loss, bounds=(0.05, 20), method="bounded",
                                     options={"xatol": 1e-12})
    show("minimize_scalar: temperature, loss", found.x, found.fun)
    # The inverse temperature is the one coefficient of a conditional logit.
    chosen = (numpy.arange(3) == labels[:, None]).astype(int).ravel()
    model = ConditionalLogit(chosen, rows.reshape(-1, 1), groups=numpy.repeat(range(40), 3))
    show("ConditionalLogit: temperature", 1 / model.fit(disp=0).params[0])


def main():
    one_sample("MLP", MLP)
    one_sample("CNN - MLP", numpy.subtract(CNN, MLP))
    show("stats.ttest_rel(CNN, MLP)", stats.ttest_rel(CNN, MLP).pvalue)
    one_sample("NOISE", NOISE)
    one_sample("two values", [0.98, 0.99])
    for b, c in [(3, 9), (7, 7), (57, 121), (0, 30), (24_900, 25_100), (29_000, 31_000),
                 (10_000, 11_000)]:
        binomial(b, c)
    table = [[9_700, 57], [121, 122]]
    show("mcnemar(table, exact=True)", mcnemar(table, exact=True).pvalue)
    p = [0.01, 0.04, 0.03, 0.005, 0.5, 0.02]
    show("multipletests(p, method='holm')", *multipletests(p, method="holm")[1])
    calibration()
    temperature()
    row = numpy.array([1.0, 3.5, -2.0, 3.0])
    show("softmax of a row at 1, 2", special.softmax(row)[1], special.softmax(row / 2)[1])


if __name__ == "__main__":
    main()
