//! `gloss compare`: methods on the same users, with tests of their differences.

mod differences;
mod inputs;
mod output;

use anyhow::Result;
use gloss_core::Error;
use gloss_engine::{Bootstrap, CompareOptions, compare};

use crate::args::{Compare, Format};
use crate::session::Session;

pub(crate) fn execute(args: &Compare, session: &Session) -> Result<()> {
    if args.all_pairs && args.format != Format::Text {
        let message = "--all-pairs is for --format text and --json";
        return Err(Error::Usage(message.into()).into());
    }
    let mut args = args.clone();
    for run in &mut args.runs {
        *run = session.remote.local(run)?;
    }
    let args = &args;
    let competitors = inputs::competitors(args)?;
    let options = CompareOptions {
        baseline: args.baseline.clone(),
        metrics: args.metric.clone(),
        mixed_seen: args.mixed_seen,
        all_pairs: args.all_pairs,
        bootstrap: Bootstrap {
            resamples: args.resamples,
            confidence: 1.0 - args.alpha,
            seed: args.seed,
        },
    };
    let comparison = compare(&competitors, &options)?;
    let marks = differences::Marks {
        test: args.test,
        alpha: args.alpha,
    };
    session
        .output
        .show(&comparison, |comparison, look| match args.format {
            Format::Text => output::text(comparison, marks, look),
            Format::Markdown => output::markdown(comparison, marks),
            Format::Latex => output::latex(comparison, marks),
            Format::Csv => output::csv(comparison),
        })
}
