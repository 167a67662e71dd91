//! From a message or an interaction to a command with its arguments.
