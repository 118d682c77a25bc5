//! `gloss export`: the model of a generator, whole.

use anyhow::Result;
use gloss_core::{Error, Experiment, Method, OutputFolder, Registry, Store, prepare, train};
use serde_json::json;

use crate::args::Export;
use crate::draft;
use crate::session::Session;

pub(crate) fn execute(args: &Export, session: &Session) -> Result<()> {
    let experiment = draft::experiment(&args.experiment)?.resolve(&Registry::known()?)?;
    let method = method(&experiment, args.method.as_deref())?;
    let output = OutputFolder::locked(&args.output, &session.context)?;
    if !output.entries().is_empty() {
        let message = format!(
            "the output folder {} is not empty, and is left as it is; choose another by --output",
            args.output.display()
        );
        return Err(Error::Usage(message).into());
    }
    let store = Store::new(&args.cache.folder);
    let context = &session.context;
    let generator = match method.generator.trainer() {
        None => method.generator.clone(),
        Some(_) => {
            let prepared = prepare(experiment.dataset.as_ref(), &store, context)?;
            train(method, &prepared, &store, context)?.generator
        }
    };
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
