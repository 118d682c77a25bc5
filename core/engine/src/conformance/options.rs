//! Invariants of the options of all components.

use serde_json::{Value, json};

use super::check::{Checked, Invariant, Stop, Subject, hold};
use gloss_core::{Diagnostics, describe_component};
use gloss_schema::option_diagnostics;

pub(super) fn invariants<'a>() -> [Invariant<Subject<'a>>; 5] {
    [
        (
            "the component and each option have a description",
            documented,
        ),
        ("unknown options are rejected", strangers),
        ("the options survive a round trip through JSON", round_trip),
        ("checking the options is deterministic", check),
        ("an empty table has the same values as no table", tables),
    ]
}

fn documented(subject: &Subject<'_>) -> Checked {
    let undocumented: Vec<String> = subject
        .entry
        .options()
        .into_iter()
        .filter(|option| option.doc.is_empty())
        .map(|option| option.name)
        .collect();
    hold(!subject.entry.summary.is_empty(), || {
        "the component has no description".to_string()
    })?;
    hold(undocumented.is_empty(), || {
        format!("no description of {}", undocumented.join(", "))
    })
}

fn strangers(subject: &Subject<'_>) -> Checked {
    let mut options = subject.options.clone();
    options.insert("no_such_option".into(), true.into());
    let diagnostics = option_diagnostics(&subject.entry.schema, &Value::Object(options))?;
    hold(
        diagnostics
            .iter()
            .any(|diagnostic| diagnostic.key == "no_such_option"),
        || {
            "an option `no_such_option` is accepted; has the struct `deny_unknown_fields`?"
                .to_string()
        },
    )
}

fn round_trip(subject: &Subject<'_>) -> Checked {
    let first = describe_component(subject.component()?.component())?;
    hold(first["type"] == subject.entry.name.as_str(), || {
        format!("it is written as {}", first["type"])
    })?;
    let mut options = first.clone();
    if let Some(options) = options.as_object_mut() {
        options.shift_remove("type");
    }
    let diagnostics = option_diagnostics(&subject.entry.schema, &options)?;
    hold(diagnostics.is_empty(), || {
        format!("{options} is not valid: {}", Diagnostics(diagnostics))
    })?;
    let again = subject.entry.parse(options).map_err(Stop::Fail)?;
    let second = describe_component(again.component())?;
    hold(first == second, || format!("{first} is read as {second}"))
}

fn check(subject: &Subject<'_>) -> Checked {
    let diagnostics = || Ok::<_, Stop>(subject.component()?.check());
    let (first, second) = (diagnostics()?, diagnostics()?);
    hold(first == second, || {
        format!("{first:?}, and then {second:?}")
    })
}

/// The defaults of a table that is given in part are those that the component has without it.
fn tables(subject: &Subject<'_>) -> Checked {
    let written = |options| {
        let component = subject.entry.parse(Value::Object(options));
        Ok::<_, Stop>(describe_component(
            component.map_err(Stop::Fail)?.component(),
        )?)
    };
    let properties = subject.entry.schema["properties"].as_object();
    for (name, property) in properties.into_iter().flatten() {
        if !property["default"].is_object() || !property["properties"].is_object() {
            continue;
        }
        let mut options = subject.options.clone();
        options.shift_remove(name);
        let without = written(options.clone())?;
        options.insert(name.clone(), json!({}));
        let empty = written(options)?;
        hold(without == empty, || {
            let (without, empty) = (&without[name], &empty[name]);
            format!("`{name}` is {without} without a table, and {empty} with an empty one")
        })?;
    }
    Ok(())
}
