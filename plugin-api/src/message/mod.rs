//! Messages: what is sent, with Discord's limits checked before it leaves the plugin, and what one holds of it then.
//!
//! A message that breaks a limit fails with what to change, and costs no request.

mod answer;
mod body;
mod button;
mod embed;
mod reply;

pub use answer::Answer;
pub(crate) use body::Addressee;
pub use body::{Message, message};
pub use button::{Button, ButtonOf};
pub use embed::{Embed, embed};
pub use reply::Reply;
