// Embeds, attachments and pictures. Pictures from elsewhere are named, not fetched: the page asks nobody but its own server.

import { h, icon } from './dom.js';
import { chatTime } from './time.js';
import { link, markdown, safeUrl } from './markdown.js';

const fileSize = (bytes) => (bytes >= 1 << 20 ? `${(bytes / (1 << 20)).toFixed(1)} MB` : bytes >= 1024 ? `${Math.round(bytes / 1024)} KB` : `${bytes ?? 0} B`);
export const attachmentNode = (attachment) => {
  const own = safeUrl(attachment.url)?.origin === location.origin;
  if (own && attachment.content_type?.startsWith('image/')) {
    return h('figure', { class: 'picture' }, h('img', { src: attachment.url, alt: attachment.description ?? attachment.filename, loading: 'lazy' }));
  }
  return h('div', { class: 'file' }, icon('file'), own ? link(attachment.url, attachment.filename) : attachment.filename, h('small', {}, fileSize(attachment.size)));
};
/** A picture from elsewhere is named, not fetched: this page asks nobody but its own server. */
export const pictureNode = (picture, kind) => {
  if (!picture?.url) return null;
  const url = safeUrl(picture.url);
  const name = url ? url.pathname.split('/').filter(Boolean).at(-1) ?? url.host : picture.url.replace(/^attachment:\/\//, '');
  if (url?.origin === location.origin) return h('figure', { class: kind }, h('img', { src: url.href, alt: name, loading: 'lazy' }));
  return h('figure', { class: `${kind} placeholder` }, icon('image'), h('figcaption', {}, url ? link(url.href, [name]) : name));
};

export function embedNode(embed) {
  const colour = embed.color === null || embed.color === undefined ? null : `#${embed.color.toString(16).padStart(6, '0')}`;
  const fields = embed.fields ?? [];
  const fieldNodes = [];
  for (let at = 0; at < fields.length;) {
    // Up to three inline fields share a row of twelve columns, as in Discord.
    let run = 1;
    if (fields[at].inline) while (run < 3 && fields[at + run]?.inline) run += 1;
    for (const field of fields.slice(at, at + run)) {
      fieldNodes.push(h('div', { class: 'field', style: { '--span': String(12 / run) } },
        h('div', { class: 'field-name' }, markdown(field.name ?? '', { inline: true })),
        h('div', { class: 'field-value' }, markdown(field.value ?? ''))));
    }
    at += run;
  }
  const footer = [embed.footer?.text, embed.timestamp && chatTime(new Date(embed.timestamp))].filter(Boolean).join(' • ');
  return h('article', { class: 'embed', style: colour ? { '--bar': colour } : {}, 'aria-label': embed.title ? `Embed: ${embed.title}` : 'Embed' },
    h('div', { class: 'embed-main' },
      embed.provider?.name && h('div', { class: 'embed-provider' }, embed.provider.name),
      embed.author?.name && h('div', { class: 'embed-author' }, embed.author.url ? link(embed.author.url, [embed.author.name]) : embed.author.name),
      embed.title && h('div', { class: 'embed-title' }, embed.url ? link(embed.url, markdown(embed.title, { inline: true })) : markdown(embed.title, { inline: true })),
      embed.description && h('div', { class: 'embed-text' }, markdown(embed.description)),
      fieldNodes.length > 0 && h('div', { class: 'fields' }, fieldNodes),
      pictureNode(embed.image, 'picture'),
      footer && h('div', { class: 'embed-footer' }, footer)),
    pictureNode(embed.thumbnail, 'thumbnail'));
}
