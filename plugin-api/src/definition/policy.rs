//! What `#[command]` makes of its options: whom a command is for, how often, and what people see of it.
//!
//! Apart from the command's own table, since the lane looks at none of it: it is told to the host and kept there.

use plugin_protocol as protocol;
use plugin_protocol::{Concurrency, Contexts, CooldownRule, Defer, Permissions};

use super::context_menu::texts;

/// The options of a command that the host acts upon.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct PolicyDef {
    pub category: Option<&'static str>,
    pub hidden: bool,
    pub guild_owner_only: bool,
    pub requires: Permissions,
    pub bot_requires: Permissions,
    pub open: bool,
    pub contexts: Contexts,
    pub nsfw: bool,
    pub cooldown: CooldownRule,
    pub max_concurrency: Option<Concurrency>,
    pub defer: Defer,
    pub examples: &'static [&'static str],
    pub slash_priority: i32,
    pub delete_invocation: bool,
    pub typing: bool,
    pub name_localizations: &'static [(&'static str, &'static str)],
    pub description_localizations: &'static [(&'static str, &'static str)],
}

/// Whom a handler's controls are for, beyond the one who asked for them.
#[derive(Clone, Copy, Debug)]
pub struct ControlPolicyDef {
    pub command: Option<&'static str>,
    pub requires: Permissions,
    pub bot_requires: Permissions,
    pub owner_only: bool,
}

impl ControlPolicyDef {
    /// What holds where nothing is said.
    pub const DEFAULT: Self = Self {
        command: None,
        requires: Permissions::NONE,
        bot_requires: Permissions::NONE,
        owner_only: false,
    };

    /// A handler without a name, with these options.
    pub(super) fn describe(&self) -> protocol::Component {
        protocol::Component {
            command: self.command.map(str::to_owned),
            requires: self.requires,
            bot_requires: self.bot_requires,
            owner_only: self.owner_only,
            ..protocol::Component::default()
        }
    }
}

impl PolicyDef {
    /// What holds where nothing is said.
    pub const DEFAULT: Self = Self {
        category: None,
        hidden: false,
        guild_owner_only: false,
        requires: Permissions::NONE,
        bot_requires: Permissions::NONE,
        open: false,
        contexts: Contexts::Everywhere,
        nsfw: false,
        cooldown: CooldownRule::Default,
        max_concurrency: None,
        defer: Defer::Public,
        examples: &[],
        slash_priority: 0,
        delete_invocation: false,
        typing: false,
        name_localizations: &[],
        description_localizations: &[],
    };

    /// A command without a name, with these options.
    pub(super) fn describe(&self) -> protocol::Command {
        protocol::Command {
            category: self.category.map(str::to_owned),
            hidden: self.hidden,
            guild_owner_only: self.guild_owner_only,
            requires: self.requires,
            bot_requires: self.bot_requires,
            open: self.open,
            contexts: self.contexts,
            nsfw: self.nsfw,
            cooldown: self.cooldown,
            max_concurrency: self.max_concurrency,
            defer: self.defer,
            examples: self.examples.iter().map(|&example| example.to_owned()).collect(),
            slash_priority: self.slash_priority,
            delete_invocation: self.delete_invocation,
            typing: self.typing,
            name_localizations: texts(self.name_localizations),
            description_localizations: texts(self.description_localizations),
            ..protocol::Command::default()
        }
    }
}
