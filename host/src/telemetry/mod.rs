//! Logs and notices to the owner.
