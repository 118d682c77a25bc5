//! Has the tests of this crate find libtorch where it was built.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if let (true, Ok(folder)) = (linux, std::env::var("DEP_TCH_LIBTORCH_LIB")) {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
