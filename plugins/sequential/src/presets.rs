//! Presets: named values of options, over which those that are given go.

use gloss_core::overlay;
use schemars::Schema;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The presets of a model: a name and the options that differ from the defaults.
pub(crate) type Presets = Vec<(&'static str, Value)>;

/// Options of `training` that are for some losses alone.
pub(crate) const LOSS_OPTIONS: [&str; 5] = [
    "negatives",
    "negative_sampling",
    "negative_sharing",
    "log_q_correction",
    "gbce_t",
];

/// Reads options, and puts those of the preset that they name below them, and below these the defaults.
///
/// The defaults of a table, such as `training`, are those of the model, which may differ from those of the table's
/// type: a table of which one value is given keeps the model's others.
pub(crate) fn with_preset<'de, D: Deserializer<'de>>(
    deserializer: D,
    defaults: &impl Serialize,
    presets: &Presets,
) -> Result<Value, D::Error> {
    let given = Map::<String, Value>::deserialize(deserializer)?;
    let mut all = serde_json::to_value(defaults).map_err(D::Error::custom)?;
    let name = given.get("settings").or(all.get("settings")).cloned();
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    let Some((_, preset)) = presets.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = presets.iter().map(|(name, _)| *name).collect();
        return Err(D::Error::custom(format!(
            "unknown settings `{name}`: expected `{}`",
            known.join("` or `")
        )));
    };
    overlay(&mut all, preset.clone());
    drop_options_of_another_loss(&mut all, &given);
    overlay(&mut all, Value::Object(given));
    Ok(all)
}

/// Removes the options of the preset's loss if the given options name another loss.
fn drop_options_of_another_loss(preset: &mut Value, given: &Map<String, Value>) {
    let loss = given
        .get("training")
        .and_then(|training| training.get("loss"));
    let Some(training) = preset.get_mut("training").and_then(Value::as_object_mut) else {
        return;
    };
    if loss.is_some() && loss != training.get("loss") {
        training.retain(|key, _| !LOSS_OPTIONS.contains(&key.as_str()));
    }
}

/// States in the description of `settings` the values of each preset.
pub(crate) fn describe(schema: &mut Schema, presets: &Presets) {
    let Some(settings) = schema
        .get_mut("properties")
        .and_then(|properties| properties.get_mut("settings"))
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let mut text = "The preset, over which the options that are given go.".to_string();
    for (name, preset) in presets {
        let mut values = Vec::new();
        flatten("", preset, &mut values);
        text += &match values.is_empty() {
            true => format!(" `{name}`: the defaults."),
            false => format!(" `{name}`: {}.", values.join(", ")),
        };
    }
    let names: Vec<Value> = presets.iter().map(|(name, _)| (*name).into()).collect();
    settings.insert("description".to_string(), text.into());
    settings.insert("enum".to_string(), names.into());
}

fn flatten(prefix: &str, value: &Value, values: &mut Vec<String>) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                let key = match prefix {
                    "" => key.clone(),
                    prefix => format!("{prefix}.{key}"),
                };
                flatten(&key, value, values);
            }
        }
        value => values.push(format!("`{prefix} = {value}`")),
    }
}

