//! Has the module find libtorch: that of the PyTorch beside it, or that which it was built with.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if let (true, Ok(folder)) = (linux, std::env::var("DEP_TCH_LIBTORCH_LIB")) {
        for folder in ["$ORIGIN/../torch/lib", folder.as_str()] {
            println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
        }
    }
}
