//! Messages: what is sent, with Discord's limits checked before it leaves the plugin, and what one holds of it then.
//!
//! A message that breaks a limit fails with what to change, and costs no request.

mod answer;
mod body;
mod button;
mod control;
mod embed;
mod layout;
mod reply;
mod select;
mod upload;

pub use answer::Answer;
pub(crate) use answer::reaction_path;
pub(crate) use body::Addressee;
pub use body::{Message, message};
pub use button::{Button, ButtonOf};
pub(crate) use control::Aim;
pub use control::Control;
pub use embed::{Embed, embed};
pub use layout::{Layout, Section};
pub use reply::Reply;
pub use select::{
    ChannelKind, ChannelSelect, MentionableSelect, RoleSelect, Select, SelectOption, StringSelect, UserSelect, of,
};
pub use upload::Upload;
