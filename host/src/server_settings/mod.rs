//! What servers set for plugins: which schemas are sound, how a value is kept, and how it is shown.
//!
//! Pure: what is looked up has been looked up before, and where values lie is the matter of `storage`. A value that doesn't
//! fit the schema of now is never dropped here: another version of the plugin may know it.

mod schema;
mod value;

pub use schema::check;
pub use value::{as_argument, fits, fitting, is_too_long, kept, shown, without_doubles, written};
