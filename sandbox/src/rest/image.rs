//! Images in bodies: `data:image/png;base64,...`, as icons and emojis come
//! (<https://discord.com/developers/docs/reference#image-data>).

use axum::body::Bytes;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::errors::Refusal;
use crate::world::emoji::Image;

/// The first bytes of what Discord takes, by its type.
const BEGINNINGS: &[(&str, &[u8])] = &[
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF8"),
    ("image/webp", b"RIFF"),
];

/// Reads the image at a place of the body, which may have so many bytes.
pub(super) fn read(place: &str, value: &Value, most: usize) -> Result<Image, Refusal> {
    let wrong = |why: &str| Refusal::at(place, "IMAGE_INVALID", why);
    let text = value.as_str().ok_or_else(|| wrong("Image data is a data URI."))?;
    let data = text
        .strip_prefix("data:image/")
        .and_then(|rest| rest.split_once(";base64,"));
    let (_, data) = data.ok_or_else(|| wrong("Image data is written data:image/png;base64,..."))?;
    let bytes = STANDARD.decode(data).map_err(|_| wrong("This is no base64."))?;
    if bytes.len() > most {
        let text = format!("File cannot be larger than {}.0 kb.", most >> 10);
        return Err(Refusal::at(place, "BINARY_TYPE_MAX_SIZE", &text));
    }
    let known = BEGINNINGS.iter().find(|(_, first)| bytes.starts_with(first));
    let (kind, _) = known.ok_or_else(|| wrong("Unsupported image type given"))?;
    Ok(Image {
        kind,
        bytes: Bytes::from(bytes),
    })
}

/// A name for an image, as Discord's: of those that move it begins with `a_`.
pub(super) fn hash(image: &Image) -> String {
    let hash = image.bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let moving = if image.kind == "image/gif" { "a_" } else { "" };
    format!("{moving}{hash:016x}{:016x}", hash.rotate_left(29))
}
