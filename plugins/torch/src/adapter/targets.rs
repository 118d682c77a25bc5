//! The modules that an adapter is said to change.

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

/// The options as they are written.
#[derive(Debug, Deserialize)]
pub(super) struct WrittenTargets {
    target_modules: Option<Value>,
    exclude_modules: Option<Value>,
    layers_to_transform: Option<Value>,
    layers_pattern: Option<Value>,
}

/// `target_modules`, `exclude_modules`, `layers_to_transform` and `layers_pattern` of an adapter's
/// configuration, by the rules of PEFT.
#[derive(Debug)]
pub(super) struct Targets {
    included: Names,
    excluded: Names,
    /// The numbers of the layers that are changed; all if there are none.
    layers: Vec<u64>,
    /// A layer's number is the first in a module's name, or that after one of these.
    lists: Vec<String>,
}

/// Names of modules.
#[derive(Debug)]
enum Names {
    None,
    /// All projections of the layers.
    AllLinear,
    /// The names, or the ends of them after a dot.
    List(Vec<String>),
    /// A regular expression of the whole name.
    Pattern(Regex),
}

impl Targets {
    pub(super) fn of(written: &WrittenTargets) -> Self {
        let layers = match &written.layers_to_transform {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_u64).collect(),
            Some(one) => one.as_u64().into_iter().collect(),
        };
        Targets {
            included: Names::read("target_modules", written.target_modules.as_ref()),
            excluded: Names::read("exclude_modules", written.exclude_modules.as_ref()),
            layers,
            lists: texts(written.layers_pattern.as_ref()),
        }
    }

    pub(super) fn contains(&self, module: &str) -> bool {
        let layer = || layer_of(module, &self.lists);
        self.included.contain(module)
            && !self.excluded.contain(module)
            && (self.layers.is_empty() || layer().is_some_and(|layer| self.layers.contains(&layer)))
    }
}

impl Names {
    fn read(option: &str, value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Names::None,
            Some(Value::String(text)) if text == "all-linear" => Names::AllLinear,
            Some(Value::String(pattern)) => match Regex::new(&format!("^(?:{pattern})$")) {
                Ok(pattern) => Names::Pattern(pattern),
                Err(_) => {
                    tracing::warn!(
                        "the adapter's `{option}` is a pattern of Python that cannot be read here, so \
                         modules without tensors are not noticed: {pattern}"
                    );
                    Names::None
                }
            },
            several => Names::List(texts(several)),
        }
    }

    fn contain(&self, module: &str) -> bool {
        match self {
            Names::None => false,
            Names::AllLinear => module.ends_with("_proj"),
            Names::Pattern(pattern) => pattern.is_match(module),
            Names::List(names) => names.iter().any(|name| {
                let before = module.strip_suffix(name.as_str());
                before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }),
        }
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(values)) => {
            let texts = values.iter().filter_map(Value::as_str);
            texts.map(str::to_string).collect()
        }
        _ => Vec::new(),
    }
}

/// The number of the layer that a module is in.
fn layer_of(module: &str, lists: &[String]) -> Option<u64> {
    let parts: Vec<&str> = module.split('.').collect();
    let pairs = parts.windows(2);
    let mut numbered = pairs.filter_map(|pair| Some((pair[0], pair[1].parse().ok()?)));
    let own = |list: &str| lists.is_empty() || lists.iter().any(|own| own == list);
    numbered.find(|(list, _)| own(list)).map(|(_, layer)| layer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(value: Value) -> Names {
        Names::read("target_modules", Some(&value))
    }

    #[test]
    fn modules_are_named_by_ends_patterns_or_all() {
        let module = "model.layers.3.self_attn.q_proj";
        assert!(names(json!(["q_proj"])).contain(module));
        assert!(names(json!(["self_attn.q_proj"])).contain(module));
        assert!(!names(json!(["proj"])).contain(module));
        assert!(names(json!("all-linear")).contain(module));
        assert!(names(json!(r".*\.q_proj")).contain(module));
        assert!(!names(json!("q_proj")).contain(module));
        assert!(!names(json!("(?!a)")).contain(module));
    }

    #[test]
    fn layers_are_found_in_names() {
        assert_eq!(layer_of("model.layers.3.self_attn.q_proj", &[]), Some(3));
        let lists = ["blocks".to_string()];
        assert_eq!(layer_of("a.1.blocks.7.x", &lists), Some(7));
        assert_eq!(layer_of("lm_head", &[]), None);
    }
}