/// Makes options a generator with presets: parsing, training and ranking are those of all models.
macro_rules! sequence_model {
    ($model:ident) => {
        impl<'de> serde::Deserialize<'de> for $model {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let defaults = $model::default();
                let options =
                    crate::presets::with_preset(deserializer, &defaults, &$model::presets())?;
                // The derived function, which has the same name.
                $model::deserialize(options).map_err(serde::de::Error::custom)
            }
        }

        impl serde::Serialize for $model {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $model::serialize(self, serializer)
            }
        }

        impl gloss_core::QueryGenerator for $model {
            fn check(&self) -> Vec<gloss_core::Diagnostic> {
                crate::generator::check(self)
            }

            fn produces(&self) -> gloss_core::QueryKind {
                gloss_core::QueryKind::Items
            }

            fn inputs(&self) -> gloss_core::Result<Vec<std::path::PathBuf>> {
                crate::generator::inputs(self)
            }

            fn identity(&self) -> gloss_core::Result<gloss_core::Identity> {
                crate::generator::identity(self)
            }

            fn trainer(&self) -> Option<&dyn gloss_core::Trainer> {
                self.model.is_none().then_some(self)
            }

            fn export(
                &self,
                folder: &std::path::Path,
                _: &gloss_core::Context,
            ) -> gloss_core::Result<()> {
                crate::generator::export(self, folder)
            }

            fn open<'a>(
                &'a self,
                data: &'a gloss_core::Data,
                context: &'a gloss_core::Context,
            ) -> gloss_core::Result<Box<dyn gloss_core::Generator + 'a>> {
                crate::generator::open(self, data, context)
            }
        }

        impl gloss_core::Trainer for $model {
            fn identity(&self) -> gloss_core::Result<gloss_core::Identity> {
                crate::generator::training_identity(self)
            }

            fn metric(&self) -> Option<&str> {
                self.training.metric()
            }

            fn train(
                &self,
                data: &gloss_core::Data,
                folder: &std::path::Path,
                validate: &gloss_core::Validate<'_>,
                context: &gloss_core::Context,
            ) -> gloss_core::Result<()> {
                crate::train::train(self, data, folder, validate, context)
            }

            fn trained(
                &self,
                folder: &std::path::Path,
            ) -> std::sync::Arc<dyn gloss_core::QueryGenerator> {
                let folder = folder.join(crate::train::MODEL);
                std::sync::Arc::new(crate::network::Model::with_weights(self, folder))
            }
        }
    };
}

/// Implements what [`Model`](crate::network::Model) asks of options that have the usual fields.
macro_rules! usual_options {
    () => {
        fn shared(&self) -> crate::config::Shared<'_> {
            crate::config::Shared {
                model: &self.model,
                device: self.device,
                max_length: self.max_length,
                count: self.count,
                batch_size: self.batch_size,
                training: &self.training,
            }
        }

        fn with_weights(&self, folder: std::path::PathBuf) -> Self {
            Self {
                model: Some(folder),
                ..self.clone()
            }
        }
    };
}

pub(crate) use {sequence_model, usual_options};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::Loss;
    use crate::models::Sasrec;
    use serde_json::json;

    #[test]
    fn a_table_of_which_one_value_is_given_keeps_the_models_others() {
        let read = |given: Value| serde_json::from_value::<Sasrec>(given).unwrap();
        for settings in ["strong", "original", "esasrec"] {
            let whole = read(json!({ "settings": settings }));
            let partial = read(json!({"settings": settings, "training": {"seed": 42}}));
            assert_eq!(partial, whole);
        }
        let training = read(json!({"training": {"seed": 42}})).training;
        assert_eq!(training.loss, Loss::SampledSoftmax);
        assert_eq!(training.early_stopping_patience, 50);
    }

    #[test]
    fn options_that_are_given_go_over_those_of_the_preset() {
        let presets = vec![
            ("strong", json!({})),
            (
                "original",
                json!({"width": 64, "training": {"loss": "a", "rate": 1}}),
            ),
        ];
        let defaults = json!({"settings": "strong", "training": {"batch": 8}});
        let read = |given: Value| with_preset(given, &defaults, &presets);
        let given = json!({"settings": "original", "training": {"rate": 2}});
        let expected = json!({"settings": "original", "width": 64, "training": {"loss": "a", "rate": 2, "batch": 8}});
        assert_eq!(read(given).unwrap(), expected);
        let presets = vec![(
            "few",
            json!({"training": {"loss": "a", "negatives": 1, "rate": 1}}),
        )];
        let read_few = |given: Value| with_preset(given, &json!({}), &presets).unwrap();
        let same = json!({"settings": "few", "training": {"loss": "a"}});
        let other = json!({"settings": "few", "training": {"loss": "b"}});
        assert_eq!(
            read_few(same)["training"],
            json!({"loss": "a", "negatives": 1, "rate": 1})
        );
        assert_eq!(read_few(other)["training"], json!({"loss": "b", "rate": 1}));
        let error = read(json!({"settings": "weak"})).unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown settings `weak`: expected `strong` or `original`"
        );
    }
}
