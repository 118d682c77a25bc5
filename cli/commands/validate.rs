//! `gloss validate`: an experiment, checked and in full, with nothing read.

use anyhow::Result;
use gloss_core::Registry;

use crate::args::Experiment;
use crate::config;
use crate::session::Session;

pub(crate) fn execute(args: &Experiment, session: &Session) -> Result<()> {
    let experiments = config::experiment(args)?.resolve_seeds(&Registry::known()?)?;
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
