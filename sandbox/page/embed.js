// Embeds, attachments and pictures. Pictures from elsewhere are named, not fetched: the page asks nobody but its own server.

import { h, icon, leaveDialog } from './dom.js';
import { chatTime } from './time.js';
import { fileSize } from './files.js';
import { link, markdown, safeUrl } from './markdown.js';

const isOwn = (address) => safeUrl(address)?.origin === location.origin;
const FILMS = /\.(?:mp4|webm|mov)$/i;

/** A picture or a film as large as the window allows. */
function showLarge(address, name, text) {
  const dialog = h('dialog', { class: 'lightbox', 'aria-label': name }, h('img', { src: address, alt: text ?? name }),
    h('p', {}, link(address, ['Open in the browser']), ' · ', h('a', { href: address, download: name }, 'Download'), text && h('span', { class: 'soft' }, ` · ${text}`)));
  dialog.addEventListener('click', (event) => { if (event.target === dialog || event.target.tagName === 'IMG') dialog.close(); });
  leaveDialog(dialog);
  document.body.append(dialog);
  dialog.showModal();
}

/** Hides a node until it is pressed. */
export const veiled = (node) => {
  if (!node) return null;
  const frame = h('div', { class: 'veiled' }, node);
  const veil = h('button', { type: 'button', class: 'veil', 'aria-label': 'Spoiler, press to show', onclick: () => { frame.classList.remove('veiled'); veil.remove(); } }, h('span', {}, 'SPOILER'));
  frame.prepend(veil);
  return frame;
};

function attachmentNode(attachment) {
  const { url, filename = 'file', description } = attachment;
  const kind = attachment.content_type ?? '';
  const own = isOwn(url);
  const title = attachment.title ?? filename;
  let node;
  if (own && kind.startsWith('image/') && !kind.includes('svg')) {
    const size = attachment.width && attachment.height ? { width: String(attachment.width), height: String(attachment.height) } : {};
    node = h('figure', { class: 'picture' }, h('button', { type: 'button', 'aria-label': `Show ${description ?? filename} large`, onclick: () => showLarge(url, filename, description) }, h('img', { src: url, alt: description ?? filename, loading: 'lazy', ...size })));
  } else if (own && kind.startsWith('video/')) node = h('figure', { class: 'picture' }, h('video', { src: url, controls: true, preload: 'metadata', 'aria-label': description ?? filename }));
  else if (own && kind.startsWith('audio/')) node = h('div', { class: 'sound' }, h('span', {}, link(url, [title]), h('small', {}, ` ${fileSize(attachment.size)}`)), h('audio', { src: url, controls: true, preload: 'metadata', 'aria-label': filename }));
  else node = fileNode(url, title, attachment.size, filename);
  return filename.startsWith('SPOILER_') || (attachment.flags & 8) ? veiled(node) : node;
}

/** A file that can be opened and downloaded. */
export function fileNode(url, title, size, filename = title) {
  const own = isOwn(url);
  return h('div', { class: 'file' }, icon('file'), h('span', {}, own ? link(url, [title]) : h('span', {}, title), h('small', {}, size === undefined ? '' : fileSize(size))),
    own && h('a', { class: 'tool', href: url, download: filename, 'aria-label': `Download ${filename}`, title: 'Download' }, icon('download')));
}

