//! [`Observer`]: who is told how a download comes along.

/// Who is told how a download comes along. Both do nothing unless they are written.
pub trait Observer {
    /// So many bytes of a file have come, of `length` where the hub says how many there are. The last call of a file has
    /// `is_done`.
    fn downloaded(&self, file: &str, bytes: u64, length: Option<u64>, is_done: bool) {
        let _ = (file, bytes, length, is_done);
    }

    /// Something that the user should know, and that is no failure.
    fn warning(&self, text: &str) {
        let _ = text;
    }
}

/// Nobody is told.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {}
