//! How large a module may be.

/// How deep calls may nest: an encoder needs two or three, and what follows calls is recursive itself.
pub const MAX_CALL_DEPTH: usize = 256;

/// How many operations a program may have, each call replaced by what it calls. A hundred layers have some thousand.
pub const MAX_OPERATIONS: u64 = 1 << 16;
