"""Writes paired_tests.json: tests of paired differences by SciPy, statsmodels and ranx.

Run as: python3 paired_tests.py > paired_tests.json
"""

import json
import sys

import numpy
from ranx.statistical_tests import paired_student_t_test
from scipy import stats
from statsmodels.stats.multitest import multipletests


def example(first, second):
    differences = first - second
    exact = bool(2 ** int(numpy.count_nonzero(differences)) <= 20_000)
    permutation = stats.permutation_test((differences,), numpy.mean, permutation_type="samples", n_resamples=20_000,
                                         rng=1)
    interval = stats.bootstrap((differences,), numpy.mean, n_resamples=20_000, method="percentile", rng=2)
    t = stats.ttest_rel(first, second)
    spread = t.confidence_interval(0.95)
    return {
        "first": first.tolist(),
        "second": second.tolist(),
        "t": t.pvalue,
        "t_of_ranx": float(paired_student_t_test(first, second, 0.05)[0]),
        "wilcoxon": stats.wilcoxon(first, second, method="approx", correction=False).pvalue,
        "randomization": permutation.pvalue,
        "exact": exact,
        "effect_size": differences.mean() / differences.std(ddof=1),
        "half_width": (spread.high - spread.low) / 2,
        "bootstrap": [interval.confidence_interval.low, interval.confidence_interval.high],
    }


def main():
    random = numpy.random.default_rng(0)
    gains = numpy.array([0.0, 0.0, 0.0, 0.387, 0.431, 0.5, 0.631, 1.0])
    examples = [
        example(random.normal(0.2, 1, 11), random.normal(0, 1, 11)),
        example(random.normal(0.1, 1, 300), random.normal(0, 1, 300)),
        example(random.choice(gains, 500), random.choice(gains, 500)),
        example(random.choice(gains, 400, p=[0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2]), random.choice(gains, 400)),
    ]
    p_values = random.uniform(0, 0.2, 9)
    holm = multipletests(p_values, method="holm")[1]
    json.dump({"examples": examples, "p_values": p_values.tolist(), "holm": holm.tolist()}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
