// Discord's markdown to DOM nodes: a reader of blocks, lists and inline marks. Links are http or https or stay text.
// Every search for a closing mark is one pass and the nesting is bounded, so no text can hang the page.

import { h, icon } from './dom.js';
import { highlighted } from './highlight.js';
import { channelName, findChannel, findRole, findUser, roleColour, state, THREADS, userName } from './state.js';
import { relativeTime, STAMPS, timeElement } from './time.js';
import { openChannel } from './places.js';
import { openCard } from './people.js';
import { invocations, openSlash } from './slash.js';

/** Discord's markdown as a list of DOM nodes. `inline` leaves out headings, lists, quotes and code blocks. */
export const markdown = (source, { inline = false } = {}) => (inline ? inlineNodes(source, 0) : blockNodes(source, 0));

const DEEPEST = 12;
const LIST_ITEM = /^( *)([-*]|\d{1,9}\.) +(.*)$/;

function blockNodes(source, depth) {
  const nodes = [];
  let rest = source;
  let plain = '';
  // A code block may stand anywhere, also in the middle of a line; lines are looked at between them.
  while (rest) {
    const fence = rest.indexOf('```');
    const end = fence < 0 ? -1 : rest.indexOf('```', fence + 3);
    if (end < 0) { plain += rest; break; }
    const inside = rest.slice(fence + 3, end);
    if (!inside) { plain += rest.slice(0, end + 3); rest = rest.slice(end + 3); continue; }
    plain += rest.slice(0, fence);
    // `>>>` quotes everything after it, code blocks included.
    if (/^>>> /m.test(plain)) { plain += rest.slice(fence); break; }
    nodes.push(...lineNodes(plain.replace(/\n$/, ''), depth));
    const [, language, code] = /^(?:([\w+#.-]+)\n)?([\s\S]*)$/.exec(inside);
    const text = (language ? code : inside).replace(/^\n/, '').replace(/\n$/, '');
    nodes.push(h('pre', { tabindex: '0', role: 'region', 'aria-label': language ? `Code, ${language}` : 'Code', 'data-language': language }, h('code', {}, highlighted(text, language)),
      h('button', { type: 'button', class: 'tool copy-code', 'aria-label': 'Copy the code', title: 'Copy', onclick: () => navigator.clipboard?.writeText(text) }, icon('copy'))));
    plain = '';
    rest = rest.slice(end + 3).replace(/^\n/, '');
  }
  nodes.push(...lineNodes(plain, depth));
  return nodes;
}

function lineNodes(source, depth) {
  if (!source) return [];
  const nodes = [];
  const lines = source.split('\n');
  let text = [];
  const flush = () => {
    if (text.length) nodes.push(h('div', { class: 'text' }, inlineNodes(text.join('\n'), depth)));
    text = [];
  };
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    const heading = /^(#{1,3}) +(.+)$/.exec(line);
    if (line.startsWith('>>> ') && depth < DEEPEST) {
      flush();
      nodes.push(h('blockquote', {}, blockNodes([line.slice(4), ...lines.slice(at + 1)].join('\n'), depth + 1)));
      return nodes;
    }
    if (line.startsWith('> ') && depth < DEEPEST) {
      flush();
      const quoted = [];
      while (at < lines.length && (lines[at].startsWith('> ') || lines[at] === '>')) quoted.push(lines[at++].slice(2));
      at -= 1;
      nodes.push(h('blockquote', {}, lineNodes(quoted.join('\n'), DEEPEST)));
    } else if (heading) {
      flush();
      nodes.push(h('div', { class: `heading h${heading[1].length}`, role: 'heading', 'aria-level': String(heading[1].length + 2) }, inlineNodes(heading[2], depth)));
    } else if (line.startsWith('-# ')) {
      flush();
      nodes.push(h('div', { class: 'subtext' }, inlineNodes(line.slice(3), depth)));
    } else if (LIST_ITEM.test(line)) {
      flush();
      const items = [];
      while (at < lines.length && (LIST_ITEM.test(lines[at]) || (items.length && /^ {2,}\S/.test(lines[at])))) {
        const item = LIST_ITEM.exec(lines[at]);
        if (item) items.push({ indent: item[1].length, number: /^\d/.test(item[2]) ? parseInt(item[2], 10) : null, text: item[3] });
        else items.at(-1).text += `\n${lines[at].trim()}`;
        at += 1;
      }
      at -= 1;
      nodes.push(...listNodes(items, depth));
    } else text.push(line);
  }
  flush();
  return nodes;
}

function listNodes(items, depth) {
  const nodes = [];
  let at = 0;
  while (at < items.length) {
    const { indent, number } = items[at];
    const list = number === null ? h('ul') : h('ol', { start: String(number) });
    while (at < items.length && items[at].indent <= indent && (items[at].number === null) === (number === null)) {
      const entry = h('li', {}, inlineNodes(items[at].text, depth));
      let next = at + 1;
      while (next < items.length && items[next].indent > indent) next += 1;
      if (next > at + 1 && depth < DEEPEST) entry.append(...listNodes(items.slice(at + 1, next), depth + 1));
      list.append(entry);
      at = next;
    }
    nodes.push(list);
  }
  return nodes;
}

/** Where `mark` closes what opened before `from`, skipping escapes and code; -1 if nowhere. */
function closing(source, from, mark) {
  let pairOpen = false;
  for (let at = from; at < source.length; at += 1) {
    if (source[at] === '\\') { at += 1; continue; }
    if (source[at] === '`') {
      const end = source.indexOf('`', at + 1);
      if (end > 0) at = end;
      continue;
    }
    if (mark.length === 1 && source.startsWith(mark + mark, at) && (pairOpen || source.indexOf(mark + mark, at + 2) > 0)) {
      pairOpen = !pairOpen;
      at += 1;
    } else if (source.startsWith(mark, at) && at > from && !(mark.length === 2 && mark[0] !== '|' && source[at + 2] === mark[0])) return at;
  }
  return -1;
}

const STYLES = [['**', 'strong'], ['__', 'u'], ['~~', 's'], ['||', 'spoiler'], ['*', 'em'], ['_', 'em']];
const TOKENS = [
  [/<@!?(\d{1,20})>/y, ([, id]) => userMention(id)],
  [/<@&(\d{1,20})>/y, ([, id]) => roleMention(id)],
  [/<#(\d{1,20})>/y, ([, id]) => channelMention(id)],
  [/<\/([^:<>\n]{1,100}):(\d{1,20})>/y, ([, name, id]) => commandMention(name, id)],
  [/<id:(customize|browse|guide|home|linked-roles)>/y, ([, name]) => h('span', { class: 'mention' }, `#${name === 'customize' ? 'Channels & Roles' : name === 'browse' ? 'Browse Channels' : name === 'guide' ? 'Server Guide' : name === 'home' ? 'Server Guide' : 'Linked Roles'}`)],
  [/<(a?):(\w{1,32}):(\d{1,20})>/y, ([, , name, id]) => customEmoji({ name, id })],
  [/<t:(-?\d{1,13})(?::([tTdDfFRsS]))?>/y, ([, seconds, style]) => timestamp(Number(seconds), style ?? 'f')],
  [/@(?:everyone|here)\b/y, ([all]) => h('span', { class: 'mention' }, all)],
  [/\[([^\]\n]{1,500})\]\(<?(https?:\/\/[^\s)>]+)>?(?: "[^"\n]*")?\)/y, ([, label, url], depth) => link(url, inlineNodes(label, depth + 1))],
  [/<(https?:\/\/[^\s>]+)>/y, ([, url]) => link(url)],
  [/https?:\/\/[^\s<]*[^\s<.,:;"'\])!?*_~|]/y, ([url]) => link(url)],
];

function inlineNodes(source, depth) {
  const nodes = [];
  let plain = '';
  const push = (node) => {
    if (plain) nodes.push(document.createTextNode(plain));
    plain = '';
    nodes.push(node);
  };
  let at = 0;
  outer: while (at < source.length) {
    const char = source[at];
    if (char === '\\' && at + 1 < source.length && /[^\w\s]/.test(source[at + 1])) { plain += source[at + 1]; at += 2; continue; }
    if (char === '`') {
      const ticks = /^`+/.exec(source.slice(at, at + 3))[0];
      const end = source.indexOf(ticks, at + ticks.length);
      if (end > at + ticks.length - 1 && end !== at + ticks.length) {
        push(h('code', {}, source.slice(at + ticks.length, end).replace(/^ (.*\S.*) $/s, '$1')));
        at = end + ticks.length;
        continue;
      }
      plain += ticks; at += ticks.length; continue;
    }
    if ('<@[h'.includes(char)) {
      for (const [pattern, make] of TOKENS) {
        pattern.lastIndex = at;
        const match = pattern.exec(source);
        if (match) { const { lastIndex } = pattern; push(make(match, depth)); at = lastIndex; continue outer; }
      }
    }
    if ('*_~|'.includes(char) && depth < DEEPEST) {
      for (const [mark, name] of STYLES) {
        if (!source.startsWith(mark, at)) continue;
        const from = at + mark.length;
        if (mark === '_' && /\w/.test(source[at - 1] ?? '')) continue;
        if (mark.length === 1 && /\s/.test(source[from] ?? ' ')) continue;
        const end = closing(source, from, mark);
        // Marks around nothing but marks are drawn as they are: `***`, `||||||`.
        if (end < 0 || !source.slice(from, end).replaceAll(mark[0], '') || (mark === '_' && /\w/.test(source[end + 1] ?? '')) || (mark === '*' && /\s/.test(source[end - 1]))) continue;
        const inside = inlineNodes(source.slice(from, end), depth + 1);
        push(name === 'spoiler' ? spoiler(inside) : h(name, {}, inside));
        at = end + mark.length;
        continue outer;
      }
    }
    plain += char;
    at += 1;
  }
  if (plain) nodes.push(document.createTextNode(plain));
  return nodes;
}

/** A server's own emoji: its picture where this sandbox has it, its name otherwise. */
export const customEmoji = ({ name, id }) => (state.guilds.some((guild) => guild.emojis?.some((each) => each.id === id))
  ? h('img', { class: 'custom-emoji', src: `/emojis/${id}.png`, alt: `:${name}:`, title: `:${name}:` }) : h('span', { class: 'emoji', title: `Custom emoji ${name}` }, `:${name}:`));
export const safeUrl = (text) => {
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url : null;
  } catch { return null; }
};
export const link = (target, children) => {
  const url = safeUrl(target);
  return url ? h('a', { href: url.href, target: '_blank', rel: 'noopener noreferrer', title: children ? url.href : null }, children ?? target) : document.createTextNode(target);
};
const spoiler = (inside) => {
  const node = h('span', { class: 'spoiler', role: 'button', tabindex: '0', 'aria-label': 'Spoiler, press to show' }, h('span', {}, inside));
  const show = (event) => {
    if (node.classList.contains('shown') || (event.type === 'keydown' && event.key !== 'Enter' && event.key !== ' ')) return;
    event.preventDefault();
    node.classList.add('shown');
    for (const name of ['role', 'tabindex', 'aria-label']) node.removeAttribute(name);
  };
  node.addEventListener('click', show);
  node.addEventListener('keydown', show);
  return node;
};
const timestamp = (seconds, style) => {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return document.createTextNode('Invalid date');
  if (style === 'R') return timeElement(date, relativeTime(date), 'stamp relative');
  return timeElement(date, new Intl.DateTimeFormat(undefined, STAMPS[style]).format(date), 'stamp');
};
const userMention = (id) => {
  const user = findUser(id);
  if (!user) return h('span', { class: 'mention', title: id }, `@unknown (${id})`);
  return h('button', { type: 'button', class: `mention ${id === state.me?.id ? 'own' : ''}`, onclick: (event) => openCard(event.currentTarget, user) }, `@${userName(user)}`);
};
const roleMention = (id) => {
  const role = findRole(id);
  return h('span', { class: 'mention', title: id, style: roleColour(role) ? { '--role': roleColour(role) } : {} }, `@${role?.name.replace(/^@/, '') ?? `unknown role (${id})`}`);
};
const channelMention = (id) => {
  const channel = findChannel(id);
  if (!channel) return h('span', { class: 'mention', title: id }, `#unknown (${id})`);
  return h('button', { type: 'button', class: 'mention', onclick: () => openChannel(id) }, channel.type === 2 ? icon('voice') : THREADS.has(channel.type) ? icon('thread') : '#', channelName(channel));
};
const commandMention = (name, id) => {
  const command = invocations().find((each) => each.command.id === id && each.name === name);
  if (!command) return h('span', { class: 'mention', title: 'This command is not registered here' }, `/${name}`);
  return h('button', { type: 'button', class: 'mention', onclick: () => openSlash(command) }, `/${name}`);
};
