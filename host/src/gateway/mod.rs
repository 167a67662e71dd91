//! The only part that touches a shard: raw events in, sends within limits out, sessions with their cache snapshot.
