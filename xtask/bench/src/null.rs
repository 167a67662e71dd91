//! Null clients: what the generator can do when nothing behind it works.
//!
//! They show that the generator is not what is measured.
