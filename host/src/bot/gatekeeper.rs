//! Asks the evaluator for every door: gathers the facts, which lie in memory but for rare ones, and counts uses.
//!
//! What the cache lacks is asked of Discord, never guessed; what Discord does not tell refuses. Nothing is decided here.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use plugin_protocol::{
    ChannelId, Command, Cooldown, CooldownRule, GuildId, Member, Permissions, PluginName, RoleId, UserId,
};
use serde::Deserialize;
use tokio::{sync::OnceCell, time::timeout};

use super::{HOST_NAME, directory::LiveDirectory, overrides::Administrators, owners::Owners};
use crate::{
    cache::Cache,
    config::{self, Config},
    permits::{
        Asker, Concurrency, Facts, Integrations, Key, Membership, Overrides, Overwrite, Place, Refusal, ServerRules,
        Slot, Step, Taken, decide, rules,
    },
    slash::Slash,
    storage::Tables,
};

/// How long it may take until it is known what is registered, which it usually is long before anybody asks.
const KNOWN: Duration = Duration::from_secs(2);

/// The command that no rule and no switch may hide: it credits those whose work this is.
pub(super) const CREDITS: &str = "discordbotframework";

/// Lets people pass, or says why not. Clones are the same.
#[derive(Clone)]
pub struct Gatekeeper {
    config: config::Live,
    cache: Cache,
    owners: Owners,
    tables: Tables,
    directory: LiveDirectory,
    slash: Slash,
    administrators: Administrators,
    running: Concurrency,
    /// The owner's rules for all servers, with the settings that they are from.
    defaults: Arc<ArcSwap<Defaults>>,
}

/// The owner's rules for all servers, with the settings that they are from.
type Defaults = (Option<Arc<Config>>, Arc<ServerRules>);

/// Who asks for what, and where.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whose command.
    pub plugin: &'a PluginName,
    /// The command.
    pub command: &'a Command,
    /// Who asks.
    pub user: UserId,
    /// Their roles, without @everyone.
    pub roles: &'a [RoleId],
    /// What they may in the channel, if Discord has said.
    pub permissions: Option<Permissions>,
    /// What the bot may there, if Discord has said.
    pub bot: Option<Permissions>,
    /// The server.
    pub guild: Option<GuildId>,
    /// The channel.
    pub channel: ChannelId,
    /// Of a thread, its channel; else whether it is age-restricted; if Discord has said.
    pub place: Option<(Option<ChannelId>, bool)>,
    /// Whether Discord itself has asked for all that the command requires of users.
    pub is_gated: bool,
    /// Whether Discord has let them use it as a slash command just now, after what administrators have set.
    pub is_let_through: bool,
    /// Where several are asked for at a time: what Discord has told, for all of them.
    pub fetched: Option<&'a Fetched>,
}

/// What Discord has told of one asker in one place, where it is not in memory; or that it has not answered.
#[derive(Debug, Default)]
pub struct Fetched {
    standing: OnceCell<Option<Standing>>,
    /// What the server's administrators have set.
    settings: OnceCell<Option<Arc<Integrations>>>,
}

impl<'a> Asked<'a> {
    /// Somebody who is asked about as a member, or in direct messages as a user.
    pub fn of(
        (plugin, command): (&'a PluginName, &'a Command),
        (user, member): (UserId, Option<&'a Member>),
        (guild, channel): (Option<GuildId>, ChannelId),
    ) -> Self {
        let permissions = member.and_then(|member| member.permissions.as_deref());
        Self {
            plugin,
            command,
            user,
            roles: member.map_or(&[], |member| &member.roles),
            permissions: permissions
                .and_then(|bits| bits.parse().ok())
                .map(Permissions::from_bits),
            bot: None,
            guild,
            channel,
            place: None,
            is_gated: false,
            is_let_through: false,
            fetched: None,
        }
    }
}

/// What was counted for a use.
#[derive(Debug, Default)]
pub struct Pass {
    /// What of how often the command may be used.
    pub taken: Option<Taken>,
    /// Its place among those that run, until it ends.
    pub slot: Option<Arc<Slot>>,
}

/// Which of a server's facts are needed.
#[derive(Clone, Copy, Debug)]
struct Needs {
    /// Each, to be explained.
    all: bool,
    /// Those that rules ask about.
    rules: bool,
    /// Those that administrators' overrides ask about.
    overrides: bool,
}

/// The facts of a server that decide.
#[derive(Clone, Copy, Debug)]
struct Standing {
    place: Place,
    permissions: Permissions,
    bot: Permissions,
    owns_guild: bool,
}

impl Gatekeeper {
    /// Asks these.
    pub fn new(
        config: config::Live,
        cache: Cache,
        owners: Owners,
        tables: Tables,
        directory: LiveDirectory,
        (slash, administrators): (Slash, Administrators),
    ) -> Self {
        Self {
            config,
            cache,
            owners,
            tables,
            directory,
            slash,
            administrators,
            running: Concurrency::default(),
            defaults: Arc::default(),
        }
    }

