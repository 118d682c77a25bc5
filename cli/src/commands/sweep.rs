//! `gloss sweep`: an experiment with many settings, of which validation users choose the best.

mod plot;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use gloss_core::{Error, Registry};
use gloss_engine::{Existing, SWEEP_FILES, SweepResults, run_sweep};
use indicatif::HumanCount;

use crate::args::Sweep;
use crate::config;
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

pub(crate) fn execute(args: &Sweep, session: &Session) -> Result<()> {
    let config = config::local_experiment(&args.experiment, session)?;
    let output = match &args.output {
        Some(output) => output.clone(),
        None => default_output(&args.experiment.file),
    };
    let existing = match args.overwrite {
        true => Existing::Replace,
        false => Existing::Refuse,
    };
    let cache = session.remote.cache(&args.cache.folder)?;
    let registry = Registry::known()?;
    let results = run_sweep(
        &config,
        &registry,
        &output,
        &cache,
        existing,
        &session.context,
    )?;
    let json = format!("{}\n", serde_json::to_string_pretty(&results)?);
    let contents = [
        json,
        results.experiment.clone(),
        plot::parallel_coordinates(&results)?,
    ];
    for (name, content) in SWEEP_FILES.iter().zip(contents) {
        let path = output.join(name);
        fs::write(&path, content).map_err(Error::io("write", &path))?;
    }
    session
        .output
        .show(&results, |results, look| text(results, &output, look))
}

fn default_output(file: &Option<PathBuf>) -> PathBuf {
    let name = file.as_deref().and_then(Path::file_stem);
    let name = name.map_or("experiment".into(), |name| name.to_string_lossy());
    Path::new("runs").join(format!("{name}-sweep"))
}

/// A row per trial in order, the best in bold letters, and the best settings as an experiment.
fn text(results: &SweepResults, output: &Path, look: Look) -> String {
    let first = &results.trials[0];
    let several_rounds = results.trials.iter().any(|trial| trial.round > 1);
    let mut header = vec!["trial".to_string()];
    header.extend(several_rounds.then(|| "round".to_string()));
    header.extend(first.settings.iter().map(|(key, _)| key.clone()));
    header.extend(first.metrics.iter().map(|value| value.metric.clone()));
    let mut table = Table::new(header);
    for (at, trial) in results.trials.iter().enumerate() {
        let mut row = vec![Cell::count(at + 1)];
        row.extend(several_rounds.then(|| Cell::count(trial.round as usize)));
        row.extend(
            trial
                .settings
                .iter()
                .map(|(_, value)| match value.as_str() {
                    Some(text) => Cell::from(text),
                    None => Cell::from(value.to_string()),
                }),
        );
        row.extend(
            trial
                .metrics
                .iter()
                .map(|value| Cell::number(value.value, 4)),
        );
        table.row(row.into_iter().map(|cell| {
            if at == results.best {
                cell.strong()
            } else {
                cell
            }
        }));
    }
    let best = &results.trials[results.best];
    let mut text = table.render(look);
    let _ = write!(
        text,
        "\n\ntrial {} is best by {} of {} on {} validation users: {:.4}",
        results.best + 1,
        results.metric,
        results.method,
        HumanCount(results.users),
        best.value
    );
    let _ = write!(
        text,
        "\nits experiment is {}, the plot {}:\n\n{}",
        output.join("best.toml").display(),
        output.join("sweep.svg").display(),
        results.experiment
    );
    text
}
