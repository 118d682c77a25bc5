//! The stages of a run or a training.

use gloss_engine::StageRow;

use super::table::{Cell, Look, Table};

/// The stages of a run or a training, or of the earlier one whose results are shown again.
pub(crate) fn explain(stages: &[StageRow], reused: bool, look: Look) -> String {
    let heading = match reused {
        true => "nothing was built; the stages when this was first run:\n",
        false => "",
    };
    format!("{heading}{}", explanation(stages).render(look))
}

/// A row per stage: whether it was reused, and if not, what differed from the most similar artefact.
fn explanation(stages: &[StageRow]) -> Table {
    let mut table = Table::new(["stage", "method", "seconds", "result"]);
    for stage in stages {
        let result = match &stage.reason {
            None => "reused".to_string(),
            Some(reason) => format!("built: {reason}"),
        };
        table.row([
            Cell::from(stage.stage.as_str()).strong(),
            stage.method.as_deref().unwrap_or("all").into(),
            Cell::number(stage.seconds, 2),
            result.into(),
        ]);
    }
    table
}
