//! `gloss merge`: the run of an experiment, from the results of its shards.

use anyhow::Result;
use gloss_engine::{Experiment, merge_shards};

use crate::args::Merge;
use crate::commands::run;
use crate::session::Session;

pub(crate) fn execute(args: &Merge, session: &Session) -> Result<()> {
    let experiments = run::experiments(&args.experiment, args.output.as_deref(), session)?;
    let cache = session.remote.cache(&args.cache.folder)?;
    let existing = run::existing(args.overwrite);
    let context = &session.context;
    let merge = |one: &Experiment| merge_shards(args.shards, one, &cache, existing, context);
    let runs = run::run_all(&experiments, merge, session)?;
    run::show(&runs, false, session)
}
