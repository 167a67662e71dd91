//! What a decoded interaction is to the router: where it came from, and the invocation that it becomes.
//!
//! Pure. Messages have theirs in `written`.

use std::collections::BTreeMap;

use plugin_protocol::{ArgumentValue, Click, Defer, Door, Invocation, Member, PluginName};

use crate::{
    commands::Interaction,
    interactions::{DeletedAfter, InteractionRef, Origin},
};

pub(super) fn origin(
    interaction: &Interaction,
    plugin: &PluginName,
    name: &str,
    door: Door,
    message_id: Option<plugin_protocol::MessageId>,
) -> Origin {
    Origin {
        plugin: plugin.clone(),
        command: name.to_owned(),
        door,
        menu: None,
        guild_id: interaction.guild_id,
        channel_id: interaction.channel_id,
        message_id,
        author: interaction.author.clone(),
        interaction: Some(InteractionRef {
            id: interaction.id,
            token: interaction.token.clone(),
            application_id: interaction.application_id,
        }),
        asked: None,
        run: 0,
        defer: Defer::Public,
        typing: false,
        bot_may: None,
        began: tokio::time::Instant::now(),
        deleted_after: DeletedAfter::default(),
        slot: None,
        taken: None,
        may_ping_everyone: interaction.member.as_ref().is_some_and(may_ping_everyone),
    }
}

pub(super) fn invocation(
    interaction: Interaction,
    name: String,
    door: Door,
    message_id: Option<plugin_protocol::MessageId>,
    arguments: BTreeMap<String, ArgumentValue>,
    click: Option<Click>,
) -> Invocation {
    Invocation {
        name,
        door,
        author: interaction.author,
        member: interaction.member,
        guild_id: interaction.guild_id,
        channel_id: interaction.channel_id,
        message_id,
        interaction_id: Some(interaction.id),
        locale: interaction.locale,
        prefix: None,
        arguments,
        click,
        typed: None,
    }
}

/// Whether Discord says so of a member: `ADMINISTRATOR` or `MENTION_EVERYONE`
/// (<https://discord.com/developers/docs/topics/permissions#permissions-bitwise-permission-flags>).
fn may_ping_everyone(member: &Member) -> bool {
    let bits = member.permissions.as_deref().and_then(|bits| bits.parse::<u64>().ok());
    bits.is_some_and(|bits| bits & (1 << 3 | 1 << 17) != 0)
}
