//! What is measured, one file a scenario; each gives its figures as values, `report` shows them.
//!
//! A figure is what it is: missing and refused answers are shown beside the wanted ones. Only `swaps` says what is wrong,
//! since there it is not the figures that matter most.

pub mod commands;
pub mod generator;
pub mod memory;
pub mod reload;
pub mod start;
pub mod storage;
pub mod swaps;
pub mod ways;
pub mod within;