    /// Whether somebody may use a command: everything but how often. With a trace, every fact is looked up.
    ///
    /// # Errors
    ///
    /// Why not.
    pub async fn decide(&self, asked: &Asked<'_>, trace: Option<&mut Vec<Step>>) -> Result<(), Refusal> {
        let rules = asked
            .guild
            .and_then(|guild| self.tables.rules(guild))
            .unwrap_or_default();
        let defaults = self.defaults();
        let settings = self.settings(asked).await?;
        let standing_of_slash = self.slash.standing();
        let overrides = match (self.cache.application_id(), &settings) {
            (Some(application), Some(settings)) => {
                settings.of(application, standing_of_slash.id(&asked.command.name, asked.guild))
            }
            _ => Overrides::default(),
        };
        let standing = match asked.guild {
            None => Standing {
                place: Place::Direct,
                permissions: Permissions::NONE,
                bot: Permissions::NONE,
                owns_guild: false,
            },
            Some(guild) => {
                let all = trace.is_some();
                let needs = Needs {
                    all,
                    rules: [&*rules, &*defaults].iter().any(|rules| concern(rules, asked)),
                    overrides: !overrides.is_empty(),
                };
                self.standing(asked, guild, needs).await?
            }
        };
        let facts = Facts {
            plugin: asked.plugin,
            command: asked.command,
            asker: Asker {
                id: asked.user,
                owns_bot: self.owners.contains(asked.user),
                owns_guild: standing.owns_guild,
                roles: asked.roles,
                permissions: standing.permissions,
            },
            place: standing.place,
            bot: standing.bot,
            rules: &rules,
            defaults: &defaults,
            overrides,
            is_gated: asked.is_gated,
            is_let_through: asked.is_let_through,
            is_elsewhere: self.is_elsewhere(asked.plugin, asked.guild),
            is_protected: is_protected(asked.plugin, asked.command),
        };
        decide(&facts, trace)
    }

    /// Counts a use, after everything else has passed.
    ///
    /// # Errors
    ///
    /// It was used too often, or too many run.
    pub fn take(&self, asked: &Asked<'_>) -> Result<Pass, Refusal> {
        let name = &asked.command.name;
        let key = |bucket| Key::of(bucket, asked.user, asked.guild, asked.channel);
        let slot = match asked.command.max_concurrency {
            None => None,
            Some(limit) => {
                let slot = self.running.enter(name, limit.most, key(limit.bucket));
                Some(Arc::new(slot.ok_or(Refusal::Running(limit.most))?))
            }
        };
        let taken = match self.cooldown(asked) {
            None => None,
            Some(rule) => {
                let taken = self.tables.take_cooldown(name, rule, key(rule.bucket));
                Some(taken.map_err(Refusal::Cooldown)?)
            }
        };
        Ok(Pass { taken, slot })
    }

    /// Whether a use would be counted, without counting it.
    ///
    /// # Errors
    ///
    /// As [`Gatekeeper::take`].
    pub fn peek(&self, asked: &Asked<'_>) -> Result<(), Refusal> {
        let name = &asked.command.name;
        let key = |bucket| Key::of(bucket, asked.user, asked.guild, asked.channel);
        if let Some(limit) = asked.command.max_concurrency
            && self.running.running(name, key(limit.bucket)) >= limit.most
        {
            return Err(Refusal::Running(limit.most));
        }
        let next = self
            .cooldown(asked)
            .and_then(|rule| self.tables.next_use(name, rule, key(rule.bucket)));
        next.map_or(Ok(()), |at| Err(Refusal::Cooldown(at)))
    }

    /// What was counted did not come about.
    pub fn give_back(&self, command: &str, pass: &Pass) {
        if let Some(taken) = pass.taken {
            self.tables.give_cooldown_back(command, taken);
        }
        if let Some(slot) = &pass.slot {
            slot.end();
        }
    }

    /// What a member may in a channel, as far as is known.
    #[must_use]
    pub fn permissions(
        &self,
        guild: GuildId,
        channel: ChannelId,
        user: UserId,
        roles: &[RoleId],
    ) -> Option<Permissions> {
        self.cache.permissions(guild, channel, user, roles)
    }

    /// Looks up members.
    #[must_use]
    pub const fn directory(&self) -> &LiveDirectory {
        &self.directory
    }

