//! Gives the shared library the name by which programs ask for a driver.

fn main() {
    // Whoever has opened this library by its path gets it again by the name `libcuda.so`, which programs look for first.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcuda.so");
    println!("cargo:rerun-if-changed=build.rs");
}
