//! Tests of checkpoints, most of them bad ones.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use safetensors::{Dtype, tensor::TensorView};
use tch::{Device, Kind, Tensor};

use super::Checkpoint;

/// The bytes of a file with the 32-bit numbers of each tensor.
fn file(tensors: &[(&str, &[usize], Vec<f32>)]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, numbers)| numbers.iter().flat_map(|n| n.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (
            *name,
            TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap(),
        )
    });
    safetensors::serialize(views, None).unwrap()
}

fn simple() -> Vec<u8> {
    file(&[
        ("embed.weight", &[2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        ("norm.weight", &[2], vec![0.5, -0.5]),
        ("none", &[0, 4], vec![]),
        ("scalar", &[], vec![7.0]),
    ])
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn error(folder: impl AsRef<Path>) -> String {
    Checkpoint::open(folder).unwrap_err().to_string()
}

#[test]
fn tensors_are_read_as_they_were_written() {
    let folder = folder(&[("model.safetensors", &simple())]);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let names: Vec<&str> = checkpoint.names().collect();
    assert_eq!(names, ["embed.weight", "none", "norm.weight", "scalar"]);
    assert_eq!(checkpoint.files().count(), 1);
    assert_eq!(checkpoint.shape("embed.weight"), Some(vec![2, 3]));
    assert_eq!(checkpoint.kind("embed.weight"), Some(Kind::Float));
    assert_eq!(checkpoint.shape("absent"), None);
    let read = |name: &str, shape: &[i64]| checkpoint.tensor(name, shape, Device::Cpu).unwrap();
    let expected = Tensor::from_slice(&[1_f32, 2.0, 3.0, 4.0, 5.0, 6.0]).view([2, 3]);
    assert_eq!(read("embed.weight", &[2, 3]), expected);
    assert_eq!(read("none", &[0, 4]).numel(), 0);
    assert_eq!(read("scalar", &[]).double_value(&[]), 7.0);
    let kept = read("norm.weight", &[2]);
    drop(checkpoint);
    assert_eq!(kept, Tensor::from_slice(&[0.5_f32, -0.5]));
}

#[test]
fn a_bad_tensor_is_named_with_its_file() {
    let bytes = file(&[
        ("a.weight", &[2], vec![1.0, f32::NAN]),
        ("b.weight", &[2], vec![f32::NEG_INFINITY, 1.0]),
    ]);
    let folder = folder(&[("model.safetensors", &bytes)]);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let path = folder.path().join("model.safetensors");
    for (name, shape, told) in [
        (
            "a.weight",
            [2],
            "holds NaN or infinity: the file is damaged",
        ),
        (
            "b.weight",
            [2],
            "holds NaN or infinity: the file is damaged",
        ),
        ("b.weight", [3], "has shape [2], but [3] is expected"),
        (
            "a.wieght",
            [2],
            "is missing; the nearest name is `a.weight`",
        ),
        ("zzz", [2], "is missing"),
    ] {
        let error = checkpoint.tensor(name, &shape, Device::Cpu).unwrap_err();
        let expected = format!("{}: tensor `{name}` {told}", path.display());
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_type_that_libtorch_lacks_is_told() {
    let view = TensorView::new(Dtype::F8_E8M0, vec![1], &[1]).unwrap();
    let bytes = safetensors::serialize([("a", view)], None).unwrap();
    let folder = folder(&[("model.safetensors", &bytes)]);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let error = checkpoint
        .tensor("a", &[1], Device::Cpu)
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("tensor `a` is of type F8_E8M0, which is not supported"),
        "{error}"
    );
}

#[test]
fn several_files_are_one_checkpoint() {
    let [one, two] = ["one", "two"].map(|name| file(&[(name, &[1], vec![1.0])]));
    let index = |map: &str| format!("{{\"metadata\": {{}}, \"weight_map\": {map}}}");
    let open = |two: &[u8], map: &str| {
        let index = index(map);
        let files: [(&str, &[u8]); 3] = [
            ("1.safetensors", &one),
            ("2.safetensors", two),
            ("model.safetensors.index.json", index.as_bytes()),
        ];
        let folder = folder(&files);
        Checkpoint::open(folder.path())
            .map(|checkpoint| checkpoint.names().map(str::to_string).collect::<Vec<_>>())
            .map_err(|error| {
                error
                    .to_string()
                    .replace(folder.path().to_str().unwrap(), "")
            })
    };
    let both = r#"{"one": "1.safetensors", "two": "2.safetensors"}"#;
    assert_eq!(open(&two, both).unwrap(), ["one", "two"]);
    for (second, map, told) in [
        (
            &one,
            both,
            "/2.safetensors: tensor `one` is in /1.safetensors already",
        ),
        (
            &two,
            r#"{"one": "1.safetensors", "three": "2.safetensors"}"#,
            "/2.safetensors: tensor `three` is missing, which /model.safetensors.index.json says to be here",
        ),
        (
            &two,
            r#"{"one": "3.safetensors"}"#,
            "/3.safetensors: there is no such file, but /model.safetensors.index.json names it",
        ),
        (
            &two,
            r#"{"one": "../1.safetensors"}"#,
            "names the file `../1.safetensors`, which is not in this folder",
        ),
        (
            &two,
            r#"["one"]"#,
            "/model.safetensors.index.json:1: is not an index of safetensors files",
        ),
    ] {
        let error = open(second, map).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_folder_without_safetensors_says_what_to_do() {
    let empty = folder(&[]);
    assert!(error(empty.path()).contains("neither model.safetensors nor"));
    assert!(error(empty.path().join("absent")).starts_with("cannot read the folder "));
    let pickled = folder(&[("pytorch_model.bin", b"x")]);
    assert!(error(pickled.path()).contains("convert them to safetensors"));
    let nested = folder(&[]);
    fs::create_dir(nested.path().join("model.safetensors")).unwrap();
    assert!(error(nested.path()).contains("is a folder"));
}

#[test]
fn a_file_cut_anywhere_is_refused_by_name() {
    let whole = simple();
    for length in 0..whole.len() {
        let folder = folder(&[("model.safetensors", &whole[..length])]);
        let error = error(folder.path());
        assert!(
            error.contains("model.safetensors: is "),
            "{length}: {error}"
        );
    }
}

proptest! {
    /// A file with other bytes is refused by name, or read without a panic: the header can be
    /// changed into another valid one, and weights can be any numbers.
    #[test]
    fn a_damaged_file_is_refused_or_read(place in 0_usize..400, byte: u8) {
        let mut bytes = simple();
        let place = place % bytes.len();
        bytes[place] = byte;
        let folder = folder(&[("model.safetensors", &bytes)]);
        match Checkpoint::open(folder.path()) {
            Err(error) => prop_assert!(error.to_string().contains("model.safetensors: is ")),
            Ok(checkpoint) => {
                for name in checkpoint.names() {
                    let shape = checkpoint.shape(name).unwrap_or_default();
                    if let Err(error) = checkpoint.tensor(name, &shape, Device::Cpu) {
                        let told = format!("model.safetensors: tensor `{name}` ");
                        prop_assert!(error.to_string().contains(&told), "{}", error);
                    }
                }
            }
        }
    }
}
