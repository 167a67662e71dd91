//! The host's own commands, written with plugin-api like any plugin, linked in instead of loaded.
