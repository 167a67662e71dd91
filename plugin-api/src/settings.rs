//! What servers set for a plugin: types of settings, and the values as they are now.
//!
//! They lie in the plugin's memory: the host hands them over at the start and tells of each change, so that reading one
//! costs neither a request nor an `.await`. Who sets them is the host's matter: `serversettings PLUGIN`.

mod changes;
mod kinds;

use std::{
    any::Any,
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::{Rc, Weak},
};

use plugin_protocol::{
    GuildId,
    server_settings::{self as protocol, SetValues, SettingsSchema},
};
use serde_json::{Value, json};

pub use changes::SettingsChanges;
pub use kinds::Setting;

use changes::Changed;

use crate::{Ctx, Host, IntoId, Result, definition::ArgumentDef, error::placed};

/// What `#[settings(guild)]` makes of a struct; not for implementing by hand.
pub trait ServerSettings: Sized + 'static {
    #[doc(hidden)]
    const SETTINGS: &'static [ArgumentDef];
    #[doc(hidden)]
    fn defaults() -> Vec<Value>;
    #[doc(hidden)]
    fn read(values: &SetValues) -> Self;
    #[doc(hidden)]
    fn write(&self) -> SetValues;
}

/// Settings that `plugin! { settings: .. }` names, so that the host knows them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what servers set for this plugin",
    label = "not named in `plugin!`",
    note = "name the struct with `#[settings(guild)]` in `plugin! {{ settings: .. }}`"
)]
pub trait DeclaredSettings: ServerSettings {}

/// The schema of a type, for generated code.
#[must_use]
pub fn schema<T: ServerSettings>() -> SettingsSchema {
    let settings = T::SETTINGS.iter().zip(T::defaults());
    SettingsSchema {
        settings: settings
            .map(|(setting, default)| protocol::Setting {
                value: plugin_protocol::Argument {
                    required: setting.shape.required,
                    ..setting.describe()
                },
                default,
            })
            .collect(),
    }
}

/// One value of what a server has set, for generated code: the default, if nothing or something else than that is set.
pub fn value<T: Setting>(values: &SetValues, name: &'static str, default: impl FnOnce() -> T) -> T {
    let Some(set) = values.get(name) else {
        return default();
    };
    T::read(set).unwrap_or_else(|| {
        // The host sends only what fits; one that knows less than this crate might not.
        tracing::warn!(
            setting = name,
            "what a server has set doesn't fit, the default is in force"
        );
        default()
    })
}

/// A setting as a whole, for generated code: what its type can't be asked for is an error of the compiler.
#[track_caller]
#[must_use]
pub const fn check_setting(limits_channels: bool, setting: ArgumentDef) -> ArgumentDef {
    assert!(
        protocol::Setting::can_be(setting.shape.kind),
        "a setting can't be of this type"
    );
    if let Some(most) = setting.max_length {
        assert!(
            most <= 4000,
            "`#[max_length]` of a setting is at most 4,000: so many characters has a field of a form"
        );
    }
    crate::argument::check_argument(false, limits_channels, setting)
}

/// What servers have set, as it was told and as it was read.
#[derive(Default)]
pub(crate) struct GuildValues {
    set: RefCell<HashMap<GuildId, SetValues>>,
    read: RefCell<HashMap<GuildId, Rc<dyn Any>>>,
    /// Those of servers that have set nothing.
    default: RefCell<Option<Rc<dyn Any>>>,
    /// Who hears of changes.
    followers: RefCell<Vec<Weak<Changed>>>,
}

impl GuildValues {
    /// Takes over what the host tells.
    pub(crate) fn tell(&self, told: BTreeMap<GuildId, SetValues>, all: bool) {
        let (mut set, mut read) = (self.set.borrow_mut(), self.read.borrow_mut());
        let mut changed = Vec::new();
        if all {
            let gone = set.extract_if(|guild, _| !told.contains_key(guild));
            changed.extend(gone.map(|(guild, _)| guild));
            read.clear();
        }
        for (guild, values) in told {
            read.remove(&guild);
            let before = if values.is_empty() {
                set.remove(&guild)
            } else {
                set.insert(guild, values.clone())
            };
            if before.unwrap_or_default() != values {
                changed.push(guild);
            }
        }
        self.followers.borrow_mut().retain(|follower| {
            let follower = follower.upgrade();
            follower.is_some_and(|follower| {
                follower.tell(&changed);
                true
            })
        });
    }

    fn follow(&self) -> SettingsChanges {
        let changes = SettingsChanges::default();
        self.followers.borrow_mut().push(changes.weak());
        changes
    }

    /// A copy of one's own, to be changed.
    fn copy<T: ServerSettings>(&self, guild: GuildId) -> T {
        self.set
            .borrow()
            .get(&guild)
            .map_or_else(|| T::read(&SetValues::new()), T::read)
    }

    fn of<T: ServerSettings>(&self, guild: Option<GuildId>) -> Rc<T> {
        let set = self.set.borrow();
        let Some((guild, values)) = guild.and_then(|guild| set.get_key_value(&guild)) else {
            let mut default = self.default.borrow_mut();
            return remembered(default.as_ref()).unwrap_or_else(|| {
                let made = Rc::new(T::read(&SetValues::new()));
                *default = Some(made.clone());
                made
            });
        };
        let mut read = self.read.borrow_mut();
        remembered(read.get(guild)).unwrap_or_else(|| {
            let made = Rc::new(T::read(values));
            read.insert(*guild, made.clone());
            made
        })
    }
}

