//! The names of an adapter's tensors.

use std::collections::BTreeMap;

/// The beginnings that libraries put before the name of a module, in any number.
const PREFIXES: [&str; 3] = ["base_model.model.", "module.", "_orig_mod."];
/// Parts of a name that wrappers of modules put in between.
const WRAPPERS: [&str; 3] = [
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
];
/// The form of a name, for messages.
pub(super) const FORM: &str = "base_model.model.MODULE.lora_A.weight";

/// The way out for an adapter that is more than low-rank changes.
pub(super) const MERGE: &str = "in PEFT, `merge_and_unload()` and `save_pretrained` make of the base \
                                and the adapter a checkpoint that can be read";

/// A factor of a low-rank product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Factor {
    A,
    B,
}

/// The names of the factors' tensors, by module.
#[derive(Debug, Default)]
pub(super) struct Keys(BTreeMap<(String, Factor), String>);

impl Keys {
    /// Sorts out the names of all tensors of an adapter.
    ///
    /// # Errors
    /// If two tensors are the same factor of the same module.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut keys = Keys::default();
        for name in names {
            let Some(key) = parse(name) else {
                continue;
            };
            if let Some(other) = keys.0.insert(key, name.to_string()) {
                return Err(format!(
                    "`{other}` and `{name}` are the same factor; save one adapter alone, with \
                     `model.save_pretrained(folder, selected_adapters=[...])`"
                ));
            }
        }
        Ok(keys)
    }

    /// The name of the tensor of a module's factor; the usual one if there is none.
    pub(super) fn name(&self, module: &str, factor: Factor) -> String {
        let found = self.0.get(&(module.to_string(), factor));
        found.cloned().unwrap_or_else(|| {
            let letter = match factor {
                Factor::A => "A",
                Factor::B => "B",
            };
            format!("base_model.model.{module}.lora_{letter}.weight")
        })
    }

    /// The name in the adapter of the tensor that is usually called so.
    pub(super) fn actual(&self, name: &str) -> String {
        match parse(name) {
            Some((module, factor)) => self.name(&module, factor),
            None => name.to_string(),
        }
    }
}

/// The module and the factor of a tensor such as `base_model.model.M.lora_A.weight`. Some libraries
/// leave out the beginning, or put the adapter's name before `weight`.
fn parse(name: &str) -> Option<(String, Factor)> {
    let (module, factor, rest) = [("lora_A", Factor::A), ("lora_B", Factor::B)]
        .into_iter()
        .find_map(|(part, factor)| {
            let (module, rest) = name.split_once(&format!(".{part}."))?;
            Some((module, factor, rest))
        })?;
    let adapter = rest.strip_suffix("weight")?;
    if !adapter.is_empty() && adapter.matches('.').count() != 1 {
        return None;
    }
    Some((module_of(module), factor))
}

/// The name of a module without what libraries put before it and in between.
fn module_of(name: &str) -> String {
    let mut rest = name;
    while let Some(shorter) = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = shorter;
    }
    let parts = rest.split('.').filter(|part| !WRAPPERS.contains(part));
    parts.collect::<Vec<_>>().join(".")
}

/// The reason why a tensor has no place in the model, and the way out.
pub(super) fn reason(name: &str) -> String {
    let module = module_of(name);
    let has = |part: &str| module.split('.').any(|own| own == part);
    if has("lora_magnitude_vector") {
        return format!("it belongs to DoRA, which is not supported; {MERGE}");
    }
    if has("modules_to_save") || has("original_module") {
        return format!("it is a whole module (`modules_to_save`), not a low-rank change; {MERGE}");
    }
    if has("lora_embedding_A") || has("lora_embedding_B") || has("embed_tokens") {
        return format!("it changes the embedding, which is not supported; {MERGE}");
    }
    if has("lm_head") {
        return format!("it changes the head, which is not supported; {MERGE}");
    }
    match parse(name) {
        Some(_) => "the adapter is for another architecture".to_string(),
        None => format!("tensors of an adapter are called {FORM}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_all_libraries_mean_the_same() {
        let module = "model.layers.0.self_attn.q_proj";
        for name in [
            "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight",
            "model.layers.0.self_attn.q_proj.lora_A.weight",
            "base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight",
            "module.base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight",
            "base_model.model._orig_mod.model.layers.0._fsdp_wrapped_module.self_attn.q_proj.lora_A.weight",
        ] {
            assert_eq!(parse(name), Some((module.to_string(), Factor::A)), "{name}");
            let keys = Keys::new([name].into_iter()).unwrap();
            assert_eq!(keys.name(module, Factor::A), name);
            assert!(
                keys.name(module, Factor::B)
                    .ends_with("q_proj.lora_B.weight")
            );
        }
        for name in [
            "base_model.model.lm_head.weight",
            "base_model.model.x.lora_A.a.b.weight",
            "base_model.model.x.lora_A.bias",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn two_adapters_in_one_file_are_refused() {
        let names = ["x.lora_A.one.weight", "x.lora_A.two.weight"];
        let error = Keys::new(names.into_iter()).unwrap_err();
        assert!(error.contains("are the same factor"), "{error}");
    }

    #[test]
    fn each_cause_has_its_own_words() {
        for (name, expected) in [
            ("base_model.model.x.lora_magnitude_vector", "DoRA"),
            ("base_model.model.lm_head.lora_A.weight", "the head"),
            (
                "base_model.model.model.embed_tokens.lora_embedding_A",
                "the embedding",
            ),
            (
                "base_model.model.lm_head.modules_to_save.weight",
                "a whole module",
            ),
            (
                "base_model.model.h.0.attn.lora_A.weight",
                "another architecture",
            ),
            ("something", "are called base_model.model.MODULE"),
        ] {
            assert!(reason(name).contains(expected), "{}", reason(name));
        }
    }
}
