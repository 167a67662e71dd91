//! Null clients: what the generator can do when nothing behind it works.
