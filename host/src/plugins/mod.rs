//! Plugins from file to retirement: manifest, shadow, probe, loader, lane, registry, lifecycle, watcher.
