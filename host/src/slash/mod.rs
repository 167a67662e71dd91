//! Slash commands: a pure plan, and its synchronisation.
