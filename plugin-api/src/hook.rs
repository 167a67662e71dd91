//! Hooks on the author's side: what a callback is given, events of a plugin's own, and callbacks that are registered while
//! the plugin runs.
//!
//! Who hears what, and in which order, is the host's matter. A payload is JSON, read here into the callback's own type.

use std::{collections::HashMap, fmt, ops::Deref, panic::Location, rc::Rc};

use plugin_protocol::{
    hooks::{
        Emit, HookHistory, HookList, HookRegistered, HookRegistration, HookRun, HookUnregister, MAX_PAYLOAD_BYTES,
        is_event_name,
    },
    kind::{EMIT, HOOK_REGISTER, HOOK_UNREGISTER},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

pub use plugin_protocol::hooks::{
    BeforeCommand, BotReady, BreakerState, CommandError, CommandExecuted, CommandKind, ExtensionLoaded,
    ExtensionRefused, ExtensionReloaded, ExtensionUnloaded, GuildJoined, GuildLeft, GuildSummary, Hook, HookEvent,
    PastRun, Shutdown,
};

use crate::{
    Error, Host, Result,
    definition::Running,
    error::placed,
    runtime::{Core, Link, Owned},
};

/// What the callback of a hook is given; it dereferences to [`Host`].
///
/// See [`hook`](macro@crate::hook).
pub struct HookCtx<S = ()> {
    host: Host,
    state: Rc<S>,
    payload: Rc<Received>,
}

/// An event as it came.
pub(crate) struct Received {
    run: HookRun,
    envelope: Owned,
}

impl Received {
    pub(crate) fn new(run: HookRun, envelope: Owned) -> Self {
        Self { run, envelope }
    }

    pub(crate) fn run(&self) -> &HookRun {
        &self.run
    }
}

impl<S> HookCtx<S> {
    pub(crate) fn new(core: Rc<Core>, state: Rc<S>, payload: Rc<Received>) -> Self {
        let mut host = Host::new(core);
        host.hook = Some(payload.envelope.id);
        Self { host, state, payload }
    }

    /// The plugin's state, as the start function built it. A callback that was registered while running has none: it keeps
    /// what it needs itself.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.state
    }

    /// The event's name: one of the host's, or `PLUGIN.name`.
    #[must_use]
    pub fn event(&self) -> &str {
        &self.payload.run.event
    }

    /// The event's payload as it was emitted: JSON.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.payload.envelope.tail()
    }

    /// The event as `T`, for generated code.
    #[doc(hidden)]
    #[track_caller]
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        let place = Location::caller();
        let mut json = serde_json::Deserializer::from_slice(self.payload());
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let field = error.path().to_string();
            let at = if field == "." {
                String::new()
            } else {
                format!("at `{field}`: ")
            };
            let text = format!(
                "{at}{}: the event `{}` does not fit `{}`",
                error.inner(),
                self.event(),
                std::any::type_name::<T>()
            );
            Error::new(text).at(place)
        })
    }
}

impl<S> Clone for HookCtx<S> {
    fn clone(&self) -> Self {
        Self {
            host: self.host.clone(),
            state: self.state.clone(),
            payload: self.payload.clone(),
        }
    }
}

impl<S> Deref for HookCtx<S> {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl<S> fmt::Debug for HookCtx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookCtx")
            .field("event", &self.event())
            .finish_non_exhaustive()
    }
}

/// A callback that was registered, which gets its context and reads its event itself.
type Callback = Rc<dyn Fn(HookCtx) -> Running>;

/// The callbacks that were registered while running, by their numbers.
#[derive(Default)]
pub(crate) struct Registered {
    last: u64,
    callbacks: HashMap<u64, Callback>,
}

/// The callback of that number, made ready to run; `None` if it was unregistered meanwhile.
pub(crate) fn registered(core: &Rc<Core>, payload: &Rc<Received>) -> Option<Running> {
    let number = payload.run().registration?;
    let callback = core.registered_hooks.borrow().callbacks.get(&number).cloned()?;
    Some(callback(HookCtx::new(core.clone(), Rc::new(()), payload.clone())))
}

