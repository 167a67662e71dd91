//! Small models of servers, channels, roles and the own member, read from partial structs.