    /// Whether a plugin is switched off in a server.
    #[must_use]
    pub fn is_off(&self, plugin: &PluginName, guild: Option<GuildId>) -> bool {
        let rules = guild.and_then(|guild| self.tables.rules(guild));
        *plugin != *HOST_NAME
            && (self.is_elsewhere(plugin, guild)
                || rules.is_some_and(|rules| rules.plugins_off.contains(plugin.as_str())))
    }

    /// Whether the owner has limited a plugin to other servers.
    fn is_elsewhere(&self, plugin: &PluginName, guild: Option<GuildId>) -> bool {
        let config = self.config.get();
        let only_in = config.extensions.only_in.get(plugin).filter(|_| *plugin != *HOST_NAME);
        only_in.is_some_and(|guilds| guild.is_none_or(|guild| !guilds.contains(&guild)))
    }

    /// The cooldown that holds for whoever asks; the bot's owners have none.
    #[must_use]
    pub fn cooldown(&self, asked: &Asked<'_>) -> Option<Cooldown> {
        if self.owners.contains(asked.user) {
            return None;
        }
        match asked.command.cooldown {
            CooldownRule::None => None,
            CooldownRule::Of(rule) => Some(rule),
            CooldownRule::Default => {
                let config = self.config.get();
                let rule = Cooldown {
                    uses: config.cooldowns.default_rate,
                    per_ms: u64::try_from(config.cooldowns.default_per.as_millis()).unwrap_or(u64::MAX),
                    ..Cooldown::default()
                };
                (rule.per_ms > 0).then_some(rule)
            }
        }
    }

    /// What the server's administrators have set, where it matters and there is anything.
    async fn settings(&self, asked: &Asked<'_>) -> Result<Option<Arc<Integrations>>, Refusal> {
        let command = asked.command;
        let Some(guild) = asked.guild else { return Ok(None) };
        // No setting opens what is for owners only, and Discord has looked at them where it let somebody through.
        // A control that names no command is none that could be set.
        let is_settled = command.name.is_empty()
            || command.owner_only
            || command.guild_owner_only
            || asked.is_let_through && (asked.is_gated || command.requires.is_empty())
            || is_protected(asked.plugin, command)
            || self.owners.contains(asked.user);
        if is_settled {
            return Ok(None);
        }
        let application = self.cache.application_id().ok_or(Refusal::Unknown)?;
        let ask = || self.administrators.of(application, guild);
        let settings = match asked.fetched {
            Some(fetched) => fetched.settings.get_or_init(ask).await.clone(),
            None => ask().await,
        };
        let settings = settings.ok_or(Refusal::Unknown)?;
        if settings.is_empty() {
            return Ok(None);
        }
        // Without Discord's ids of the commands, what is set for one would be taken for nothing.
        timeout(KNOWN, self.slash.known()).await.map_err(|_| Refusal::Unknown)?;
        Ok(Some(settings))
    }

    /// What administrators have set under Integrations.
    #[must_use]
    pub const fn administrators(&self) -> &Administrators {
        &self.administrators
    }

    /// What holds for whoever asks in a server: what is not needed is left at nothing.
    async fn standing(&self, asked: &Asked<'_>, guild: GuildId, needs: Needs) -> Result<Standing, Refusal> {
        let command = asked.command;
        let all = needs.all;
        // The bot's owner may, wherever it is and whoever they are there.
        let owns_bot = self.owners.contains(asked.user);
        let needs_permissions = all || needs.overrides || !command.requires.is_empty() && !owns_bot && !asked.is_gated;
        let needs_bot = all || !command.bot_requires.is_empty();
        let asks_rules = needs.rules && !owns_bot && !is_protected(asked.plugin, command);
        let needs_place = all || needs.overrides || asks_rules || command.nsfw;
        let needs_owner = all || command.guild_owner_only && !owns_bot;
        let permissions = asked
            .permissions
            .or_else(|| self.cache.permissions(guild, asked.channel, asked.user, asked.roles));
        let bot = asked.bot.or_else(|| self.cache.own_permissions(guild, asked.channel));
        // Whether a thread's channel is age-restricted, an interaction doesn't say.
        let told = asked.place.filter(|(parent, _)| parent.is_none() || !command.nsfw);
        let place = self.cache.place(guild, asked.channel).or(told);
        let owner = self.cache.guild_owner(guild);
        let is_known = (permissions.is_some() || !needs_permissions)
            && (bot.is_some() || !needs_bot)
            && (place.is_some() || !needs_place)
            && (owner.is_some() || !needs_owner);
        if !is_known {
            let fetched = match asked.fetched {
                Some(fetched) => *fetched.standing.get_or_init(|| self.fetch(asked, guild)).await,
                None => self.fetch(asked, guild).await,
            };
            return fetched.ok_or(Refusal::Unknown);
        }
        let (parent, is_nsfw) = place.unwrap_or_default();
        Ok(Standing {
            place: Place::Server {
                guild,
                channel: asked.channel,
                parent,
                is_nsfw,
            },
            permissions: permissions.unwrap_or_default(),
            bot: bot.unwrap_or_default(),
            owns_guild: owner == Some(asked.user),
        })
    }

