//! The differences of a comparison, and the marks of those that are significant.

use gloss_engine::{Comparison, Difference, PValues, Row, Value};
use indicatif::HumanCount;

use crate::args::Test;
use crate::ui::table::{Cell, Look, Table};

/// The rule by which differences are marked as significant.
#[derive(Clone, Copy)]
pub(super) struct Marks {
    pub(super) test: Test,
    pub(super) alpha: f64,
}

impl Marks {
    fn p(self, values: &PValues) -> f64 {
        match self.test {
            Test::T => values.t,
            Test::Wilcoxon => values.wilcoxon,
            Test::Randomization => values.randomization,
        }
    }

    pub(super) fn is_significant(self, value: &Value) -> bool {
        let difference = value.difference.as_ref();
        difference.is_some_and(|difference| self.p(&difference.corrected) < self.alpha)
    }

    fn test_name(self) -> &'static str {
        match self.test {
            Test::T => "paired t-test",
            Test::Wilcoxon => "Wilcoxon signed-rank test",
            Test::Randomization => "randomisation test",
        }
    }

    /// The legend of a table.
    pub(super) fn legend(self, comparison: &Comparison) -> String {
        format!(
            "* differs from {} ({}, Holm-corrected, p < {}); {} users",
            comparison.baseline,
            self.test_name(),
            self.alpha,
            HumanCount(comparison.users)
        )
    }
}

/// All differences from the baseline: segment, users, method, value.
fn differences(
    comparison: &Comparison,
) -> impl Iterator<Item = (&str, u64, &Row, &Value, &Difference)> {
    let all = std::iter::once(("all", comparison.users, &comparison.rows));
    let segments = comparison.segments.iter();
    let segments = segments.map(|(name, users, rows)| (name.as_str(), *users, rows));
    all.chain(segments).flat_map(|(segment, users, rows)| {
        rows.iter().flat_map(move |row| {
            let values = row.values.iter();
            values.filter_map(move |value| {
                Some((segment, users, row, value, value.difference.as_ref()?))
            })
        })
    })
}

/// The table of differences, with the p-values of the chosen test.
pub(super) fn details(comparison: &Comparison, marks: Marks) -> Table {
    let titles = [
        "method",
        "users",
        "metric",
        "difference",
        "effect",
        "wins",
        "losses",
        "p",
    ];
    let mut table = Table::new(titles);
    for (segment, _, row, value, difference) in differences(comparison) {
        let interval = difference.interval;
        let interval = format!(" [{:+.4}, {:+.4}]", interval.low, interval.high);
        table.row([
            Cell::from(row.method.as_str()),
            segment.into(),
            value.metric.as_str().into(),
            Cell::number(difference.mean, 4).with(&interval),
            Cell::number(difference.effect_size, 3),
            Cell::count(difference.wins as usize),
            Cell::count(difference.losses as usize),
            Cell::number(marks.p(&difference.corrected), 4),
        ]);
    }
    table
}

/// The table of all pairs; empty if they were not asked for.
pub(super) fn pairs(comparison: &Comparison, marks: Marks, look: Look) -> String {
    if comparison.pairs.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["methods", "metric", "difference", "effect", "p"]);
    for pair in &comparison.pairs {
        let Difference {
            interval,
            mean,
            effect_size,
            corrected,
            ..
        } = &pair.difference;
        let interval = format!(" [{:+.4}, {:+.4}]", interval.low, interval.high);
        table.row([
            Cell::from(format!("{} − {}", pair.first, pair.second)),
            pair.metric.as_str().into(),
            Cell::number(*mean, 4).with(&interval),
            Cell::number(*effect_size, 3),
            Cell::number(marks.p(corrected), 4),
        ]);
    }
    format!("{}\n\n", table.render(look))
}
