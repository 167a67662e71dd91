//! Messages made of components alone (Components V2): texts, sections, pictures, files and controls in the order given
//! (<https://discord.com/developers/docs/components/reference>).
//!
//! Such a message has neither a text of its own nor embeds. Limits are checked when it is sent.

use serde_json::{Value, json};

use super::{
    Control, Message, Upload,
    body::{Addressee, limit},
    control::written_rows,
};
use crate::{Error, Host, Result};

/// The limits of Discord's documentation.
const MAX_COMPONENTS: usize = 40;
const MAX_TEXT: usize = 4000;
const MAX_PICTURES: usize = 10;
const MAX_SECTION_TEXTS: usize = 3;

/// Parts of a message, from top to bottom: up to 40 with all that is in them, and 4,000 characters together.
///
/// It becomes a [`Message`] by itself. What such a message shows can only be changed to another such message.
///
/// ```
/// use plugin_api::{Layout, Section, prelude::*};
///
/// /// Show a card.
/// #[command]
/// async fn card(ctx: Ctx) -> Result {
///     let card = Layout::new()
///         .text("# Weather")
///         .section(Section::new("Sunny, **22 °C**.").thumbnail("https://example.org/sun.png"))
///         .separator()
///         .control(again.button("Again").primary(&()));
///     ctx.reply(Layout::new().container(0xffd700, card)).await
/// }
///
/// #[component]
/// async fn again(ctx: ClickCtx) -> Result {
///     ctx.update(Layout::new().text("Still sunny.")).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::card], components: [super::again]); }
/// # fn main() {}
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a layout is shown when it is sent"]
pub struct Layout {
    parts: Vec<Part>,
    files: Vec<Upload>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Section(Section),
    Separator { is_large: bool },
    Gallery(Vec<(String, Option<String>)>),
    File(String),
    Controls(Vec<Control>),
    Container { colour: u32, parts: Vec<Part> },
}

/// Texts with a picture or a button beside them.
#[derive(Clone, Debug)]
#[must_use = "a section is shown when it is added to a layout"]
pub struct Section {
    texts: Vec<String>,
    beside: Option<Beside>,
}

#[derive(Clone, Debug)]
enum Beside {
    Picture(String),
    Control(Control),
}

impl Section {
    /// A section that begins with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            texts: vec![text.into()],
            beside: None,
        }
    }

    /// A further text below, up to three in all.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.texts.push(text.into());
        self
    }

    /// A picture beside the texts: an address, or `attachment://NAME`.
    pub fn thumbnail(mut self, url: impl Into<String>) -> Self {
        self.beside = Some(Beside::Picture(url.into()));
        self
    }

    /// A button beside the texts.
    pub fn button(mut self, button: super::Button) -> Self {
        self.beside = Some(Beside::Control(button.into()));
        self
    }
}

impl Layout {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn part(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    /// A text with Discord's formatting.
    pub fn text(self, text: impl Into<String>) -> Self {
        self.part(Part::Text(text.into()))
    }

    /// Texts with something beside them.
    pub fn section(self, section: Section) -> Self {
        self.part(Part::Section(section))
    }

    /// A line with little room around it.
    pub fn separator(self) -> Self {
        self.part(Part::Separator { is_large: false })
    }

    /// Much room, without a line.
    pub fn gap(self) -> Self {
        self.part(Part::Separator { is_large: true })
    }

    /// Up to ten pictures or videos: addresses, or `attachment://NAME`, each with what it shows, if that is said.
    pub fn gallery<U: Into<String>>(self, pictures: impl IntoIterator<Item = (U, Option<String>)>) -> Self {
        let pictures = pictures.into_iter().map(|(url, shows)| (url.into(), shows));
        self.part(Part::Gallery(pictures.collect()))
    }

    /// A file to download.
    pub fn file(mut self, file: Upload) -> Self {
        self.parts.push(Part::File(file.filename()));
        self.files.push(file);
        self
    }

    /// A file that other parts show, as `attachment://NAME`.
    pub fn attach(mut self, file: Upload) -> Self {
        self.files.push(file);
        self
    }

    /// A button or a select; those that follow one another stand in rows as in other messages.
    pub fn control(mut self, control: impl Into<Control>) -> Self {
        match self.parts.last_mut() {
            Some(Part::Controls(controls)) => controls.push(control.into()),
            _ => self.parts.push(Part::Controls(vec![control.into()])),
        }
        self
    }

    /// A frame with a stripe of this colour around other parts; no frame stands in a frame.
    pub fn container(mut self, colour: u32, inner: Self) -> Self {
        self.files.extend(inner.files);
        self.part(Part::Container {
            colour,
            parts: inner.parts,
        })
    }

    pub(super) fn take_files(&mut self) -> Vec<Upload> {
        std::mem::take(&mut self.files)
    }

    /// Has the host keep what doesn't fit into custom ids.
    pub(super) async fn keep_states(&mut self, host: &Host) -> Result {
        for control in self.parts.iter_mut().flat_map(Part::controls) {
            control.keep_state(host).await?;
        }
        Ok(())
    }

    pub(super) fn into_json(self, to: &Addressee<'_>) -> Result<Vec<Value>> {
        let mut writer = Writer {
            to,
            ids: Vec::new(),
            letters: 0,
        };
        let written = writer.parts(self.parts, false)?;
        let count: usize = written.iter().map(count).sum();
        if count > MAX_COMPONENTS {
            return Err(Error::new(format!(
                "a layout has {count} components with all that is in them, Discord takes {MAX_COMPONENTS}"
            )));
        }
        if writer.letters > MAX_TEXT {
            return Err(Error::new(format!(
                "the texts of a layout have {} characters, Discord takes {MAX_TEXT}",
                writer.letters
            )));
        }
        Ok(written)
    }
}

impl From<Layout> for Message {
    fn from(layout: Layout) -> Self {
        Self::of_layout(layout)
    }
}

impl Part {
    fn controls(&mut self) -> Vec<&mut Control> {
        match self {
            Self::Controls(controls) => controls.iter_mut().collect(),
            Self::Section(Section {
                beside: Some(Beside::Control(control)),
                ..
            }) => vec![control],
            Self::Container { parts, .. } => parts.iter_mut().flat_map(Self::controls).collect(),
            _ => Vec::new(),
        }
    }
}

/// How many components one is, with those in it.
fn count(component: &Value) -> usize {
    let below = component["components"]
        .as_array()
        .into_iter()
        .flatten()
        .map(count)
        .sum::<usize>();
    1 + below + usize::from(component["accessory"].is_object())
}

struct Writer<'a> {
    to: &'a Addressee<'a>,
    ids: Vec<String>,
    letters: usize,
}