    /// The same as Discord tells it when it is asked: for archived threads, and servers that have not arrived.
    async fn fetch(&self, asked: &Asked<'_>, guild: GuildId) -> Option<Standing> {
        #[derive(Deserialize)]
        struct Guild {
            owner_id: UserId,
            #[serde(default)]
            roles: Vec<Role>,
        }
        #[derive(Deserialize)]
        struct Role {
            id: RoleId,
            permissions: Permissions,
        }
        #[derive(Deserialize)]
        struct Channel {
            id: ChannelId,
            #[serde(rename = "type")]
            kind: u8,
            #[serde(default)]
            parent_id: Option<ChannelId>,
            #[serde(default)]
            nsfw: bool,
            #[serde(default)]
            permission_overwrites: Vec<Part>,
        }
        #[derive(Deserialize)]
        struct Part {
            id: RoleId,
            #[serde(rename = "type")]
            kind: u8,
            allow: Permissions,
            deny: Permissions,
        }
        #[derive(Deserialize)]
        struct Own {
            #[serde(default)]
            roles: Vec<RoleId>,
        }
        let discord = self.directory.of(asked.plugin);
        let bot = self.cache.bot_id()?;
        let (told, channel, own) = tokio::join!(
            discord.get::<Guild>(format!("/guilds/{guild}")),
            discord.get::<Channel>(format!("/channels/{}", asked.channel)),
            discord.get::<Own>(format!("/guilds/{guild}/members/{bot}")),
        );
        let (told, channel, own) = (told.ok()??, channel.ok()??, own.ok()?);
        let in_thread = matches!(channel.kind, 10..=12);
        let holding = if in_thread {
            let parent: Option<Channel> = discord.get(format!("/channels/{}", channel.parent_id?)).await.ok()?;
            parent?
        } else {
            channel
        };
        let overwrites: Vec<_> = holding
            .permission_overwrites
            .iter()
            .map(|part| Overwrite::new(part.id.get(), part.kind, part.allow.bits(), part.deny.bits()))
            .collect();
        let permissions = |user, roles: &[RoleId]| {
            let membership = Membership {
                guild,
                user,
                owns_guild: told.owner_id == user,
                roles,
                timed_out: false,
                in_thread,
                overwrites: &overwrites,
            };
            membership.permissions(|id| Some(told.roles.iter().find(|role| role.id == id)?.permissions))
        };
        Some(Standing {
            place: Place::Server {
                guild,
                channel: asked.channel,
                parent: in_thread.then_some(holding.id),
                is_nsfw: holding.nsfw,
            },
            permissions: asked
                .permissions
                .unwrap_or_else(|| permissions(asked.user, asked.roles)),
            bot: asked
                .bot
                .unwrap_or_else(|| permissions(bot, &own.map(|own| own.roles).unwrap_or_default())),
            owns_guild: told.owner_id == asked.user,
        })
    }

    /// The owner's rules for all servers, read again when the settings have changed.
    fn defaults(&self) -> Arc<ServerRules> {
        let config = self.config.get();
        let known = self.defaults.load();
        if known.0.as_ref().is_some_and(|known| Arc::ptr_eq(known, &config)) {
            return Arc::clone(&known.1);
        }
        let (read, faults) = rules::read_defaults(&config.command_permissions);
        for fault in faults {
            tracing::warn!("command_permissions in config.json: {fault}");
        }
        let read = Arc::new(read);
        self.defaults.store(Arc::new((Some(config), Arc::clone(&read))));
        read
    }
}

/// Whether there are rules about a command or its category.
fn concern(rules: &ServerRules, asked: &Asked<'_>) -> bool {
    let category = asked.command.category.as_deref().unwrap_or(asked.plugin.as_str());
    rules.concern(&asked.command.name, category)
}

/// Whether no rule and no switch may hide or restrict a command.
#[must_use]
pub fn is_protected(plugin: &PluginName, command: &Command) -> bool {
    *plugin == *HOST_NAME && command.name == CREDITS
}

/// Whether a command can't be switched off: without `config`, nobody could switch anything on again.
#[must_use]
pub fn is_always_on(plugin: &PluginName, command: &str) -> bool {
    *plugin == *HOST_NAME && (command == CREDITS || command.split(' ').next() == Some("config"))
}
