//! Laws of the options of all components.

use serde_json::Value;

use super::{Checked, Law, Stop, Subject, hold};
use crate::{describe_component, option_faults};

pub(super) fn laws<'a>() -> [Law<Subject<'a>>; 4] {
    [
        (
            "the component and each option have a description",
            documented,
        ),
        ("options that do not exist are refused", strangers),
        ("the options can be written, and read again", round_trip),
        ("its check is deterministic", check),
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
    let faults = option_faults(&subject.entry.schema, &Value::Object(options))?;
    hold(
        faults.iter().any(|fault| fault.key == "no_such_option"),
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
    let faults = option_faults(&subject.entry.schema, &options)?;
    hold(faults.is_empty(), || {
        format!("{options} is not valid: {}", crate::Faults(faults))
    })?;
    let again = subject.entry.parse(options).map_err(Stop::Broken)?;
    let second = describe_component(again.component())?;
    hold(first == second, || format!("{first} is read as {second}"))
}

fn check(subject: &Subject<'_>) -> Checked {
    let faults = || Ok::<_, Stop>(subject.component()?.check());
    let (first, second) = (faults()?, faults()?);
    hold(first == second, || {
        format!("{first:?}, and then {second:?}")
    })
}
