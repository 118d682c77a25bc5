//! Invariants of datasets, on the data that the options name.

use std::sync::Arc;

use super::check::{Checked, Invariant, cancelled, hold, stopped};
use gloss_core::{Context, Data, Dataset, Example, Result};

type Subject = Arc<dyn Dataset>;

pub(super) const INVARIANTS: [Invariant<Subject>; 5] = [
    ("equal files give equal data", determinism),
    ("all files that are read are listed as inputs", inputs),
    ("every history is ordered by time", times),
    ("every example is within its user's history", examples),
    ("cancelled work stops", cancelling),
];

fn load(dataset: &Subject) -> Result<Data> {
    dataset.load(&Context::default())
}

fn determinism(dataset: &Subject) -> Checked {
    let (first, second) = (load(dataset)?, load(dataset)?);
    hold(first.catalogue.items() == second.catalogue.items(), || {
        "other items".to_string()
    })?;
    // Compared as text, in which a rating that is no number equals itself.
    let text = |data: &Data| format!("{:?}", data.histories);
    hold(text(&first) == text(&second), || {
        "other histories".to_string()
    })?;
    hold(first.splits == second.splits, || {
        "other examples".to_string()
    })?;
    hold(first.report == second.report, || {
        "another report".to_string()
    })
}

fn inputs(dataset: &Subject) -> Checked {
    let inputs = dataset.inputs()?;
    let missing = inputs.iter().find(|path| !path.is_file());
    hold(missing.is_none(), || format!("{missing:?} is not a file"))
}

fn times(dataset: &Subject) -> Checked {
    let data = load(dataset)?;
    let items = data.catalogue.len();
    for user in 0..data.histories.len() as u32 {
        let history = data.histories.history(user);
        let known = history.items.iter().all(|item| (*item as usize) < items);
        hold(known && history.times.is_sorted(), || {
            format!("{history:?}")
        })?;
    }
    Ok(())
}

fn examples(dataset: &Subject) -> Checked {
    let data = load(dataset)?;
    let all = [
        &data.splits.train,
        &data.splits.validation,
        &data.splits.test,
    ];
    for examples in all {
        let within = |example: &Example| {
            let length = data.histories.history(example.user).items.len();
            example.targets > 0 && (example.history + example.targets) as usize <= length
        };
        let wrong = examples.iter().find(|example| !within(example));
        hold(wrong.is_none(), || format!("{wrong:?}"))?;
        hold(examples.is_sorted_by_key(|example| example.user), || {
            "not in user order".to_string()
        })?;
    }
    let any = all.iter().any(|examples| !examples.is_empty());
    hold(any, || "there is no example at all".to_string())
}

fn cancelling(dataset: &Subject) -> Checked {
    stopped(dataset.load(&cancelled()))
}
