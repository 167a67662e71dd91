//! The macros of `plugin-api`, which re-exports them: use them from there.
//!
//! Each attribute puts beside its function what [`plugin!`](macro@plugin) collects. Contexts are made by the runtime
//! alone: put logic into plain functions and test those with `cargo test`, and the rest in the sandbox. Generated code
//! names nothing but `::plugin_api::__private`.

mod argument;
mod client;
mod command;
mod component;
mod derive;
mod event;
mod event_names;
mod factory;
mod function;
mod hook;
mod lifecycle;
mod localization;
mod menu;
mod modal;
mod plugin;
mod policy;
mod service;
mod settings;
mod timer;

use proc_macro::TokenStream;
use syn::{DeriveInput, ItemFn, ItemStruct, parse_macro_input};

/// Makes a command of a documented `async fn`.
///
/// The first parameter is the [`Ctx`](../plugin_api/struct.Ctx.html), the others are the command's arguments; what types
/// they may have says [`Argument`](../plugin_api/trait.Argument.html). The description that Discord shows is the first
/// paragraph of the documentation, of at most 100 characters.
///
/// In brackets behind `command`, separated by commas:
///
/// - `slash`, `prefix`: by which doors; both, if neither is named and it is in no menu.
/// - `user_menu = "Report"`, `message_menu = "Quote"`: it is in the context menu of people or messages, under "Apps", by
///   this name of up to 32 characters. Whom or what it is used on is the only argument that is required: a
///   [`Member`](../plugin_api/struct.Member.html), [`User`](../plugin_api/struct.User.html) or
///   [`Mentionable`](../plugin_api/enum.Mentionable.html), or a
///   [`MessageLink`](../plugin_api/struct.MessageLink.html); a menu gives no other. `user_menu_localized("de", "..")`,
///   `message_menu_localized("de", "..")`: the name in another language.
/// - `name = "tag add"`: the name, if not the function's; words of a group and its subcommand are separated by a space.
/// - `aliases("a", "b")`: further names, by prefix only.
/// - `owner_only`: only the bot's owners may use it.
/// - `checks(in_voice, only_weekends)`: functions `async fn(ctx: &Ctx<State>) -> Result` (or `Result<bool>`) of your own
///   that may refuse, in this order, after all that the bot itself asks. Help and `why` know nothing of them.
///
/// On an argument:
///
/// - a documentation comment, or `#[description = "Who is meant"]`: what it means, of at most 100 characters; else its
///   name is shown. `#[name_localized("de", "..")]`, `#[description_localized("de", "..")]`: in another language.
/// - `#[rest]`: by prefix it takes the rest of the message as it is; only for the last one.
/// - `#[min = 1]`, `#[max = 20]`: limits of a number, within those of its type.
/// - `#[min_length = 2]`, `#[max_length = 32]`: how many characters a `String` has.
/// - `#[channel_types(text, voice)]`: what a `Channel` may be: `text`, `voice`, `category`, `announcement`,
///   `announcement_thread`, `public_thread`, `private_thread`, `thread` (all three), `stage`, `forum`, `media`.
/// - `#[default = 5]`: what it is when it is not given.
/// - `#[flag]`: by prefix it is given by its name, anywhere: a bool as `--silent`, others as `--days 7` or `--days=7`.
/// - `#[check = is_even]`: a function `fn(&T) -> Result` that may refuse the value; it gets what is in an `Option`.
/// - `#[autocomplete = suggest]`: an `async fn(ctx: Ctx<State>, typed: String) -> Vec<Choice>` that Discord asks by slash
///   while the argument is being typed. It has 2 seconds, and suggestions bind nobody: any value may come.
#[proc_macro_attribute]
pub fn command(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as command::Options);
    let function = parse_macro_input!(item as ItemFn);
    command::expand(&options, function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes an enum without fields a type of argument: by slash a list of choices, by prefix picked by name without case.
///
/// A choice is called as its variant, `ExtraLarge` as "Extra large", or by `#[name = "XL"]` on it; in other languages by
/// `#[name_localized("de", "Riesig")]`.
#[proc_macro_derive(Choice, attributes(name, name_localized))]
pub fn derive_choice(item: TokenStream) -> TokenStream {
    let input = parse_macro_input!(item as DeriveInput);
    derive::choice(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes an enum whose variants have one field a type of argument: the first variant whose type fits is taken.
///
/// By slash it is a text, read as a word by prefix is.
#[proc_macro_derive(OneOf)]
pub fn derive_one_of(item: TokenStream) -> TokenStream {
    let input = parse_macro_input!(item as DeriveInput);
    derive::one_of(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a handler of controls of an `async fn`, and of its name the factory of its buttons.
///
/// The first parameter is the [`ClickCtx`](../plugin_api/struct.ClickCtx.html); a second one, if any, is the state that a
/// button carries: any type of serde that takes at most 16 KiB as JSON.
///
/// In brackets behind `component`:
///
/// - `anyone`: everybody may use the controls, not only the one who asked for the message.
/// - `expires = "60s"`: for how long, in `s`, `m`, `h` or `d`; else for ever.
/// - `command = ban`, or `command = "warn add"` of a group: at each use all is checked that would be for that command of
///   this plugin, with the rules and switches of the server, but not how often. What does something for a moderator says
///   so: they may be one no more by the time of the click.
/// - `requires(BAN_MEMBERS)`, `bot_requires(..)`, `owner_only`: what a command's options of these names say, of the
///   controls alone.
/// - `defer = "never"`: the handler opens a form, or is always quick: nothing is acknowledged for it after 2 seconds.
#[proc_macro_attribute]
pub fn component(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as component::Options);
    let function = parse_macro_input!(item as ItemFn);
    component::expand(&options, function, component::Of::Controls)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a struct what a form asks for; see [`Modal`](../plugin_api/trait.Modal.html).
///
/// On the struct `#[title = "Report a member"]`, of at most 45 characters; else its name is shown. A field's label is its
/// documentation's first paragraph or `#[label = ".."]`, of at most 45 characters. Further attributes of a field:
///
/// - `#[description = ".."]`: stands below the label; `#[placeholder = ".."]`: is shown while nothing is written.
/// - `#[paragraph]`: a text of several lines. `#[min_length = 1]`, `#[max_length = 4000]`: limits of a text or number.
/// - `#[min_values = 0]`, `#[max_values = 25]`: how many are chosen or uploaded, of a `Vec`.
///
/// A field that is an `Option` or a `Vec` may be left out.
#[proc_macro_derive(
    Modal,
    attributes(
        title,
        label,
        description,
        placeholder,
        paragraph,
        min_length,
        max_length,
        min_values,
        max_values
    )
)]
pub fn derive_modal(item: TokenStream) -> TokenStream {
    let input = parse_macro_input!(item as DeriveInput);
    modal::expand(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a handler of a form of an `async fn`, and of its name the factory of the form; see
/// [`Modal`](../plugin_api/trait.Modal.html).
///
/// The parameters are the [`ClickCtx`](../plugin_api/struct.ClickCtx.html), what was sent, and at most one state. It is
/// listed among the `components` of `plugin!`. In brackets: what `component` takes.
#[proc_macro_attribute]
pub fn modal(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as component::Options);
    let function = parse_macro_input!(item as ItemFn);
    component::expand(&options, function, component::Of::Form)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a struct what servers can set for this plugin: each field is a setting, which administrators see and change by
/// `serversettings PLUGIN`, and handlers read by `ctx.settings::<Settings>()`, from memory. `plugin! { settings: .. }` names
/// it.
///
/// A setting's description is its documentation's first paragraph or `#[description = ".."]`, of at most 100 characters.
/// What types a field may have says [`Setting`](../plugin_api/trait.Setting.html). Its attributes are those of a command's
/// argument: `#[default = 5]`, which all need but `Option`, `Vec` and `bool`; `#[min = 1]`, `#[max = 20]`,
/// `#[min_length = 2]`, `#[max_length = 32]`, `#[channel_types(text)]`.
///
/// A plugin has at most 25 settings, and a list at most 25 values, each role, channel or user once. A text has at most 1,000
/// characters unless its `#[max_length]` says otherwise, which is at most 4,000: so many has a field of a form
/// (<https://discord.com/developers/docs/components/reference#text-input>), and so many has a list as it is written. A
/// length of time takes no `#[min]` or `#[max]`: what is too long for the plugin it has to bound itself. No choice may be
/// called `reset`, the word that goes back to the default.
///
/// What a server has set is kept over reloads, restarts and new versions. What doesn't fit a new version any more (another
/// type, narrower limits) is kept, too, but not in force: the default is, and administrators see that.
#[proc_macro_attribute]
pub fn settings(scope: TokenStream, item: TokenStream) -> TokenStream {
    let settings::Scope = parse_macro_input!(scope as settings::Scope);
    let item = parse_macro_input!(item as ItemStruct);
    settings::expand(item)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a handler of a gateway event of an `async fn`.
///
/// The first parameter is the [`EventCtx`](../plugin_api/struct.EventCtx.html), the second one the event: one of twilight's
/// types, or any type of serde (such as `serde_json::Value`) if the event is named.
///
/// In brackets behind `event`:
///
/// - `"GUILD_SOUNDBOARD_SOUND_CREATE"`: the event's name, if its type has none.
/// - `unlisted`: with a name that is newer than this crate; it would be refused as misspelt otherwise.
/// - `filter = guild && !bot`: only events of servers, and not the ones that a bot caused, where the event tells. `!guild`,
///   `bot` and either of them alone are filters, too. It is decided before anything is copied.
/// - `one_at_a_time = message|user|channel|guild`: the handler runs once at a time for each message, person, channel or
///   server, in the order in which they came; of different ones side by side. An event that names none waits for nobody.
///
/// Events reach a plugin in order. A slow one's wait, see `event_queue` of [`plugin!`](macro@plugin).
#[proc_macro_attribute]
pub fn event(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as event::Options);
    let function = parse_macro_input!(item as ItemFn);
    event::expand(&options, function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a callback of a hook of an `async fn`: it hears of an event of the bot's own life, or of one that a plugin emits.
///
/// The first parameter is the [`HookCtx`](../plugin_api/struct.HookCtx.html), the second one the event. In brackets behind
/// `hook`:
///
/// - `"extension_loaded"`: the event. One of the bot's own has a type of its own, by which alone it may be named, too; one
///   that a plugin emits is called `"PLUGIN.name"` and is read into any type of serde.
/// - `priority = 5`: those of higher priority run first, and to their end; 0 if nothing is said. Of one priority, those of
///   one plugin run one after the other, those of different plugins at the same time.
///
/// A callback may take 10 seconds; one that fails five times in 300 seconds is left out for 60, then tried once. The owner
/// knows it as `PLUGIN.function`, and may switch it off, also for after a restart.
#[proc_macro_attribute]
pub fn hook(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as hook::Options);
    let function = parse_macro_input!(item as ItemFn);
    hook::expand(&options, function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes an `async fn(TimerCtx<State>) -> Result` run again and again: `#[every("5m")]`, from one second to ten years.
///
/// It first runs one period after the host has first seen it, and then by that beat, over reloads and restarts. A run that is
/// still at work when the next one is due leaves that one out; it is counted. `missed = skip`, `run_late` (the default, one
/// run for all) or `run_each(5)` says what becomes of runs for which nobody was there: of those more than a minute late. With
/// `run_each`, runs that an earlier one held up are made up for like missed ones, instead of being left out. A run that fails
/// or is cut off is not made again: the next one comes at its time.
///
/// In `plugin!`, it is one of the `timers`.
#[proc_macro_attribute]
pub fn every(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as timer::Every);
    let function = parse_macro_input!(item as ItemFn);
    timer::expand_every(&options, function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes an `async fn(TimerCtx<State>) -> Result` run by a cron expression:
/// `#[cron("0 9 * * mon", zone = "Europe/Berlin")]`.
///
/// Five fields: minute, hour, day of the month, month, day of the week (`mon` or 1, Sunday is 0 and 7), with `*`, lists, ranges
/// and steps; `L` for the last day, `15W` for the weekday nearest to a day, `mon#1` for the first Monday of a month; or `@hourly`,
/// `@daily`, `@weekly`, `@monthly`, `@yearly`. If both days are said, either fits. What does not come
/// within ten years is refused.
///
/// `zone` is a name of the IANA's database, UTC if it is left out. Where clocks are put forward, a fixed time that there is not
/// runs when the gap is over; where they are put back, it runs the first time only. What runs every hour or minute
/// (`*` in one of the two) runs in both.
///
/// Overruns and `missed` are as with [`every`](macro@every).
#[proc_macro_attribute]
pub fn cron(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as timer::Cron);
    let function = parse_macro_input!(item as ItemFn);
    timer::expand_cron(&options, function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes an `async fn(TimerCtx<State>, Payload) -> Result` one whose runs are set one by one, see
/// [`TimerFactory`](../plugin_api/trait.TimerFactory.html); the payload may be left out.
///
/// `missed = skip` leaves out what is more than a minute late; without it, it runs late. `retry = "1m"` runs it again after
/// a minute, again and again, while it fails with what may pass
/// ([`Error::is_transient`](../plugin_api/struct.Error.html#method.is_transient)).
#[proc_macro_attribute]
pub fn timer(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as timer::Timer);
    let function = parse_macro_input!(item as ItemFn);
    timer::expand_timer(&options, function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes the `async fn(EraseCtx<State>, Subject) -> Result` the one that erases what the plugin keeps of somebody; where
/// statements do, [`plugin!`] takes those alone.
///
/// The owner's `erase` asks it, with 10 seconds of time. Values in the plugin's stores of that user or server, its timers about
/// them and what all plugins share are deleted by the host, right behind it; what is in the database, in files, in global
/// values and in memory is the function's. It must not fail where there is nothing to erase.
#[proc_macro_attribute]
pub fn erase(options: TokenStream, item: TokenStream) -> TokenStream {
    let function = parse_macro_input!(item as ItemFn);
    lifecycle::expand(lifecycle::End::Erase, &options.into(), function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a service of an `async fn`: other plugins call it by its name, with types of serde.
///
/// The first parameter is the [`ServiceCtx`](../plugin_api/struct.ServiceCtx.html), a second one, if any, the request; what
/// the function returns is the answer. The first paragraph of its documentation is shown by `plugininfo`. It is listed among
/// the `services` of `plugin!`.
///
/// Types may grow: fields that the other side doesn't know are ignored, new ones need `#[serde(default)]` or an `Option`.
///
/// In brackets behind `service`: `name = "balance-of"`, if not the function's: 1 to 32 of `a-z`, `0-9`, `_` and `-`.
#[proc_macro_attribute]
pub fn service(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as service::Options);
    let function = parse_macro_input!(item as ItemFn);
    service::expand(&options, function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes of a trait a struct that calls another plugin's services: `#[client("economy")]` on a trait of
/// `async fn balance(request: BalanceRequest) -> Result<Balance>;`.
///
/// A service whose name is none of a function's says so as it does itself: `#[service(name = "top-ten")]` on the function.
///
/// `Economy::of(&ctx).balance(&request).await?` then calls `balance` of the plugin `economy`. The trait may stand in the
/// plugin that calls, or in a crate of types that both use.
#[proc_macro_attribute]
pub fn client(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as client::Options);
    let item = parse_macro_input!(item as syn::ItemTrait);
    client::expand(&options, &item)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes the `async fn(StartCtx) -> Result<State>` the one that builds the plugin's state.
///
/// It may take 30 seconds; then the plugin counts as one that can't start, and an older version goes on.
#[proc_macro_attribute]
pub fn start(options: TokenStream, item: TokenStream) -> TokenStream {
    let function = parse_macro_input!(item as ItemFn);
    lifecycle::expand(lifecycle::End::Start, &options.into(), function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes the `async fn(StopCtx, State) -> Result` (or `Result<Saved>`) the one that ends the plugin's state.
#[proc_macro_attribute]
pub fn stop(options: TokenStream, item: TokenStream) -> TokenStream {
    let function = parse_macro_input!(item as ItemFn);
    lifecycle::expand(lifecycle::End::Stop, &options.into(), function)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Puts a plugin together, at the root of its crate.
///
/// Name, version, authors and description are those of `Cargo.toml`. All keys may be left out:
///
/// - `state: Type`: what `#[start]` returns; without a `#[start]`, its `Default`; without this key, `()`.
/// - `state_version: 1`: the version of what `#[stop]` hands to the next generation.
/// - `start: path`, `stop: path`: only if they are in another module than this.
/// - `commands: [ban, tags::add]`, `components: [confirm]`, `events: [count]`, `hooks: [loaded]`: the handlers.
/// - `commands: [warn::{add, list}, config::role::{add, remove}]`: with braces, the modules in front are groups:
///   `!warn add` and `/config role remove`, of at most two words and the command. A documentation comment in front of a
///   group is its description; Discord shows one, the bot lists the commands of a group by prefix: `!warn`.
///   `#[name_localized("de", "..")]`, `#[description_localized("de", "..")]`: in another language.
/// - `timers: [decay, remind]`: what runs by time: functions with `#[every]`, `#[cron]` or `#[timer]`.
/// - `erase: [user => "DELETE FROM notes WHERE author = ?1", guild => ..]`: the statements that erase what the database has of a
///   user or a server, whose id is their one parameter; all of somebody's are made, or none. Or `erase: forget`, the function
///   with `#[erase]`, where there is more to do. A plugin with a database or files and neither is told to the owner.
/// - `services: [balance]`: functions that other plugins call.
/// - `depends: ["modlog >=1.2", "levels?"]`: plugins that must run for this one to run, with `?` behind the name if it
///   runs without it, too; `conflicts: ["other"]`: plugins that must not run beside it.
/// - `intents: [GUILD_PRESENCES]`: Discord's intents beyond those that the events need.
/// - `migrations: ["notes" => "CREATE TABLE ...", #[backward_compatible] "find by author" => include_str!("2.sql")]`: the
///   steps that make the plugin's database what this version expects, oldest first. Each is one or more statements, made
///   once, in a transaction, before `#[start]`, while no other version serves. One that was released is never changed or
///   removed, only followed by others: the host refuses a version that says otherwise. `#[backward_compatible]` says that
///   versions without the step work with what it makes, so that they may be put back.
/// - `category: "Moderation"`: under which heading help lists the commands that name none of their own.
/// - `checks: [is_open]`: functions `async fn(ctx: &Ctx<State>) -> Result` (or `Result<bool>`) that may refuse each command,
///   and each control that names its command; they go before a command's own.
/// - `before: f`: another of these, which runs behind all checks, of commands only. What checks or `before` refuse counts
///   for no cooldown.
/// - `after: f`: an `async fn(ctx: &Ctx<State>, ended: &Ended<'_>) -> Result` that hears how a command that was let through
///   [has ended](../plugin_api/struct.Ended.html). It changes nothing of that: what goes wrong in it, a refusal among it, is
///   an incident of the plugin, of which the asker is not told.
/// - `on_error: f`: an `async fn(ctx: &Ctx<State>, error: &Error) -> Result<bool>` that hears of each error that a command,
///   control, check or `before` returns, but for refusals. `Ok(true)` says that it told the asker, and is no incident; a
///   refusal tells them its text; with `Ok(false)` they are told what the bot tells of failures. Panics are always incidents.
/// - `settings: Settings`: the struct with `#[settings(guild)]`: what servers can set.
/// - `event_queue: ("8 MiB", drop_oldest)`, or the size alone: how much of the plugin's events waits while it is slow, from
///   1 KiB to 256 MiB, and which are dropped when that is full: the oldest (without this key, of 8 MiB) or, by
///   `drop_newest`, those that come. Before they wait, its lane has up to 16 events (256 KiB) that it has not begun, and
///   4,096 (32 MiB) that have not ended. What is dropped is counted, and told to the owner.
/// - `allocator: own`: for a plugin with a `#[global_allocator]` of its own, or whose memory is not to be counted. Without
///   it, or by `counted`, it has the system's allocator, with a count that `plugininfo` and `ctx.metrics()` show.
/// - `swap: exclusive`: an older generation stops before a newer one starts; for ports, voice, an own `SQLite`.
/// - `description: "..."`: instead of that of `Cargo.toml`.
///
/// It also makes a function `linked_plugin`, for tests; with `linked;` in front, nothing but that.
#[proc_macro]
pub fn plugin(input: TokenStream) -> TokenStream {
    let plugin = parse_macro_input!(input as plugin::Plugin);
    plugin::expand(&plugin)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
