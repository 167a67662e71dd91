//! The host's own commands: a plugin like any other, linked in instead of loaded. It sees only `plugin_api`.
//!
//! What it can do beyond other plugins are calls that the host grants to what is linked in.

mod backup;
mod backup_card;
mod card;
mod erase;
mod erase_card;
mod figures;
mod figures_card;
mod files;
mod help;
mod help_card;
mod hooks;
mod hooks_card;
mod inspection;
mod lane_card;
mod lifecycle;
mod logs;
mod plan_card;
mod report;
mod rules;
mod server_settings;
mod server_settings_card;
mod slash;
mod slash_card;
mod storage;
mod storage_card;
mod timers;
mod timers_card;
mod turning;
mod upkeep_card;

use plugin_api::plugin;

use lifecycle::plan;
use rules::config;

plugin! {
    linked;
    commands: [
        lifecycle::load,
        lifecycle::reload,
        lifecycle::unload,
        erase::erase,
        lifecycle::rollback,
        lifecycle::pin,
        lifecycle::unpin,
        /// What an order about plugins would do; it changes nothing.
        plan::{load, unload, reload, update},
        inspection::plugins,
        inspection::plugininfo,
        files::atomictest,
        files::cachestats,
        files::cleanup,
        storage::integritycheck,
        storage::dbstats,
        backup::backup,
        logs::errors,
        timers::timers,
        logs::loglevel,
        hooks::hooks,
        hooks::hookhistory,
        figures::stats,
        figures::shardinfo,
        figures::extensions,
        figures::discordbotframework,
        help::help,
        help::mentioned,
        slash::sync,
        slash::slashlimit,
        /// Who may use what in this server, and what is disabled.
        config::{show, allow, deny, clear, enable, disable, delete, timezone},
        rules::why,
        rules::setprefix,
        rules::mentionprefix,
        server_settings::serversettings,
    ],
    components: [
        inspection::page,
        hooks::hooks_page,
        logs::errors_page,
        timers::timers_page,
        erase::erase_it,
        slash::sync_delete,
        help::help_category,
        help::help_page,
        help::help_credits,
        server_settings::settings_plugin,
        server_settings::settings_back,
        server_settings::settings_pick,
        server_settings::settings_write,
        server_settings::settings_choose,
        server_settings::settings_press,
        server_settings::settings_written,
    ],
}
