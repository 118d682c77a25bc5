//! NF4 is that of bitsandbytes, byte for byte.

use std::collections::BTreeMap;
use std::fs;

use gloss_torch::{Checkpoint, DeviceName, Nf4};
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tch::{Device, Kind, Tensor};

use super::{bytes, golden, path, read};

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
    let golden = golden("nf4.safetensors");
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
    let golden = golden("nf4.safetensors");
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

proptest! {
    #[test]
    fn quantising_what_was_dequantised_changes_nothing(
        numbers in proptest::collection::vec(-9.0_f32..9.0, 1..400),
        rows in 1_usize..4,
    ) {
        let columns = numbers.len() / rows;
        prop_assume!(columns > 0);
        let shape = [rows as i64, columns as i64];
        let weight = Tensor::from_slice(&numbers[..rows * columns]).view(shape);
        let once = Nf4::quantize(&weight, false).unwrap();
        let again = Nf4::quantize(&once.dequantize(Kind::Float).unwrap(), false).unwrap();
        let [first, second] = [once, again].map(|quantised| quantised.tensors("w").unwrap());
        for ((name, first), (_, second)) in first.iter().zip(&second) {
            prop_assert_eq!(bytes(first), bytes(second), "{}", name);
        }
    }
}

#[test]
#[ignore = "needs a GPU"]
fn gpu_a_gpu_makes_the_same_bytes_and_numbers() {
    let device = DeviceName::Auto.open().unwrap();
    assert!(device.is_cuda(), "there is no GPU");
    let golden = golden("nf4.safetensors");
    for case in cases(&golden) {
        let name = format!("input.{case}");
        let weight = read(&golden, &name);
        let uploaded = golden.tensor(&name, &weight.size(), device).unwrap();
        let here = Nf4::quantize(&weight, true).unwrap();
        let there = Nf4::quantize(&uploaded, true).unwrap();
        assert_eq!(there.device(), device);
        let [first, second] = [&here, &there].map(|quantised| quantised.tensors("w").unwrap());
        for ((name, first), (_, second)) in first.iter().zip(&second) {
            assert_same(
                &second.to_device(Device::Cpu),
                first,
                &format!("{case} {name}"),
            );
        }
        let numbers = |matrix: &Nf4| matrix.dequantize(weight.kind()).unwrap();
        assert_same(
            &numbers(&there).to_device(Device::Cpu),
            &numbers(&here),
            &case,
        );
        let moved = here.to_device(device).unwrap();
        assert_same(
            &numbers(&moved).to_device(Device::Cpu),
            &numbers(&here),
            &case,
        );
    }
}

#[test]
fn joined_matrices_stand_for_the_rows_of_all() {
    let golden = golden("nf4.safetensors");
    let parts = ["double.whole.f32", "single.zeros.f32"].map(|name| {
        let shape = read(&golden, &format!("{name}.numbers")).size();
        Nf4::read(&golden, name, [shape[0], shape[1]], Device::Cpu).unwrap()
    });
    let numbers = parts
        .each_ref()
        .map(|part| part.dequantize(Kind::Float).unwrap());
    let joined = Nf4::concat(&parts.each_ref()).unwrap();
    assert_eq!(joined.shape(), [24, 64]);
    let found = joined.dequantize(Kind::Float).unwrap();
    assert_same(&found, &Tensor::cat(&numbers, 0), "joined");
    let odd = Nf4::quantize(&read(&golden, "input.odd.f32"), false).unwrap();
    assert!(Nf4::concat(&[&odd, &odd]).is_err());
    assert!(Nf4::concat(&[]).is_err());
}

/// A tensor of a file: its type, shape and bytes.
type Written = (Dtype, Vec<usize>, Vec<u8>);

