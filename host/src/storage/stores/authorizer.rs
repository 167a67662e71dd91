//! What plugins' statements may do: all within their own file, nothing that changes how or where it is kept.
//!
//! SQLite asks here while it prepares a statement (<https://sqlite.org/c3ref/set_authorizer.html>), also about what views
//! and triggers hide. What was denied is remembered on the thread, since SQLite itself says no more than "not authorized".

use std::cell::Cell;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::storage::database::MIGRATIONS;

thread_local! {
    static DENIED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// What statements about transactions are told.
pub(super) const TRANSACTIONS: &str = "BEGIN, COMMIT, ROLLBACK and SAVEPOINT are not allowed: no transaction spans two \
                                       requests, `batch()` makes several statements one";

/// PRAGMAs that only read, and nothing but the schema; `quick_check` is what `ALTER TABLE ADD COLUMN` asks by itself.
const PRAGMAS: [&str; 10] = [
    "quick_check",
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
    "function_list",
    "collation_list",
];

/// PRAGMAs that the modules of virtual tables ask for by themselves; they change nothing while nothing is assigned.
const ASKED_BY_MODULES: [&str; 2] = ["data_version", "page_size"];

/// Modules of virtual tables that keep all they have in the same file.
const MODULES: [&str; 2] = ["fts5", "rtree"];

/// Tables whose virtual modules show other than the plugin's own data.
const HIDDEN: [&str; 3] = ["sqlite_dbpage", "dbstat", "bytecode"];

/// Whether a statement of a plugin may do this.
pub(super) fn decide(context: &AuthContext<'_>) -> Authorization {
    match reason(context.action) {
        None => Authorization::Allow,
        Some(reason) => {
            DENIED.set(Some(reason));
            Authorization::Deny
        }
    }
}

/// Why the statement that was prepared last on this thread was denied, once.
pub(super) fn take_reason() -> Option<&'static str> {
    DENIED.take()
}

fn reason(action: AuthAction<'_>) -> Option<&'static str> {
    match action {
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => Some(TRANSACTIONS),
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
            Some("ATTACH and DETACH are not allowed: a plugin has this one database")
        }
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } => {
            let is_one_of = |names: &[&str]| names.iter().any(|known| pragma_name.eq_ignore_ascii_case(known));
            let is_harmless = is_one_of(&PRAGMAS) || (pragma_value.is_none() && is_one_of(&ASKED_BY_MODULES));
            (!is_harmless).then_some(
                "PRAGMAs are not allowed but for table_info, table_list, index_list and others that show what tables there are",
            )
        }
        AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => Some(
            "temporary tables, views and triggers are not allowed, since the next statement may not see them: use WITH",
        ),
        AuthAction::CreateVtable { module_name, .. } => {
            (!MODULES.iter().any(|known| module_name.eq_ignore_ascii_case(known)))
                .then_some("of virtual tables only those of the modules fts5 and rtree are allowed")
        }
        AuthAction::Function { function_name } => function_name
            .eq_ignore_ascii_case("load_extension")
            .then_some("load_extension is not allowed"),
        AuthAction::Read { table_name, .. } => HIDDEN
            .iter()
            .any(|hidden| table_name.eq_ignore_ascii_case(hidden))
            .then_some("this table of SQLite's is not shown to plugins"),
        AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::DropTable { table_name }
        | AuthAction::CreateTable { table_name }
        | AuthAction::AlterTable { table_name, .. }
        | AuthAction::CreateTrigger { table_name, .. }
        | AuthAction::CreateIndex { table_name, .. } => table_name
            .eq_ignore_ascii_case(MIGRATIONS)
            .then_some("what migrations were made is recorded by the host alone"),
        AuthAction::Unknown { .. } => Some("this is not allowed"),
        _ => None,
    }
}
