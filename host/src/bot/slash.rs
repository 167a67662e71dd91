//! Keeps the registered slash commands as the live plugins have them: planned anew after every change, written only when
//! a set has changed.

mod scope;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use plugin_protocol::{
    ApplicationId, GuildId, Permissions, PluginName,
    slash::{PrefixOnly, SlashFigures, SlashKind, SlashLimits, SyncReport, SyncedSet, UnavailableCommand},
};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

use scope::Scope;

use super::{
    owners::Owners,
    shards::{Phase, reached},
};
use crate::{
    cache::Cache,
    config,
    plugins::Plugins,
    rest::Rest,
    slash::{
        Held, LeftOut, Limits, MOST_COMMANDS, MOST_MENU_COMMANDS, MenuCommand, Offered, Order, Plan, Reason,
        Registered, RegisteredCommand, Set, Slash, SlashCommand, SlashSync, Standing, SyncError, Synced, Unknown,
        Wishes, memory, menu, offers,
    },
    storage::Tables,
    telemetry::{NoticeKind, Notices},
};

/// Changes that come shortly after one another are written once.
const GATHER: Duration = Duration::from_millis(100);
/// How long it waits after a failure.
const RETRY: Duration = Duration::from_secs(30);
/// How many commands a notice names.
const NAMED: usize = 20;

/// What keeping them needs.
pub struct Keeper {
    /// Where what was written is remembered.
    pub tables: Tables,
    /// The way to Discord.
    pub rest: Rest,
    /// The application, once the gateway has told it.
    pub identity: watch::Receiver<Option<ApplicationId>>,
    /// How many commands there may be, and the servers that get the owners' commands; none for those that they own.
    pub config: config::Live,
    /// Whose commands they are.
    pub plugins: Plugins,
    /// Who owns the bot: their servers get the owners' commands, unless the settings name others.
    pub owners: Owners,
    /// Which servers there are, and whose.
    pub cache: Cache,
    /// Counts servers that came, changed or went.
    pub guilds: watch::Receiver<u64>,
    /// Another service than Discord, which may have forgotten what was written.
    pub is_local: bool,
    /// Tells the owner.
    pub notices: Notices,
    /// Who asks what is registered, and orders.
    pub slash: Slash,
    /// What is ordered.
    pub orders: mpsc::Receiver<Order>,
    /// What the owner was told.
    pub told: Told,
    /// How far the end of the bot has come.
    pub phase: watch::Receiver<Phase>,
}

/// What the owner was told of, so that each is told once.
#[derive(Debug, Default)]
pub struct Told {
    left_out: Vec<LeftOut>,
    is_nearly_full: bool,
}

/// What a look at all sets came to.
#[derive(Default)]
struct Round {
    report: SyncReport,
    /// Something has to be tried again.
    again: bool,
    /// When the first command goes whose plugin is not there, in seconds since 1970.
    next: Option<u64>,
}

/// Keeps the commands until the bot stops.
pub async fn keep(mut keeper: Keeper) {
    let sync = match SlashSync::open(keeper.tables.clone()).await {
        Ok(sync) => sync,
        Err(error) => {
            tracing::error!(%error, "slash commands are not registered");
            return;
        }
    };
    keeper.work(&sync).await;
}

