//! Nothing of its own: a target of which the module is a dependency, so that `cargo test` builds it.
