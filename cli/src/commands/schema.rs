//! `gloss schema`: the JSON Schema of experiment files.

use anyhow::Result;
use gloss_core::Registry;
use gloss_engine::experiment_schema;

use crate::session::Session;

pub(crate) fn execute(session: &Session) -> Result<()> {
    let schema = experiment_schema(&Registry::known()?);
    let text = serde_json::to_string_pretty(&schema)?;
    session.output.show(&schema, |_, _| text)
}