impl Keeper {
    async fn work(&mut self, sync: &SlashSync) {
        let mut phase = self.phase.clone();
        let identity = tokio::select! {
            identity = self.identity.wait_for(Option::is_some) => identity.ok().and_then(|id| *id),
            () = reached(&mut phase, Phase::Draining) => None,
        };
        let Some(application) = identity else { return };
        let mut changes = self.plugins.views();
        let mut settings = self.config.subscribe();
        let mut identity = self.identity.clone();
        // At first, and whenever a session begins anew: another service may have forgotten what was written.
        let mut is_new_session = true;
        let mut ordered: Option<Order> = None;
        loop {
            changes.mark_unchanged();
            settings.mark_unchanged();
            identity.mark_unchanged();
            self.guilds.mark_unchanged();
            if self.is_local && is_new_session {
                self.forget_what_is_not_there(sync, application).await;
            }
            let how = ordered.as_ref().map(|order| order.unknown);
            let round = self.round(sync, application, how).await;
            if let Some(order) = ordered.take() {
                // Whoever ordered it may be gone.
                let _ = order.report.send(round.report);
            }
            let wait = if round.again {
                Some(RETRY)
            } else {
                round.next.map(|at| Duration::from_secs(at.saturating_sub(now()) + 1))
            };
            let again = async {
                match wait {
                    Some(wait) => sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            is_new_session = false;
            tokio::select! {
                other = changes.changed() => if other.is_err() { return },
                other = settings.changed() => if other.is_err() { return },
                other = self.guilds.changed() => if other.is_err() { return },
                session = identity.changed() => match session {
                    Ok(()) => is_new_session = true,
                    Err(_) => return,
                },
                order = self.orders.recv() => {
                    ordered = order;
                    // Whoever waits sees the state of now; what comes shortly after is another round's.
                    continue;
                }
                () = again => {}
                // Not in the middle of a round: what was written is remembered.
                () = reached(&mut phase, Phase::Draining) => return,
            }
            sleep(GATHER).await;
        }
    }

    /// Looks at all sets and writes those that have changed. By order, what is registered is compared with what Discord
    /// has, and nothing is kept that no running plugin offers but what others have registered, unless that is to go.
    async fn round(&mut self, sync: &SlashSync, application: ApplicationId, order: Option<Unknown>) -> Round {
        let mut round = Round::default();
        let offers = self.offers();
        let homes = self.homes();
        let guilds = self.guilds_with_own(&homes, &offers);
        let wanted = [None].into_iter().chain(guilds.iter().copied().map(Some));
        let mut scopes = Vec::new();
        for guild in wanted {
            let is_home = guild.is_some_and(|guild| homes.contains(&guild));
            match self.scope(sync, application, (guild, is_home), &offers, order).await {
                Ok(scope) => scopes.push(scope),
                Err(error) => {
                    let (set, again) = noted(guild, Err(error), 0);
                    round.again |= again;
                    round.report.sets.push(set);
                }
            }
        }
        let (plan, own) = self.plan(&offers, &scopes, order.is_some());
        self.tell(&plan, &scopes);
        round.report.prefix_only = plan.left_out.iter().map(prefix_only).collect();
        self.publish(sync, application, &plan, &scopes, None).await;
        // First, so that a command that moves from one server to another is never in both.
        round.again |= self.leave(sync, application, &guilds).await;
        let mut trouble = None;
        for scope in &mut scopes {
            let (planned, menus): (&[SlashCommand], &[MenuCommand]) = match scope.guild {
                None => (&plan.commands, &plan.menus),
                Some(guild) => own
                    .get(&guild)
                    .map_or((&[], &[]), |own| (&own.owners, &own.owners_menus)),
            };
            let foreign = scope.registered.foreign_beside(planned, menus);
            let unknown: Vec<_> = foreign.iter().filter_map(menu::key_of).collect();
            let kept = scope.kept.clone();
            let leaves = kept.values().filter_map(|command| command.absent_since);
            let next = leaves.min().map(|since| since + memory::ABSENT.as_secs());
            round.next = [round.next, next].into_iter().flatten().min();
            let set = Set::new(planned, menus, kept, foreign);
            let count = set.commands.len() + set.foreign.len();
            let there = scope.there.as_deref();
            let synced = sync.sync(&self.rest, application, scope.guild, set, there).await;
            if let Err(SyncError::Refused(why)) = &synced
                && scope.guild.is_none()
            {
                let text = format!("Discord refuses the slash commands: {why}");
                self.notices.tell(NoticeKind::Slash, text.clone());
            }
            let (mut set, again) = noted(scope.guild, synced, count);
            set.unknown = unknown;
            round.again |= again;
            trouble = trouble.or_else(|| set.trouble.clone());
            round.report.sets.push(set);
        }
        self.publish(sync, application, &plan, &scopes, trouble).await;
        round
    }

    async fn scope(
        &self,
        sync: &SlashSync,
        application: ApplicationId,
        (guild, is_home): (Option<GuildId>, bool),
        offers: &[Offered],
        order: Option<Unknown>,
    ) -> Result<Scope, SyncError> {
        let keys = |offered: &Offered| -> Vec<String> {
            let commands = offered.commands.iter();
            let here: Vec<_> = commands
                .filter(|command| offered.belongs(command, guild, is_home))
                .collect();
            let menus = here
                .iter()
                .flat_map(|command| &command.menus)
                .filter_map(menu::menu_key);
            let typed = here.iter().filter(|command| command.doors.slash);
            let typed = typed.map(|command| crate::slash::first_word(command).to_owned());
            typed.chain(menus).collect()
        };
        let offered: BTreeSet<_> = offers.iter().flat_map(keys).collect();
        if let Some(unknown) = order {
            let there = sync.there(&self.rest, application, guild).await?;
            let foreign = match unknown {
                Unknown::Delete => Vec::new(),
                Unknown::Keep => {
                    let known = sync.known(application, guild).await.unwrap_or_default();
                    known.others_of(&there)
                }
            };
            return Ok(Scope {
                guild,
                is_home,
                registered: Registered {
                    foreign,
                    ..Registered::default()
                },
                kept: BTreeMap::new(),
                offered,
                there: Some(there),
            });
        }
        let registered = sync.registered(&self.rest, application, guild).await?;
        let running: BTreeSet<&PluginName> = offers.iter().map(|offered| &offered.plugin).collect();
        let names = offered.iter().map(String::as_str).collect();
        let kept = registered.kept(&running, &names, now());
        Ok(Scope {
            guild,
            is_home,
            registered,
            kept,
            offered,
            there: None,
        })
    }

    /// What plugins offer, as the owner wants it.
    fn offers(&self) -> Vec<Offered> {
        let table = self.plugins.routing().read();
        let config = self.config.get();
        let wishes = Wishes {
            only_in: &config.extensions.only_in,
            priorities: &config.slash_limiter.priorities,
        };
        wishes.apply(table.offers())
    }

    /// The servers that get commands of their own: homes, and those to which plugins are limited.
    fn guilds_with_own(&self, homes: &[GuildId], offers: &[Offered]) -> Vec<GuildId> {
        let limited = offers.iter().filter_map(|offered| offered.only_in.as_ref()).flatten();
        let is_there = |guild: &GuildId| self.cache.guild(*guild).is_some_and(|known| !known.unavailable);
        let limited = limited.copied().filter(is_there);
        let all: BTreeSet<_> = homes.iter().copied().chain(limited).collect();
        all.into_iter().collect()
    }

    /// The plan of all servers, with what is left out anywhere, and those of servers with commands of their own.
    fn plan(&self, offers: &[Offered], scopes: &[Scope], is_ordered: bool) -> (Plan, BTreeMap<GuildId, Plan>) {
        let everywhere = scopes.iter().find(|scope| scope.guild.is_none());
        let taken = |scope: Option<&Scope>, kind| scope.map_or(0, |scope| scope.taken(kind));
        let mut held = Held {
            taken: taken(everywhere, 1),
            taken_menus: [2, 3].map(|kind| taken(everywhere, kind)),
            ..Held::default()
        };
        // By order, places are given anew: to those of the highest priority.
        if let Some(everywhere) = everywhere.filter(|_| !is_ordered) {
            held.names = everywhere.registered.commands.keys().cloned().collect();
        }
        let limits = self.limits();
        let mut plan = offers::everywhere(offers, &held, limits);
        let mut own = BTreeMap::new();
        for scope in scopes {
            let Some(guild) = scope.guild else { continue };
            let held = Held {
                taken_at_home: scope.taken(1),
                taken_menus_at_home: [2, 3].map(|kind| scope.taken(kind)),
                ..held.clone()
            };
            let of_guild = offers::at_home(offers, (guild, scope.is_home), &held, limits);
            for left_out in &of_guild.left_out {
                // In one server or in many, it is told once.
                if !plan.left_out.contains(left_out) {
                    plan.left_out.push(left_out.clone());
                }
            }
            own.insert(guild, of_guild);
        }
        (plan, own)
    }

    fn limits(&self) -> Limits {
        let config = self.config.get();
        Limits {
            max: config.slash_limiter.max_limit as usize,
            warning: config.slash_limiter.warning_threshold as usize,
            safe: config.slash_limiter.safe_limit as usize,
        }
    }

    /// Takes the commands out of servers that have none of their own any more.
    async fn leave(&self, sync: &SlashSync, application: ApplicationId, theirs: &[GuildId]) -> bool {
        let mut again = false;
        for guild in sync.guilds(application).await {
            match self.cache.guild(guild) {
                _ if theirs.contains(&guild) => {}
                Some(known) if known.unavailable || known.owner_id.is_none() => {}
                Some(_) => {
                    let known = sync.known(application, Some(guild)).await.unwrap_or_default();
                    let set = Set::new(&[], &[], BTreeMap::new(), known.foreign);
                    let synced = sync.sync(&self.rest, application, Some(guild), set, None).await;
                    again |= noted(Some(guild), synced, 0).1;
                }
                // Not told of yet, or gone: then its set is gone, too, and what is remembered does no harm.
                None => {}
            }
        }
        again
    }

    /// The servers that get the owners' commands, as far as they are known yet.
    fn homes(&self) -> Vec<GuildId> {
        let config = self.config.get();
        let named = &config.discord.home_guilds;
        let mut guilds = self.cache.guild_ids();
        guilds.retain(|guild| {
            let Some(known) = self.cache.guild(*guild).filter(|known| !known.unavailable) else {
                return false;
            };
            if named.is_empty() {
                known.owner_id.is_some_and(|owner| self.owners.contains(owner))
            } else {
                named.contains(guild)
            }
        });
        guilds.sort_unstable();
        guilds
    }

    /// Tells the owner what has come to have no place, and that there are few left; once each.
    fn tell(&mut self, plan: &Plan, scopes: &[Scope]) {
        let is_new = |left_out: &&LeftOut| !self.told.left_out.contains(left_out);
        let (mut full, mut menus) = (Vec::new(), Vec::new());
        for left_out in plan.left_out.iter().filter(is_new) {
            tracing::warn!(plugin = %left_out.plugin, command = %left_out.command, reason = %left_out.reason, "no slash command for it");
            if left_out.reason == Reason::Full {
                full.push(format!("`{}`", left_out.command));
            }
            if let (Some(menu), Reason::MenusFull | Reason::MenuTaken { .. }) = (&left_out.menu, &left_out.reason) {
                menus.push(format!("`{menu}` of plugin {} ({})", left_out.plugin, left_out.reason));
            }
        }
        if !menus.is_empty() {
            self.notices.tell(NoticeKind::Slash, without_menu(menus));
        }
        let taken = scopes
            .iter()
            .find(|scope| scope.guild.is_none())
            .map_or(0, |scope| scope.taken(1));
        let (count, limits) = (plan.commands.len() + taken, self.limits());
        if !full.is_empty() {
            let more = match full.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            full.truncate(NAMED);
            let text = format!(
                "There is no place for these slash commands, they work by prefix: {}{more}. {count} of {MOST_COMMANDS} are \
                 taken; `slashlimit` shows all. Unload what is not needed and use `sync`, or raise \
                 slash_limiter.safe_limit ({}) in config.json.",
                full.join(", "),
                limits.safe
            );
            self.notices.tell(NoticeKind::Slash, text);
        } else if plan.is_nearly_full && !self.told.is_nearly_full {
            let text = format!(
                "{count} of {MOST_COMMANDS} slash commands are taken: from {} on new ones work by prefix only. `slashlimit` \
                 shows all; slash_limiter in config.json says when you are told.",
                limits.safe
            );
            self.notices.tell(NoticeKind::Slash, text);
        }
        self.told.is_nearly_full = plan.is_nearly_full;
        self.told.left_out.clone_from(&plan.left_out);
    }

    async fn publish(
        &self,
        sync: &SlashSync,
        application: ApplicationId,
        plan: &Plan,
        scopes: &[Scope],
        trouble: Option<String>,
    ) {
        let ids = |known: Option<Registered>| -> BTreeMap<String, String> {
            let commands = known.unwrap_or_default().commands;
            commands
                .into_iter()
                .filter_map(|(name, command)| Some((name, command.id?)))
                .collect()
        };
        let everywhere = scopes.iter().find(|scope| scope.guild.is_none());
        let foreign = everywhere.map(|scope| &*scope.registered.foreign).unwrap_or_default();
        let limits = self.limits();
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let of_kind = |kind: u8| {
            let in_menu = |menu: &&MenuCommand| menu.kind == kind;
            let (planned, most) = match kind {
                1 => (plan.commands.len(), MOST_COMMANDS),
                _ => (plan.menus.iter().filter(in_menu).count(), MOST_MENU_COMMANDS),
            };
            let taken = everywhere.map_or(0, |scope| scope.taken(kind.into()));
            SlashKind {
                kind,
                used: small(planned + taken),
                most: small(most),
            }
        };
        let unavailable = everywhere.into_iter().flat_map(|scope| &scope.kept);
        let figures = SlashFigures {
            kinds: [1, 2, 3].map(of_kind).into(),
            limits: SlashLimits {
                max: small(limits.max),
                warning: small(limits.warning),
                safe: small(limits.safe),
            },
            prefix_only: plan.left_out.iter().map(prefix_only).collect(),
            unavailable: unavailable
                .map(|(name, command)| UnavailableCommand {
                    command: name.clone(),
                    plugins: command.plugins.iter().map(ToString::to_string).collect(),
                    until: command.absent_since.unwrap_or_default() + memory::ABSENT.as_secs(),
                })
                .collect(),
            foreign: foreign.iter().filter_map(menu::key_of).collect(),
            trouble,
        };
        let registered = sync.known(application, None).await;
        let mut standing = Standing {
            figures,
            gates: gates(registered.as_ref()),
            ids: ids(registered),
            ..Standing::default()
        };
        for guild in scopes.iter().filter_map(|scope| scope.guild) {
            let known = sync.known(application, Some(guild)).await;
            standing.guild_gates.insert(guild, gates(known.as_ref()));
            standing.guild_ids.insert(guild, ids(known));
        }
        self.slash.publish(standing);
    }

    /// A local Discord that was started anew has none of what was written to the one before.
    async fn forget_what_is_not_there(&self, sync: &SlashSync, application: ApplicationId) {
        if let Ok(there) = sync.there(&self.rest, application, None).await
            && !sync.agrees(application, &there).await
        {
            sync.forget(application).await;
        }
    }
}

/// What the owner is told of commands that are in no menu.
fn without_menu(mut menus: Vec<String>) -> String {
    let more = match menus.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    menus.truncate(NAMED);
    format!(
        "These are not in context menus: {}{more}. Unload the plugin that has the place or the name, or have its author choose \
         another name; where menus are full, slash_limiter.priorities in config.json says who goes first at the next `sync`.",
        menus.join(", ")
    )
}

fn prefix_only(left_out: &LeftOut) -> PrefixOnly {
    PrefixOnly {
        command: left_out.command.clone(),
        menu: left_out.menu.clone(),
        plugin: left_out.plugin.to_string(),
        why: left_out.reason.to_string(),
        full: left_out.reason == Reason::Full,
    }
}

/// Logs what came of writing a set, and says it; whether it has to be tried again.
fn noted(guild: Option<GuildId>, synced: Result<Synced, SyncError>, registered: usize) -> (SyncedSet, bool) {
    let server = guild.map_or_else(|| "all".to_owned(), |guild| guild.to_string());
    let mut set = SyncedSet {
        guild_id: guild,
        registered: u32::try_from(registered).unwrap_or(u32::MAX),
        ..SyncedSet::default()
    };
    match synced {
        Ok(Synced::Unchanged) => (set, false),
        Ok(Synced::Written {
            added,
            changed,
            removed,
        }) => {
            tracing::info!(%server, added = %added.join(" "), changed = %changed.join(" "), removed = %removed.join(" "), "slash commands written");
            (set.added, set.changed, set.removed) = (added, changed, removed);
            (set, false)
        }
        // The same set would be refused again.
        Err(SyncError::Refused(why)) => {
            tracing::warn!(%server, %why, "Discord refuses the slash commands: they can be used by prefix");
            set.trouble = Some(why.to_string());
            (set, false)
        }
        Err(error) => {
            tracing::error!(%server, %error, "slash commands could not be written, tried again in {} s", RETRY.as_secs());
            set.trouble = Some(error.to_string());
            (set, true)
        }
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// What Discord asks of users' permissions, by the commands' names, as they were written.
fn gates(registered: Option<&Registered>) -> HashMap<String, Permissions> {
    #[derive(serde::Deserialize)]
    struct Gate {
        default_member_permissions: Permissions,
    }
    let commands = registered.into_iter().flat_map(|registered| &registered.commands);
    let gate = |(name, command): (&String, &RegisteredCommand)| {
        let gate: Gate = serde_json::from_str(&command.json).ok()?;
        Some((name.clone(), gate.default_member_permissions))
    };
    commands.filter_map(gate).collect()
}
