//! NF4 is that of bitsandbytes, byte for byte; the goldens are made by `golden/make.py`.

use gloss_torch::{Checkpoint, Nf4};
use tch::{Device, Kind, Tensor};

fn golden() -> Checkpoint {
    Checkpoint::open_file(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/nf4.safetensors"
    ))
    .unwrap()
}

fn read(checkpoint: &Checkpoint, name: &str) -> Tensor {
    let shape = checkpoint.shape(name).unwrap();
    checkpoint.tensor(name, &shape, Device::Cpu).unwrap()
}

fn bytes(tensor: &Tensor) -> Vec<u8> {
    let size = tensor.numel() * tensor.kind().elt_size_in_bytes();
    let mut bytes = vec![0; size];
    tensor.contiguous().copy_data_u8(&mut bytes, tensor.numel());
    bytes
}

/// The names of the golden matrices: shape and type.
fn cases(checkpoint: &Checkpoint) -> Vec<String> {
    let cases: Vec<String> = checkpoint
        .names()
        .filter_map(|name| name.strip_prefix("input.").map(str::to_string))
        .collect();
    assert!(cases.len() > 20, "{cases:?}");
    cases
}

fn assert_same(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.kind(), expected.kind(), "{what}");
    assert_eq!(found.size(), expected.size(), "{what}");
    assert_eq!(bytes(found), bytes(expected), "{what}");
}

#[test]
fn quantised_bytes_are_those_of_bitsandbytes() {
    let golden = golden();
    for case in cases(&golden) {
        let weight = read(&golden, &format!("input.{case}"));
        for (double, prefix) in [(false, "single"), (true, "double")] {
            let name = format!("{prefix}.{case}");
            let quantised = Nf4::quantize(&weight, double).unwrap();
            let tensors = quantised.tensors(&name).unwrap();
            let written = golden
                .names()
                .filter(|n| n.starts_with(&format!("{name}.")));
            // The matrix itself and all that belongs to it but the numbers.
            assert_eq!(tensors.len(), written.count(), "{name}");
            for (name, tensor) in tensors {
                let expected = read(&golden, &name);
                if name.contains("quant_state") {
                    let json = |tensor: &Tensor| -> serde_json::Value {
                        serde_json::from_slice(&bytes(tensor)).unwrap()
                    };
                    assert_eq!(json(&tensor), json(&expected), "{name}");
                } else {
                    assert_same(&tensor, &expected, &name);
                }
            }
        }
    }
}

#[test]
fn numbers_are_those_of_bitsandbytes_quantised_here_or_there() {
    let golden = golden();
    for case in cases(&golden) {
        let weight = read(&golden, &format!("input.{case}"));
        let &[rows, columns] = weight.size().as_slice() else {
            panic!("{case}");
        };
        for (double, prefix) in [(false, "single"), (true, "double")] {
            let name = format!("{prefix}.{case}");
            let expected = read(&golden, &format!("{name}.numbers"));
            assert!(Nf4::is_in(&golden, &name));
            let there = Nf4::read(&golden, &name, [rows, columns], Device::Cpu).unwrap();
            let here = Nf4::quantize(&weight, double).unwrap();
            for quantised in [&there, &here] {
                assert_eq!(quantised.shape(), [rows, columns]);
                let numbers = quantised.dequantize(weight.kind()).unwrap();
                assert_same(&numbers, &expected, &name);
            }
            for (kind, found) in [Kind::Float, Kind::BFloat16, Kind::Half]
                .map(|kind| (kind, there.dequantize(kind).unwrap()))
            {
                let exact = there.dequantize(Kind::Float).unwrap().to_kind(kind);
                assert_same(&found, &exact, &name);
            }
        }
    }
}
