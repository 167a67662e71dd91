//! How users, channels and roles are written into a message so that Discord shows their names
//! (<https://discord.com/developers/docs/reference#message-formatting>).

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Channel, ChannelId, Member, Role, RoleId, User, UserId};

/// Things that can be mentioned in a message.
///
/// A mention is shown, but notifies only those who are named in the message's allowed mentions: the one replied to, and
/// those of [`Message::ping_user`](crate::Message::ping_user) and [`Message::ping_role`](crate::Message::ping_role).
///
/// ```
/// use plugin_api::{Mention, UserId};
///
/// assert_eq!(UserId::new(42).unwrap().mention(), "<@42>");
/// ```
pub trait Mention {
    /// The text that Discord shows as the name.
    fn mention(&self) -> String;
}

impl Mention for UserId {
    fn mention(&self) -> String {
        format!("<@{self}>")
    }
}

impl Mention for ChannelId {
    fn mention(&self) -> String {
        format!("<#{self}>")
    }
}

impl Mention for RoleId {
    fn mention(&self) -> String {
        format!("<@&{self}>")
    }
}

impl Mention for User {
    fn mention(&self) -> String {
        self.id.mention()
    }
}

impl Mention for Member {
    fn mention(&self) -> String {
        self.user.id.mention()
    }
}

impl Mention for Channel {
    fn mention(&self) -> String {
        self.id.mention()
    }
}

impl Mention for Role {
    fn mention(&self) -> String {
        self.id.mention()
    }
}

/// A moment as each reader sees it, by how far away it is: "in 5 minutes", "2 days ago". Discord keeps it up to date.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// assert_eq!(plugin_api::relative_time(UNIX_EPOCH + Duration::from_secs(60)), "<t:60:R>");
/// ```
#[must_use]
pub fn relative_time(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("<t:{}:R>", since.as_secs())
}