impl Writer<'_> {
    fn parts(&mut self, parts: Vec<Part>, is_inside: bool) -> Result<Vec<Value>> {
        let mut written = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Part::Text(text) => written.push(self.text(&text)?),
                Part::Section(section) => written.push(self.section(section)?),
                Part::Separator { is_large } => written.push(json!({
                    "type": 14, "divider": !is_large, "spacing": if is_large { 2 } else { 1 },
                })),
                Part::Gallery(pictures) => written.push(gallery(pictures)?),
                Part::File(name) => {
                    written.push(json!({ "type": 13, "file": { "url": format!("attachment://{name}") } }));
                }
                Part::Controls(controls) => written.extend(written_rows(controls, self.to, &mut self.ids)?),
                Part::Container { .. } if is_inside => {
                    return Err(Error::new("a container of a layout can't stand in another"));
                }
                Part::Container { colour, parts } => {
                    let inner = self.parts(parts, true)?;
                    if inner.is_empty() {
                        return Err(Error::new("a container of a layout needs something in it"));
                    }
                    written.push(json!({ "type": 17, "accent_color": colour & 0xff_ffff, "components": inner }));
                }
            }
        }
        Ok(written)
    }

    fn text(&mut self, text: &str) -> Result<Value> {
        let letters = limit("a text of a layout", text, MAX_TEXT)?;
        if letters == 0 {
            return Err(Error::new("a text of a layout can't be empty"));
        }
        self.letters += letters;
        Ok(json!({ "type": 10, "content": text }))
    }

    fn section(&mut self, section: Section) -> Result<Value> {
        if section.texts.len() > MAX_SECTION_TEXTS {
            let text = format!(
                "a section has {} texts, Discord takes {MAX_SECTION_TEXTS}",
                section.texts.len()
            );
            return Err(Error::new(text));
        }
        let texts: Vec<_> = section
            .texts
            .iter()
            .map(|text| self.text(text))
            .collect::<Result<_>>()?;
        let accessory = match section.beside {
            Some(Beside::Picture(url)) => json!({ "type": 11, "media": { "url": url } }),
            Some(Beside::Control(control)) => {
                let mut row = written_rows(vec![control], self.to, &mut self.ids)?;
                row[0]["components"][0].take()
            }
            None => {
                return Err(Error::new(
                    "a section needs a picture or a button beside its texts; else use `text`",
                ));
            }
        };
        Ok(json!({ "type": 9, "components": texts, "accessory": accessory }))
    }
}

fn gallery(pictures: Vec<(String, Option<String>)>) -> Result<Value> {
    if pictures.is_empty() || pictures.len() > MAX_PICTURES {
        let text = format!(
            "a gallery has {} pictures, Discord takes 1 to {MAX_PICTURES}",
            pictures.len()
        );
        return Err(Error::new(text));
    }
    let mut items = Vec::with_capacity(pictures.len());
    for (url, shows) in pictures {
        let mut item = json!({ "media": { "url": url } });
        if let Some(text) = shows {
            limit("the description of a picture", &text, 1024)?;
            item["description"] = text.into();
        }
        items.push(item);
    }
    Ok(json!({ "type": 12, "items": items }))
}
