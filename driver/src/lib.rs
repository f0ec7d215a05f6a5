//! Ocellus compiles vision encoders ahead of time, for every image size in a declared range at once.
