//! Threads as tests hold them: channels that begin below another, have members and go into the archive.
//! What they are besides is a channel's.

use super::{Channel, Guild};
use crate::world::thread::{self, Beginning};

impl Guild {
    /// A new public thread of the guild's owner below a channel; the bot is told.
    #[must_use]
    pub fn add_thread(&self, parent: &Channel, name: &str) -> Channel {
        self.begin_thread(parent, name, thread::PUBLIC_THREAD, &[])
    }

    /// A new private thread of the guild's owner below a channel, with these people in it; the bot is told if it is one of
    /// them, or may manage threads.
    #[must_use]
    pub fn add_private_thread(&self, parent: &Channel, name: &str, members: &[u64]) -> Channel {
        self.begin_thread(parent, name, thread::PRIVATE_THREAD, members)
    }

    fn begin_thread(&self, parent: &Channel, name: &str, kind: u64, members: &[u64]) -> Channel {
        let id = self.sandbox().with(|world| {
            let owner = world.guilds.get(&self.id()).map_or(0, |guild| guild.owner_id);
            let id = world
                .start_thread(parent.id(), owner, Beginning::new(name, kind))
                .unwrap_or_else(|| panic!("the channel {} is gone", parent.id()));
            for member in members {
                world.join_thread(id, *member);
            }
            id
        });
        Channel::new(self.sandbox(), Some(self.id()), id)
    }
}

impl Channel {
    /// Takes somebody into a thread, who is told so.
    pub fn add_member(&self, user_id: u64) {
        self.sandbox().with(|world| world.join_thread(self.id(), user_id));
    }

    /// Puts a thread into the archive: whoever writes in it takes it out again.
    pub fn archive(&self) {
        self.sandbox().with(|world| {
            world.change_thread(self.id(), |channel| {
                if let Some(thread) = &mut channel.thread {
                    thread.archived = true;
                }
            });
        });
    }
}