impl Host {
    /// Emits an event of this plugin's own: who listens to `PLUGIN.name`, in whichever plugin, this one among them, gets
    /// `payload`, a value of any type of serde. It is not waited for: this ends as soon as the host has taken the event, and
    /// what callbacks make of it is their plugins' matter.
    ///
    /// ```
    /// use plugin_api::{UserId, prelude::*};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct LevelledUp {
    ///     user: UserId,
    ///     level: u32,
    /// }
    ///
    /// /// Rise by a level.
    /// #[command]
    /// async fn rise(ctx: Ctx) -> Result {
    ///     ctx.emit("levelled_up", &LevelledUp { user: ctx.author().id, level: 2 }).await?;
    ///     ctx.reply("Up!").await
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::rise]); }
    /// # fn main() {}
    /// ```
    ///
    /// In another plugin, which need not depend on this one:
    ///
    /// ```
    /// use plugin_api::{UserId, prelude::*};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct LevelledUp {
    ///     user: UserId,
    ///     level: u32,
    /// }
    ///
    /// #[hook("levels.levelled_up")]
    /// async fn cheer(ctx: HookCtx, event: LevelledUp) -> Result {
    ///     plugin_api::tracing::info!(level = event.level, "{} has risen", event.user);
    ///     Ok(())
    /// }
    /// # mod linked { plugin_api::plugin!(linked; hooks: [super::cheer]); }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// The name has other characters than a-z, 0-9, _ and -, or more than 64; the payload takes more than 64 KiB as JSON; or
    /// too much of this plugin's is under way: 256 events whose callbacks run, 1,000 a second. Events that callbacks of
    /// hooks emit in turn come to an end after 8 of them.
    #[track_caller]
    pub fn emit<T: Serialize + ?Sized>(&self, name: &str, payload: &T) -> impl Future<Output = Result> + use<T> {
        let emitted = checked_emission(name, payload);
        let (link, hook) = (self.core.link.clone(), self.hook);
        placed(async move {
            let (name, payload) = emitted?;
            link.ask(EMIT, &Emit { name, hook }, &payload).await?;
            Ok(())
        })
    }

    /// The hooks: who listens to what, what has run, and callbacks that come and go while the plugin runs.
    #[must_use]
    pub fn hooks(&self) -> Hooks {
        Hooks { host: self.clone() }
    }
}

fn checked_emission<T: Serialize + ?Sized>(name: &str, payload: &T) -> Result<(String, Vec<u8>)> {
    if !is_event_name(name) {
        return Err(Error::new(format!(
            "`{name}` can be no event's name, which has 1 to 64 of a-z, 0-9, _ and -: the plugin's own is put in front by \
             itself"
        )));
    }
    let payload = serde_json::to_vec(payload)?;
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(Error::new(format!(
            "the event `{name}` takes {} bytes as JSON, {MAX_PAYLOAD_BYTES} at most are taken: emit an id of what it is \
             about",
            payload.len()
        )));
    }
    Ok((name.to_owned(), payload))
}

/// The hooks, as [`Host::hooks`] gives them.
pub struct Hooks {
    host: Host,
}

impl Hooks {
    /// All callbacks of the plugins that run.
    ///
    /// # Errors
    ///
    /// This generation has ended.
    #[track_caller]
    pub fn list(&self) -> impl Future<Output = Result<HookList>> {
        let host = self.host.clone();
        placed(async move { host.call("hooks.list", &json!({})).await })
    }

    /// The last runs of callbacks, newest first: at most so many, of 100 that are remembered in all and 20 of each event.
    ///
    /// # Errors
    ///
    /// This generation has ended.
    #[track_caller]
    pub fn history(&self, limit: usize) -> impl Future<Output = Result<HookHistory>> {
        let host = self.host.clone();
        placed(async move { host.call("hooks.history", &json!({ "limit": limit })).await })
    }

