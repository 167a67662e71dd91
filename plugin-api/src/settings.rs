//! What servers set for a plugin: types of settings, and the values as they are now.
//!
//! They lie in the plugin's memory: the host hands them over at the start and tells of each change, so that reading one
//! costs neither a request nor an `.await`. Who sets them is the host's matter: `serversettings PLUGIN`.

mod kinds;

use std::{
    any::Any,
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use plugin_protocol::{
    GuildId,
    server_settings::{self as protocol, SetValues, SettingsSchema},
};
use serde_json::Value;

pub use kinds::Setting;

use crate::{Ctx, Host, IntoId, definition::ArgumentDef};

/// What `#[settings(guild)]` makes of a struct; not for implementing by hand.
pub trait ServerSettings: Sized + 'static {
    #[doc(hidden)]
    const SETTINGS: &'static [ArgumentDef];
    #[doc(hidden)]
    fn defaults() -> Vec<Value>;
    #[doc(hidden)]
    fn read(values: &SetValues) -> Self;
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
}

impl GuildValues {
    /// Takes over what the host tells.
    pub(crate) fn tell(&self, told: BTreeMap<GuildId, SetValues>, all: bool) {
        let (mut set, mut read) = (self.set.borrow_mut(), self.read.borrow_mut());
        if all {
            set.clear();
            read.clear();
        }
        for (guild, values) in told {
            read.remove(&guild);
            if values.is_empty() {
                set.remove(&guild);
            } else {
                set.insert(guild, values);
            }
        }
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
}

impl<S> Ctx<S> {
    /// What the server in which it was asked has set for this plugin, as it is now: read from memory, without a request.
    /// In direct messages, the defaults. See [`settings`](macro@crate::settings).
    #[must_use]
    pub fn settings<T: DeclaredSettings>(&self) -> Rc<T> {
        self.core.guild_values.of(self.guild_id())
    }
}