fn remembered<T: 'static>(value: Option<&Rc<dyn Any>>) -> Option<Rc<T>> {
    value.cloned()?.downcast().ok()
}

impl Host {
    /// What a server has set for this plugin, as it is now: read from memory. `T` is the struct with `#[settings(guild)]`
    /// that `plugin!` names.
    ///
    /// ```
    /// use plugin_api::prelude::*;
    ///
    /// #[settings(guild)]
    /// struct Settings {
    ///     /// Where members are greeted
    ///     #[channel_types(text, announcement)]
    ///     channel: Option<ChannelId>,
    ///     /// What they are told
    ///     #[default = "Welcome!"]
    ///     #[max_length = 200]
    ///     greeting: String,
    /// }
    ///
    /// #[event]
    /// async fn greet(ctx: EventCtx, joined: MemberAdd) -> Result {
    ///     let settings = ctx.guild_settings::<Settings>(joined.guild_id);
    ///     match settings.channel {
    ///         Some(channel) => ctx.send(channel, settings.greeting.as_str()).await,
    ///         None => Ok(()),
    ///     }
    /// }
    /// # mod linked { use super::*;
    /// # plugin!(linked; events: [super::greet], settings: super::Settings);
    /// # } #[cfg(any())]
    /// plugin! { events: [greet], settings: Settings }
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn guild_settings<T: DeclaredSettings>(&self, guild: impl IntoId<GuildId>) -> Rc<T> {
        self.core.guild_values.of(Some(guild.into_id()))
    }

    /// Changes what a server has set for this plugin, as its administrators do by `serversettings`: by the same rules and
    /// limits, kept in the same place, in the audit trail. Answers with what is in force then. Only fields that differ
    /// afterwards are written, none of them unless all fit; where nothing differs, nothing is asked.
    ///
    /// It is for what a command of yours sets (`/greetings here`), not for what changes all the time: that is for
    /// [`guild_store`](Self::guild_store).
    ///
    /// ```
    /// # use plugin_api::prelude::*;
    /// # #[settings(guild)]
    /// # struct Settings {
    /// #     /// Where members are greeted
    /// #     channel: Option<ChannelId>,
    /// # }
    /// /// Greet members here.
    /// #[command(guild_only, requires(MANAGE_GUILD))]
    /// async fn here(ctx: Ctx) -> Result {
    ///     let channel = ctx.channel_id();
    ///     ctx.update_settings::<Settings>(|settings| settings.channel = Some(channel)).await?;
    ///     ctx.reply("Members are greeted here.").await
    /// }
    /// # mod linked { use super::*; plugin!(linked; commands: [super::here], settings: super::Settings); }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// A value that doesn't fit, with the text that an administrator is told; the bot is not in that server; or it can't be
    /// written. In `#[start]`, since this version of the plugin doesn't serve yet and may still be given up: change them by
    /// a task that `ctx.spawn` is given there.
    #[track_caller]
    pub fn update_guild_settings<T: DeclaredSettings>(
        &self,
        guild: impl IntoId<GuildId>,
        change: impl FnOnce(&mut T),
    ) -> impl Future<Output = Result<Rc<T>>> {
        let guild = guild.into_id();
        placed(async move {
            let mut settings: T = self.core.guild_values.copy(guild);
            let before = settings.write();
            change(&mut settings);
            let mut values = settings.write();
            values.retain(|name, value| before.get(name) != Some(value));
            if !values.is_empty() {
                let arguments = json!({ "guild_id": guild, "values": values });
                // The host tells what is set before it answers.
                self.call::<Value>("settings.change", &arguments).await?;
            }
            Ok(self.guild_settings(guild))
        })
    }

    /// Hears of every change of what servers set for this plugin, from now on. To be followed in a task, as
    /// [`config_changes`](Self::config_changes) is:
    ///
    /// ```
    /// # use plugin_api::prelude::*;
    /// # #[settings(guild)]
    /// # struct Settings {
    /// #     /// Where members are greeted
    /// #     channel: Option<ChannelId>,
    /// # }
    /// async fn follow(host: plugin_api::Host) -> Result {
    ///     let mut changes = host.settings_changes();
    ///     loop {
    ///         let guild = changes.changed().await;
    ///         if let Some(channel) = host.guild_settings::<Settings>(guild).channel {
    ///             host.send(channel, "Members are greeted here from now on.").await?;
    ///         }
    ///     }
    /// }
    ///
    /// #[start]
    /// async fn start(ctx: StartCtx) -> Result {
    ///     ctx.spawn(follow(ctx.host().clone()));
    ///     Ok(())
    /// }
    /// # mod linked { use super::*; plugin!(linked; start: super::start, settings: super::Settings); }
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn settings_changes(&self) -> SettingsChanges {
        self.core.guild_values.follow()
    }
}

impl<S> Ctx<S> {
    /// What the server in which it was asked has set for this plugin, as it is now: read from memory, without a request.
    /// In direct messages, the defaults. See [`settings`](macro@crate::settings).
    #[must_use]
    pub fn settings<T: DeclaredSettings>(&self) -> Rc<T> {
        self.core.guild_values.of(self.guild_id())
    }

    /// Changes what this server has set, see [`Host::update_guild_settings`].
    ///
    /// # Errors
    ///
    /// As there; a refusal, in direct messages.
    #[track_caller]
    pub fn update_settings<T: DeclaredSettings>(
        &self,
        change: impl FnOnce(&mut T),
    ) -> impl Future<Output = Result<Rc<T>>> {
        placed(async move { self.update_guild_settings(self.require_guild()?, change).await })
    }
}
