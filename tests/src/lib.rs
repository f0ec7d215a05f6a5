//! Nothing here: the tests live beside this folder, one file a subject.
