//! `epilogue(prologue(x))`.
