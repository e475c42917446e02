//! Development tasks: `cargo xtask test | tidy`.
fn main() {}
