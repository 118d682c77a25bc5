//! Laws of data sets, on the data that the options name.

use std::sync::Arc;

use super::{Checked, Law, cancelled, hold, stopped};
use crate::{Case, Context, Data, Dataset};

type Subject = Arc<dyn Dataset>;

pub(super) const LAWS: [Law<Subject>; 5] = [
    ("equal files give equal data", determinism),
    ("the files that are read are told", inputs),
    ("every history is in the order of its times", times),
    ("every case is within its user's history", cases),
    ("work that is cancelled stops", cancelling),
];

fn load(dataset: &Subject) -> crate::Result<Data> {
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
    hold(first.splits == second.splits, || "other cases".to_string())?;
    hold(first.report == second.report, || {
        "another report".to_string()
    })
}

fn inputs(dataset: &Subject) -> Checked {
    let inputs = dataset.inputs()?;
    let missing = inputs.iter().find(|path| !path.is_file());
    hold(missing.is_none(), || format!("{missing:?} is no file"))
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

fn cases(dataset: &Subject) -> Checked {
    let data = load(dataset)?;
    let all = [
        &data.splits.train,
        &data.splits.validation,
        &data.splits.test,
    ];
    for cases in all {
        let within = |case: &Case| {
            let length = data.histories.history(case.user).items.len();
            case.targets > 0 && (case.history + case.targets) as usize <= length
        };
        let wrong = cases.iter().find(|case| !within(case));
        hold(wrong.is_none(), || format!("{wrong:?}"))?;
        hold(cases.is_sorted_by_key(|case| case.user), || {
            "not in user order".to_string()
        })?;
    }
    let any = all.iter().any(|cases| !cases.is_empty());
    hold(any, || "there is no case at all".to_string())
}

fn cancelling(dataset: &Subject) -> Checked {
    stopped(dataset.load(&cancelled()))
}
