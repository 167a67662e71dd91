//! Slash commands: a pure plan of what is registered within Discord's limits, and its synchronisation.
//!
//! `offers` is what there is to decide about, `plan` decides, `command` and `menu` are what it decides about and `memory` what was written before, all without I/O; `sync` writes to Discord what was decided, and must not leave out or add anything.

pub mod command;
mod gate;
pub mod memory;
pub mod menu;
mod names;
pub mod offers;
pub mod plan;
pub mod standing;
pub mod sync;

pub use command::SlashCommand;
pub use memory::{Registered, RegisteredCommand, Set};
pub use menu::{MOST_MENU_COMMANDS, MenuCommand, Places};
pub use offers::{Offered, Wishes, at_home, everywhere};
pub use plan::{Held, LeftOut, Limits, MOST_COMMANDS, Plan, Reason, check, first_word, plan, plan_beside};
pub use standing::{Order, Slash, Standing, Unknown};
pub use sync::{SlashSync, SyncError, Synced};
