//! `gloss train`: the generators of an experiment learn.

use std::fmt::Write;

use anyhow::Result;
use gloss_core::{Existing, Registry, Store, Training, train_experiment};
use serde_json::json;

use crate::args;
use crate::draft;
use crate::session::Session;

pub(crate) fn execute(args: &args::Run, session: &Session) -> Result<()> {
    let mut experiment = draft::experiment(&args.experiment)?.resolve(&Registry::known()?)?;
    if let Some(output) = &args.output {
        experiment.output = Some(output.clone());
    }
    let existing = match args.overwrite {
        true => Existing::Replace,
        false => Existing::Refuse,
    };
    let store = Store::new(&args.cache.folder);
    let training = train_experiment(&experiment, &store, existing, &session.context)?;
    if !training.reused {
        session.log.attach(&training.folder.join("train.log"))?;
    }
    let methods: Vec<_> = training
        .methods
        .iter()
        .map(|(method, folder)| json!({ "method": method, "folder": folder }))
        .collect();
    let value = json!({
        "folder": training.folder, "reused": training.reused,
        "methods": methods, "stages": training.stages,
    });
    session.output.show(&value, |_, _| text(&training))
}

fn text(training: &Training) -> String {
    let mut text = String::new();
    for (method, folder) in &training.methods {
        let _ = writeln!(text, "{method}: {}", folder.display());
    }
    let reused = if training.reused {
        ", where it was already"
    } else {
        ""
    };
    let _ = write!(
        text,
        "the training is in {}{reused}",
        training.folder.display()
    );
    text
}
