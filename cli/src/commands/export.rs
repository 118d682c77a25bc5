//! `gloss export`: the model of a generator, whole.

use anyhow::Result;
use gloss_core::{Error, Registry};
use gloss_engine::{Experiment, Method, OutputFolder, trained_generator};
use serde_json::json;

use crate::args::Export;
use crate::config;
use crate::session::Session;

pub(crate) fn execute(args: &Export, session: &Session) -> Result<()> {
    let experiment =
        config::local_experiment(&args.experiment, session)?.resolve(&Registry::known()?)?;
    let method = method(&experiment, args.method.as_deref())?;
    let output = OutputFolder::locked(&args.output, &session.context)?;
    if !output.entries().is_empty() {
        let message = format!(
            "the output folder {} is not empty, and is left as it is; choose another by --output",
            args.output.display()
        );
        return Err(Error::Usage(message).into());
    }
    let cache = session.remote.cache(&args.cache.folder)?;
    let context = &session.context;
    let generator = trained_generator(&experiment, method, &cache, context)?;
    generator.export(output.begin()?, context)?;
    output.finish()?;
    let value = json!({ "folder": args.output, "method": method.name });
    session.output.show(&value, |_, _| {
        format!("the model is in {}", args.output.display())
    })
}

/// The method that is meant.
fn method<'a>(experiment: &'a Experiment, name: Option<&str>) -> Result<&'a Method, Error> {
    let names = || {
        let names: Vec<&str> = experiment.methods.iter().map(|m| m.name.as_str()).collect();
        names.join("`, `")
    };
    match (name, experiment.methods.as_slice()) {
        (None, [method]) => Ok(method),
        (None, _) => Err(Error::Usage(format!(
            "there are several methods; choose one by --method: `{}`",
            names()
        ))),
        (Some(name), methods) => methods
            .iter()
            .find(|method| method.name == name)
            .ok_or_else(|| {
                Error::Usage(format!(
                    "there is no method `{name}`; there are `{}`",
                    names()
                ))
            }),
    }
}
