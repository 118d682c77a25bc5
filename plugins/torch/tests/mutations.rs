//! Adapters with other bytes: they are read, or there is an error; never a panic.

use std::fs;
use std::path::Path;

use gloss_torch::Adapter;
use proptest::prelude::*;
use tch::Device;

const FILES: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_changed_adapter_is_read_or_refused(
        file in prop::sample::select(FILES.to_vec()),
        at: prop::sample::Index,
        removed in 0_usize..8,
        new in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..8),
            prop::sample::select(vec!["-1", "null", "[]", "{}", "\"", "1e999", "true"])
                .prop_map(|text| text.as_bytes().to_vec()),
        ],
    ) {
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/adapter-plain");
        let folder = tempfile::tempdir().map_err(|error| TestCaseError::fail(error.to_string()))?;
        for name in FILES {
            let mut bytes = fs::read(original.join(name))
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            if name == file {
                let at = at.index(bytes.len() + 1);
                let end = (at + removed).min(bytes.len());
                bytes.splice(at..end, new.iter().copied());
            }
            fs::write(folder.path().join(name), bytes)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
        }
        let read = Adapter::open(folder.path()).and_then(|adapter| {
            for layer in 0..2 {
                for (part, rows) in [("q_proj", 12), ("v_proj", 4)] {
                    let module = format!("layers.{layer}.self_attn.{part}");
                    adapter.module(&module, 8, rows, Device::Cpu)?;
                }
            }
            adapter.finish()
        });
        if let Err(error) = read {
            prop_assert!(error.to_string().contains("adapter_"), "{error}");
        }
    }
}
