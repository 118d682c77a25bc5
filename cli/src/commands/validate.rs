//! `gloss validate`: an experiment, checked and in full, with nothing read.

use anyhow::Result;
use gloss_core::Registry;
use gloss_engine::resolve_sweep;

use crate::args::Experiment;
use crate::config;
use crate::session::Session;

pub(crate) fn execute(args: &Experiment, session: &Session) -> Result<()> {
    let (config, registry) = (config::experiment(args)?, Registry::known()?);
    let experiments = match resolve_sweep(&config, &registry)? {
        Some(experiments) => experiments,
        None => config.resolve_seeds(&registry)?,
    };
    let described = match &experiments[..] {
        [experiment] => experiment.describe()?,
        several => several
            .iter()
            .map(|experiment| experiment.describe())
            .collect::<Result<_, _>>()?,
    };
    let text = serde_json::to_string_pretty(&described)?;
    session.output.show(&described, |_, _| text)
}
