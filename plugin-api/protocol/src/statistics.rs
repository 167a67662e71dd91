//! What the host tells of the use of commands: the answer to the call `statistics.commands`.
//!
//! Every plugin may ask; it takes a `limit`, 25 if it is left out, 500 at most.

use serde::{Deserialize, Serialize};

/// How often commands were used since the database was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandStatistics {
    /// Those that were used most, most first.
    #[serde(default)]
    pub commands: Vec<CommandUse>,
    /// All uses of all commands.
    #[serde(default)]
    pub total: u64,
    /// How many commands were ever used.
    #[serde(default)]
    pub names: u64,
}

/// How often one command was used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandUse {
    /// Its name.
    pub name: String,
    /// How often.
    #[serde(default)]
    pub uses: u64,
    /// When last, in seconds since 1970.
    #[serde(default)]
    pub last_used: u64,
}