    /// Listens to an event from now on: until [`unregister`](HookHandle::unregister), or until this generation ends. A
    /// reload begins without it, so register in the start function what is to be there always, or declare it with
    /// [`hook`](macro@crate::hook). It is run while its generation serves: what is emitted before that, or while this
    /// generation is being replaced, waits for callbacks that are declared only.
    ///
    /// The callback is an `async fn`, or a closure, of a [`HookCtx`] and the event, of any type of serde that fits.
    ///
    /// ```
    /// use plugin_api::{ExtensionLoaded, HookCtx, prelude::*, tracing::info};
    ///
    /// #[start]
    /// async fn start(ctx: StartCtx) -> Result {
    ///     ctx.hooks()
    ///         .register("extension_loaded", 0, async |_ctx: HookCtx, event: ExtensionLoaded| {
    ///             info!("{} is there", event.extension_name);
    ///             Ok(())
    ///         })
    ///         .await?;
    ///     Ok(())
    /// }
    /// # mod linked { plugin_api::plugin!(linked; start: super::start); }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// There is no event of that name: one of the host's, or `PLUGIN.name`; this generation has 256 already; or it has ended.
    #[track_caller]
    pub fn register<T, F>(
        &self,
        event: &str,
        priority: i32,
        callback: F,
    ) -> impl Future<Output = Result<HookHandle>> + use<T, F>
    where
        T: DeserializeOwned + 'static,
        F: AsyncFn(HookCtx, T) -> Result + 'static,
    {
        let (core, event, callback) = (self.host.core.clone(), event.to_owned(), Rc::new(callback));
        placed(async move {
            let callback: Callback = Rc::new(move |ctx: HookCtx| -> Running {
                let callback = Rc::clone(&callback);
                Box::pin(async move {
                    let event: T = ctx.read()?;
                    callback(ctx, event).await
                })
            });
            let registration = {
                let mut registered = core.registered_hooks.borrow_mut();
                registered.last += 1;
                let number = registered.last;
                // Before it is asked for: the first event may come with the answer.
                registered.callbacks.insert(number, callback);
                number
            };
            let asked = HookRegistration {
                event,
                registration,
                priority,
            };
            let handle = HookHandle {
                core: core.clone(),
                registration,
                id: String::new(),
            };
            // Whoever drops this before its end has no handle by which to unregister.
            let mut guard = Registering(Some(handle));
            let (HookRegistered { id }, _) = core.link.ask_for(HOOK_REGISTER, &asked, &[]).await?;
            match guard.0.take() {
                Some(handle) => Ok(HookHandle { id, ..handle }),
                None => Err(Error::new("this callback was unregistered")),
            }
        })
    }
}

/// A callback that is being registered: unregistered if that comes to nothing.
struct Registering(Option<HookHandle>);

impl Drop for Registering {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            handle.unregister();
        }
    }
}

/// A callback that was registered by [`Hooks::register`]. Dropping it changes nothing: the callback goes on.
#[derive(Clone)]
pub struct HookHandle {
    core: Rc<Core>,
    registration: u64,
    id: String,
}

impl HookHandle {
    /// By what the owner knows it: `PLUGIN.on_EVENT`, with a number behind it if there are several.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Listens no more. Runs that have begun go on.
    pub fn unregister(self) {
        self.forget();
        let asked = HookUnregister {
            registration: self.registration,
        };
        Link::notify(&self.core.link, HOOK_UNREGISTER, &asked);
    }

    fn forget(&self) {
        let gone = self
            .core
            .registered_hooks
            .borrow_mut()
            .callbacks
            .remove(&self.registration);
        // Dropped outside of the borrow: what it holds is the author's, and may call back.
        drop(gone);
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

impl fmt::Debug for HookHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookHandle")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
