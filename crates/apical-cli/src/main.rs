//! The command `apical`.
fn main() {}
