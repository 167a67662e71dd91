//! The response state of every open invocation.