export function attachmentNodes(attachments) {
  const shown = attachments.filter((each) => /^(?:image|video)\//.test(each.content_type ?? '') && isOwn(each.url));
  const others = attachments.filter((each) => !shown.includes(each));
  return [shown.length > 0 && h('div', { class: `files ${shown.length > 1 ? 'several' : ''}` }, shown.map(attachmentNode)), ...others.map(attachmentNode)].filter(Boolean);
}

/** A picture of an embed or a component. One from elsewhere is named, not fetched. */
export const pictureNode = (picture, kind, description = null) => {
  if (!picture?.url) return null;
  const url = safeUrl(picture.url);
  const name = url ? decodeURIComponent(url.pathname.split('/').filter(Boolean).at(-1) ?? url.host) : picture.url.replace(/^attachment:\/\//, '');
  if (url?.origin === location.origin) {
    if (FILMS.test(name) || picture.content_type?.startsWith('video/')) return h('figure', { class: kind }, h('video', { src: url.href, controls: true, preload: 'metadata', 'aria-label': description ?? name }));
    return h('figure', { class: kind }, h('button', { type: 'button', 'aria-label': `Show ${description ?? name} large`, onclick: () => showLarge(url.href, name, description) }, h('img', { src: url.href, alt: description ?? name, loading: 'lazy' })));
  }
  return h('figure', { class: `${kind} placeholder` }, icon('image'), h('figcaption', {}, url ? link(url.href, [name]) : name), description && h('small', {}, description));
};
/** The small round picture beside an author's or a footer's text. */
const face = (address) => {
  if (!address) return null;
  return isOwn(address) ? h('img', { class: 'face', src: address, alt: '' }) : h('span', { class: 'face', title: `${address} (not fetched)`, 'aria-hidden': 'true' }, icon('image'));
};

export const colourOf = (number) => (number === null || number === undefined ? null : `#${number.toString(16).padStart(6, '0')}`);

function fieldNodes(fields) {
  const nodes = [];
  for (let at = 0; at < fields.length;) {
    // Up to three inline fields share a row of twelve columns, as in Discord.
    let run = 1;
    if (fields[at].inline) while (run < 3 && fields[at + run]?.inline) run += 1;
    for (const field of fields.slice(at, at + run)) {
      nodes.push(h('div', { class: 'field', style: { '--span': String(12 / run) } },
        h('div', { class: 'field-name' }, markdown(field.name ?? '', { inline: true })),
        h('div', { class: 'field-value' }, markdown(field.value ?? ''))));
    }
    at += run;
  }
  return nodes;
}

export function embedNode(embed, more = []) {
  const colour = colourOf(embed.color);
  // A link's own preview: the picture is the embed.
  if (embed.type === 'image' && !embed.title && !embed.description) return pictureNode(embed.thumbnail ?? embed.image ?? { url: embed.url }, 'picture');
  const fields = fieldNodes(embed.fields ?? []);
  const footer = [embed.footer?.text, embed.timestamp && chatTime(new Date(embed.timestamp))].filter(Boolean).join(' • ');
  const pictures = [embed, ...more].map((each) => each.image).filter(Boolean);
  return h('article', { class: `embed ${pictures.length || fields.length ? 'wide' : ''}`, style: colour ? { '--bar': colour } : {}, 'aria-label': embed.title ? `Embed: ${embed.title}` : 'Embed' },
    h('div', { class: 'embed-main' },
      embed.provider?.name && h('div', { class: 'embed-provider' }, embed.provider.name),
      embed.author?.name && h('div', { class: 'embed-author' }, face(embed.author.icon_url), embed.author.url ? link(embed.author.url, [embed.author.name]) : embed.author.name),
      embed.title && h('div', { class: 'embed-title' }, embed.url ? link(embed.url, markdown(embed.title, { inline: true })) : markdown(embed.title, { inline: true })),
      embed.description && h('div', { class: 'embed-text' }, markdown(embed.description)),
      fields.length > 0 && h('div', { class: 'fields' }, fields)),
    pictureNode(embed.thumbnail, 'thumbnail'),
    pictures.length > 1 ? h('div', { class: `gallery n${Math.min(pictures.length, 4)}` }, pictures.slice(0, 4).map((picture) => pictureNode(picture, 'picture'))) : pictureNode(pictures[0], 'picture'),
    footer && h('div', { class: 'embed-footer' }, face(embed.footer?.icon_url), h('span', {}, footer)));
}

/** Embeds that name the same address are shown as one, with their pictures together. */
export function embedNodes(embeds) {
  const groups = [];
  for (const embed of embeds) {
    const group = embed.url && embed.image && groups.find(([first]) => first.url === embed.url && first.image);
    if (group) group.push(embed); else groups.push([embed]);
  }
  return groups.map(([first, ...more]) => embedNode(first, more));
}
