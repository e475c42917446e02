//! The pages under `docs/results`: tables and figures in them are made from `docs/results/data`, whose rows
//! `apical sweep run --table` added as runs ended. No number of a table is typed.

pub mod block;
pub mod data;
pub mod effects;
pub mod figure;
pub mod page;
pub mod stats;
pub mod table;
pub mod verdicts;

/// What is wrong with a page or its data, for people.
pub type Error = String;
