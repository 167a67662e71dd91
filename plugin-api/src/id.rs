//! Ids from outside: what twilight's types carry becomes this crate's, which are those of the version promise.
//!
//! A trait of its own, since neither the ids nor twilight's are types of this crate.

use twilight_model::id::{Id, marker};

use crate::{ApplicationId, ChannelId, GuildId, InteractionId, MessageId, RoleId, UserId};

/// An id of this crate, or the one of twilight for the same kind of thing.
///
/// ```
/// use plugin_api::{ChannelId, IntoId, model::id::{Id, marker::ChannelMarker}};
///
/// let channel: ChannelId = Id::<ChannelMarker>::new(42).into_id();
/// assert_eq!(channel.get(), 42);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `{T}`",
    label = "expected a `{T}`, or twilight's `Id` of the same kind"
)]
pub trait IntoId<T> {
    /// The id, as this crate's type.
    fn into_id(self) -> T;
}

/// An id as [`IntoId`] has it, or none where there may be none: what [`Ctx::guild_id`](crate::Ctx::guild_id) gives.
pub trait IntoOptionalId<T> {
    /// The id, if there is one, as this crate's type.
    fn into_optional_id(self) -> Option<T>;
}

macro_rules! ids {
    ($($id:ident $marker:ident,)*) => {$(
        impl IntoId<$id> for $id {
            fn into_id(self) -> $id {
                self
            }
        }

        impl IntoId<$id> for Id<marker::$marker> {
            fn into_id(self) -> $id {
                self.into_nonzero().into()
            }
        }

        impl IntoOptionalId<$id> for $id {
            fn into_optional_id(self) -> Option<$id> {
                Some(self)
            }
        }

        impl IntoOptionalId<$id> for Option<$id> {
            fn into_optional_id(self) -> Option<$id> {
                self
            }
        }

        impl IntoOptionalId<$id> for Id<marker::$marker> {
            fn into_optional_id(self) -> Option<$id> {
                Some(self.into_id())
            }
        }
    )*};
}

ids! {
    ApplicationId ApplicationMarker,
    ChannelId ChannelMarker,
    GuildId GuildMarker,
    InteractionId InteractionMarker,
    MessageId MessageMarker,
    RoleId RoleMarker,
    UserId UserMarker,
}
