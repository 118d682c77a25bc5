//! Adapters change weights as PEFT does.

use std::fs;

use gloss_torch::Adapter;
use serde_json::{Value, json};
use tch::Device;

use super::{golden, path, read};

const MODULES: [(&str, i64); 4] = [
    ("layers.0.self_attn.q_proj", 12),
    ("layers.0.self_attn.v_proj", 4),
    ("layers.1.self_attn.q_proj", 12),
    ("layers.1.self_attn.v_proj", 4),
];

#[test]
fn changes_are_those_of_peft() {
    let deltas = golden("adapter-deltas.safetensors");
    for name in ["plain", "rslora", "patterns"] {
        let adapter = Adapter::open(path(&format!("adapter-{name}"))).unwrap();
        assert_eq!(adapter.base(), Some("tiny"));
        assert_eq!(adapter.files().count(), 2);
        for (module, rows) in MODULES {
            let change = adapter
                .module(module, 8, rows, Device::Cpu)
                .unwrap()
                .unwrap();
            let delta = change.b.matmul(&change.a) * change.scale;
            let expected = read(&deltas, &format!("{name}.{module}"));
            let most = (&delta - &expected).abs().max().double_value(&[]);
            assert!(most < 1e-6, "{name}.{module}: {most}");
            assert!(expected.abs().max().double_value(&[]) > 1e-3);
        }
        let unchanged = |module| {
            adapter
                .module(module, 8, 12, Device::Cpu)
                .unwrap()
                .is_none()
        };
        assert!(unchanged("layers.0.self_attn.k_proj"));
        adapter.finish().unwrap();
        assert!(unchanged("layers.2.self_attn.q_proj"));
        let error = adapter.finish().unwrap_err().to_string();
        let expected = "the tensors of 1 of 5 modules are missing";
        assert!(
            error.contains(expected) && error.contains("layers.2.self_attn"),
            "{error}"
        );
    }
}

#[test]
fn an_adapter_for_another_model_is_refused() {
    let adapter = Adapter::open(path("adapter-plain")).unwrap();
    let module = |rows| adapter.module(MODULES[0].0, 8, rows, Device::Cpu);
    let error = module(16).unwrap_err().to_string();
    assert!(
        error.contains("adapter_model.safetensors: tensor `base_model.model.layers.0"),
        "{error}"
    );
    assert!(
        error.contains("has shape [12, 2], but [16, 2] is expected"),
        "{error}"
    );
    module(12).unwrap();
    let error = adapter.finish().unwrap_err().to_string();
    assert!(error.contains("adapter_model.safetensors: tensor `base_model.model.layers.0.self_attn.v_proj.lora_A.weight`"), "{error}");
    assert!(error.contains("nor have 5 others"), "{error}");
}

/// The error for the plain adapter with other options.
fn refused(options: Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let plain = path("adapter-plain");
    let file = "adapter_model.safetensors";
    fs::copy(format!("{plain}/{file}"), folder.path().join(file)).unwrap();
    let text = fs::read(format!("{plain}/adapter_config.json")).unwrap();
    let mut config: Value = serde_json::from_slice(&text).unwrap();
    for (name, value) in options.as_object().unwrap() {
        config[name] = value.clone();
    }
    fs::write(
        folder.path().join("adapter_config.json"),
        config.to_string(),
    )
    .unwrap();
    let adapter = Adapter::open(folder.path());
    match adapter.and_then(|adapter| adapter.module(MODULES[0].0, 8, 12, Device::Cpu)) {
        Ok(_) => "accepted".to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn options_that_would_compute_something_else_are_refused() {
    for (options, told) in [
        (json!({"peft_type": "IA3"}), "`peft_type` is `IA3`"),
        (json!({"bias": "all"}), "`bias` is `all`"),
        (json!({"use_dora": true}), "`use_dora` is true"),
        (json!({"fan_in_fan_out": true}), "`fan_in_fan_out` is true"),
        (
            json!({"modules_to_save": ["lm_head"]}),
            "`modules_to_save` is [\"lm_head\"]",
        ),
        (json!({"r": 0}), "`r` is 0"),
        (json!({"r": "two"}), "invalid type"),
        (json!({"r": 3}), "has shape [2, 8], but [3, 8] is expected"),
        (json!({"rank_pattern": {"(": 2}}), "has the pattern `(`"),
        (json!({"rank_pattern": {"q_proj": 0}}), "has 0 for `q_proj`"),
        (
            json!({"alpha_pattern": {"q_proj": "x"}}),
            "has \"x\" for `q_proj`",
        ),
        (
            json!({"made_in_the_future": {"a": 1}, "rank_pattern": null}),
            "accepted",
        ),
    ] {
        let found = refused(options.clone());
        assert!(found.contains(told), "{options}: {found}");
        assert!(
            told == "accepted" || found.contains("adapter_"),
            "{options}: {found}"
        );
    }
}
