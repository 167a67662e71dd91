//! Settings: as written in config.json and .env, then checked and resolved; only the second is passed on.
