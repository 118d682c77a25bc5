//! The audit of a dataset, as it is shown.

use gloss_engine::Audit;

use super::table::{Cell, Table};

/// All counts of the audit.
pub(crate) fn table(audit: &Audit) -> Table {
    let mut table = Table::new(["audit of the test examples", "count", "of"]);
    for (what, count, of) in rows(audit) {
        let (count, of) = (count as usize, of as usize);
        table.row([what.into(), Cell::count(count), Cell::count(of)]);
    }
    let later = Cell::number(audit.later_training_share, 4);
    table.row([
        "mean share of training interactions that are later than the target".into(),
        later,
        "".into(),
    ]);
    table
}

/// Each count, and the number that it is of.
pub(crate) fn rows(audit: &Audit) -> [(&'static str, u64, u64); 8] {
    [
        (
            "interactions at the time of the one before",
            audit.equal_times,
            audit.interactions,
        ),
        (
            "targets at the time of the last item of the context",
            audit.targets_at_the_time_before,
            audit.examples,
        ),
        (
            "targets that the context has already",
            audit.targets_in_context,
            audit.examples,
        ),
        (
            "targets that training does not have",
            audit.targets_not_in_training,
            audit.examples,
        ),
        (
            "targets that are earlier than the last training interaction",
            audit.targets_before_training_ends,
            audit.examples,
        ),
        (
            "items with the text of another item",
            audit.items_with_equal_text,
            audit.items,
        ),
        (
            "targets with the text of another item",
            audit.targets_with_equal_text,
            audit.examples,
        ),
        (
            "items that training does not have",
            audit.items_in_evaluation_alone,
            audit.items,
        ),
    ]
}

/// The one line that stands under every table of results; `None` if time orders all targets.
pub(crate) fn same_time(audit: &Audit) -> Option<String> {
    let count = indicatif::HumanCount;
    (audit.targets_at_the_time_before > 0).then(|| {
        format!(
            "{} of {} targets have the time of the item before; dataset.split.same_day orders them",
            count(audit.targets_at_the_time_before),
            count(audit.examples)
        )
    })
}
