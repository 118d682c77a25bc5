//! `gloss train`: the training of an experiment's generators.

use std::fmt::Write;

use anyhow::Result;
use gloss_core::Registry;
use gloss_engine::{Existing, Training, join_training, train_experiment};
use serde_json::json;

use crate::args;
use crate::config;
use crate::session::Session;
use crate::ui;

pub(crate) fn execute(args: &args::Train, session: &Session) -> Result<()> {
    let mut experiment =
        config::local_experiment(&args.experiment, session)?.resolve(&Registry::known()?)?;
    let output = args.output.clone().or(experiment.output.take());
    let local = output.as_deref().map(|output| session.remote.local(output));
    experiment.output = local.transpose()?;
    let cache = session.remote.cache(&args.cache.folder)?;
    if let Some(rank) = rank().filter(|rank| *rank > 0) {
        let count = join_training(&experiment, &cache, &session.context)?;
        let value = json!({ "rank": rank, "trainings": count });
        return session.output.show(&value, |_, _| {
            format!("the process of rank {rank} took part in {count} trainings")
        });
    }
    let existing = match args.overwrite {
        true => Existing::Replace,
        false => Existing::Refuse,
    };
    let training = train_experiment(&experiment, &cache, existing, &session.context)?;
    if !training.reused {
        session.log.attach(&training.folder.join("train.log"))?;
    }
    if let Some(output) = &output {
        session.remote.upload(&training.folder, output)?;
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
    session.output.show(&value, |_, look| {
        let mut text = text(&training);
        if args.explain {
            let table = ui::stages::explain(&training.stages, training.reused, look);
            let _ = write!(text, "\n\n{table}");
        }
        text
    })
}

/// The number of this process among those that torchrun started.
pub(super) fn rank() -> Option<usize> {
    std::env::var("RANK").ok()?.parse().ok()
}

fn text(training: &Training) -> String {
    let mut text = String::new();
    for (method, folder) in &training.methods {
        let _ = writeln!(text, "{method}: {}", folder.display());
    }
    let reused = if training.reused {
        "; it was there already"
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
