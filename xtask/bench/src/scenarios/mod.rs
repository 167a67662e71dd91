//! What is measured, one file a scenario; each gives its figures as values, `report` shows them.
//!
//! None asserts anything: a figure is what it is. Missing and refused answers are shown beside the
//! wanted ones.

pub mod commands;
pub mod generator;
pub mod memory;
pub mod reload;
pub mod start;
pub mod storage;
pub mod ways;
