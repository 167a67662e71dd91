//! What is measured, one file a scenario; each gives its figures as values, `report` shows them.

pub mod commands;