/// The error for a matrix of a golden file after a change of that file.
fn refused(change: impl Fn(&mut BTreeMap<String, Written>)) -> String {
    let text = fs::read(path("nf4.safetensors")).unwrap();
    let whole = SafeTensors::deserialize(&text).unwrap();
    let matrix = whole
        .iter()
        .filter(|(name, _)| name.starts_with("double.whole.f32"));
    let mut tensors: BTreeMap<String, Written> = matrix
        .map(|(name, view)| {
            let written = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
            (name.replace("double.whole.f32", "w"), written)
        })
        .collect();
    change(&mut tensors);
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.safetensors");
    fs::write(&file, safetensors::serialize(views, None).unwrap()).unwrap();
    let checkpoint = Checkpoint::open_file(&file).unwrap();
    match Nf4::read(&checkpoint, "w", [16, 64], Device::Cpu) {
        Ok(_) => "accepted".to_string(),
        Err(error) => error.to_string(),
    }
}

/// Changes the state that is written as JSON.
fn state(tensors: &mut BTreeMap<String, Written>, from: &str, to: &str) {
    let state = tensors.get_mut("w.quant_state.bitsandbytes__nf4").unwrap();
    let text = String::from_utf8(state.2.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    state.2 = text.replace(from, to).into_bytes();
    state.1 = vec![state.2.len()];
}

#[test]
fn what_bitsandbytes_did_not_write_is_refused() {
    const STATE: &str = "w.quant_state.bitsandbytes__nf4";
    let float = |tensors: &mut BTreeMap<String, Written>, name: &str, place: usize, x: f32| {
        let bytes = &mut tensors.get_mut(name).unwrap().2;
        bytes[4 * place..4 * place + 4].copy_from_slice(&x.to_le_bytes());
    };
    assert_eq!(refused(|_| {}), "accepted");
    for part in [
        "",
        ".absmax",
        ".quant_map",
        ".nested_absmax",
        ".nested_quant_map",
    ] {
        let told = refused(|tensors| drop(tensors.remove(&format!("w{part}"))));
        assert!(
            told.contains(&format!("w.safetensors: tensor `w{part}` is missing")),
            "{told}"
        );
    }
    type Change<'a> = Box<dyn Fn(&mut BTreeMap<String, Written>) + 'a>;
    let rename = |tensors: &mut BTreeMap<String, Written>, to: &str| {
        let state = tensors.remove(STATE).unwrap();
        tensors.insert(to.to_string(), state);
    };
    let cases: [(Change, &str); 12] = [
        (
            Box::new(|t| drop(t.remove(STATE))),
            "tensor `w.quant_state.bitsandbytes__nf4` is missing",
        ),
        (
            Box::new(|t| rename(t, "w.quant_state.bitsandbytes__fp4")),
            "tensor `w` is quantised in FP4",
        ),
        (
            Box::new(|t| state(t, "\"nf4\"", "\"fp4\"")),
            "has the type `fp4`",
        ),
        (
            Box::new(|t| state(t, "[16, 64]", "[64, 16]")),
            "shape [64, 16], but [16, 64] is expected",
        ),
        (
            Box::new(|t| state(t, "\"blocksize\": 64", "\"blocksize\": 0")),
            "blocks of 0 weights",
        ),
        (
            Box::new(|t| state(t, "\"blocksize\": 64", "\"blocksize\": 32")),
            "`w.absmax` has shape [16], but [32]",
        ),
        (
            Box::new(|t| state(t, "\"nested_blocksize\": 256", "\"nested_blocksize\": 0")),
            "blocks of 0 magnitudes",
        ),
        (
            Box::new(|t| state(t, "\"nested_offset\"", "\"nested_of\"")),
            "`w.absmax` holds Uint8 numbers, but Float",
        ),
        (
            Box::new(|t| state(t, "\"dtype\": \"float32\"", "\"dtype\": \"int8\"")),
            "numbers of type `int8`",
        ),
        (
            Box::new(|t| state(t, "{", "")),
            "is not a quantisation state of bitsandbytes",
        ),
        (
            Box::new(|t| float(t, "w.quant_map", 3, -0.4)),
            "`w.quant_map` holds other numbers than the 16 of NF4",
        ),
        (
            Box::new(|t| float(t, "w.nested_absmax", 0, f32::NAN)),
            "`w.nested_absmax` holds NaN",
        ),
    ];
    for (change, expected) in cases {
        let told = refused(change);
        assert!(
            told.contains(expected) && told.contains("w.safetensors: "),
            "{told}"
        );
    }
}
