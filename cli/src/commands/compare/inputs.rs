//! The methods that the arguments name.

use std::path::Path;

use gloss_core::{Error, Evaluation, Result, Scores};
use gloss_engine::trec::{Qrels, Run, Ties};
use gloss_engine::{Competitor, FinishedRun, MethodValues, UserValues};

use crate::args::Compare;
use crate::commands::evaluate::{higher_is_better, metrics};

/// Reads all methods.
pub(super) fn competitors(args: &Compare) -> Result<Vec<Competitor>> {
    let qrels = args.qrels.as_deref().map(Qrels::read).transpose()?;
    let mut methods = Vec::new();
    for path in &args.runs {
        match path.is_dir() {
            true => methods.extend(folder(path)?),
            false => methods.push(file(path, qrels.as_ref(), args)?),
        }
    }
    let is_used = args
        .runs
        .iter()
        .any(|path| path.is_file() && !is_values(path));
    if qrels.is_some() && !is_used {
        let message = "--qrels is for runs in TREC format or as ranx's JSON, and none is given";
        return Err(Error::Usage(message.into()));
    }
    Ok(Competitor::group(methods))
}

/// The methods of a run's folder, or the one whose folder it is.
fn folder(path: &Path) -> Result<Vec<MethodValues>> {
    let method = path.file_name().and_then(|name| name.to_str());
    let (folder, method) = match path.parent() {
        Some(run)
            if run.join("manifest.json").is_file() && !path.join("manifest.json").exists() =>
        {
            (run, method)
        }
        _ => (path, None),
    };
    let mut methods = Vec::new();
    for run in FinishedRun::open(folder)? {
        methods.extend(MethodValues::of_run(&run, method)?);
    }
    Ok(methods)
}

/// Returns `true` if the file has metrics by user.
fn is_values(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "jsonl")
}

/// The method of a file of another tool.
fn file(path: &Path, qrels: Option<&Qrels>, args: &Compare) -> Result<MethodValues> {
    let values = match (is_values(path), qrels) {
        (true, _) => UserValues::from_lines(path)?,
        (false, Some(qrels)) => evaluated(path, qrels, &args.metric)?,
        (false, None) => {
            let message = "is a run, which needs relevance judgements: name them by --qrels";
            return Err(Error::input(path, message));
        }
    };
    let names = values.metrics.iter().map(|(name, _)| name.clone());
    let lower = names.filter(|name| !higher_is_better(name)).collect();
    Ok(MethodValues::of_file(path, values, lower))
}

/// The values of a run by user; 0 for users whom it misses.
fn evaluated(path: &Path, qrels: &Qrels, names: &[String]) -> Result<UserValues> {
    let aligned = Run::read(path)?.align(qrels, Ties::default());
    let evaluation = Evaluation::new(&aligned.rankings, qrels.grades())?;
    if aligned.ignored > 0 {
        tracing::warn!(
            "{}: {} users have no judgements and are left out",
            path.display(),
            aligned.ignored
        );
    }
    let mut values = UserValues {
        users: qrels.users().iter().map(str::to_string).collect(),
        ..UserValues::default()
    };
    for metric in metrics(names)? {
        match metric.score(&evaluation)? {
            Scores::PerUser(scores) => values.metrics.push((metric.label(), scores)),
            Scores::Overall(_) => {
                let message = format!(
                    "{} is not a mean over users and cannot be tested",
                    metric.label()
                );
                return Err(Error::Usage(message));
            }
        }
    }
    Ok(values)
}
