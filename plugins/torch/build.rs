//! Compiles the functions of libtorch that have no C interface.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/libtorch.cpp");
    let Ok(libraries) = std::env::var("DEP_TCH_LIBTORCH_LIB") else {
        println!("cargo::error=torch-sys did not say where libtorch is");
        return;
    };
    let include = Path::new(&libraries).with_file_name("include");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .flag_if_supported("-Wno-unused-parameter")
        .warnings(false)
        .include(include.join("torch/csrc/api/include"))
        .include(include)
        .file("src/libtorch.cpp")
        .compile("gloss_torch");
}
