//! From a message or an interaction to a command with its arguments.
//!
//! By prefix: `prefix` splits a message, `index` finds the command, `flags`, `words` and `arguments` read what follows
//! (`time` and `notation` what people write in a way of its own), and `lookup` asks a [`Directory`] for what has to be
//! looked up. By interaction: `interaction` decodes it all from the
//! payload. Nothing here answers anybody; that is the part `interactions`.

pub mod arguments;
mod flags;
pub mod index;
pub mod interaction;
pub mod lookup;
pub mod members;
pub mod message;
pub mod notation;
mod partial;
pub mod prefix;
pub mod reaction;
pub mod time;
pub mod words;

pub use arguments::{ArgumentError, ArgumentProblem, Place, usage};
pub use index::{CommandIndex, Conflict, Found, FoundGroup};
pub use interaction::{Interaction, InteractionKind, InteractionToken};
pub use lookup::{Directory, DirectoryError, parse_arguments, read_texts};
pub use members::MembersChunk;
pub use message::{Mention, Message};
pub use prefix::{Parsed, Prefixes};
