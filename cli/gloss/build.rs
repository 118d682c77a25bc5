//! Has the binary find libtorch wherever it is started from: beside itself, or where it was built.

fn main() {
    println!("cargo::rerun-if-changed=cli/gloss/build.rs");
    let linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if let (true, Ok(folder)) = (linux, std::env::var("DEP_TCH_LIBTORCH_LIB")) {
        for folder in ["$ORIGIN/libtorch/torch/lib", folder.as_str()] {
            println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
        }
    }
}
