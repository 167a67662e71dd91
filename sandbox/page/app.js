// The page of the sandbox: a chat client for one bot and many people. It speaks the contract of README.md
// and nothing else, asks nobody but its own server, and has no dependencies and no build step.
// Everything that people and bots write becomes DOM nodes through `h` and `markdown`; there is no innerHTML.
//
// In order: DOM, state, markdown, messages, components, message list, places, composer, slash form,
// interactions, dialogs, live connection.

// ---- DOM ----

const $ = (id) => document.getElementById(id);

/** Makes an element. `on...` are listeners, `style` holds custom properties, false and null are left out. */
const h = (tag, props = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'class') node.className = value;
    else if (key === 'style') for (const [name, each] of Object.entries(value)) node.style.setProperty(name, each);
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ''));
  return node;
};

const icon = (name) => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
};

const iconButton = (name, label, onclick) => h('button', { type: 'button', class: 'tool', 'aria-label': label, title: label, onclick }, icon(name));

// ---- State ----

const state = {
  me: null, bot: null, online: false, people: [], guilds: [], dms: [], commands: [],
  /** The open place: a guild's id or null for direct messages, and a channel's id. */
  guild: null, channel: null,
  /** channel id -> { list, loaded, gone }: messages of channels that were opened, oldest first. */
  rooms: new Map(),
  unread: new Map(),
  drafts: new Map(),
  typing: new Map(),
  /** Commands and clicks that wait for the bot's answer, and those it left unanswered. */
  waiting: new Set(),
  restErrors: [],
  replyTo: null, editing: null,
};

const KEPT_MESSAGES = 400;
const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
const TEXT_CHANNELS = new Set([0, 1, 3, 5, 10, 11, 12]);
const THREADS = new Set([10, 11, 12]);

const guildNow = () => state.guilds.find((guild) => guild.id === state.guild) ?? null;
const channelsNow = () => guildNow()?.channels ?? state.dms;
const findChannel = (id) => [...state.guilds.flatMap((guild) => guild.channels ?? []), ...state.dms].find((channel) => channel.id === id) ?? null;
const guildOfChannel = (id) => state.guilds.find((guild) => guild.channels?.some((channel) => channel.id === id)) ?? null;
const membersNow = () => guildNow()?.members ?? [state.bot, state.me].filter(Boolean).map((user) => ({ user, roles: [] }));
const memberOf = (userId) => guildNow()?.members?.find((member) => member.user?.id === userId) ?? null;
const findUser = (id) => [state.bot, state.me, ...state.people, ...state.guilds.flatMap((guild) => guild.members ?? []).map((member) => member.user)]
  .find((user) => user?.id === id) ?? null;
const findRole = (id) => guildNow()?.roles?.find((role) => role.id === id) ?? null;
const userName = (user) => memberOf(user?.id)?.nick ?? user?.global_name ?? user?.username ?? 'someone';
const botName = () => (state.bot ? userName(state.bot) : 'The bot');
const channelName = (channel) => (channel.type === 1 ? channel.recipients?.filter((user) => user.id !== state.me?.id).map(userName).join(', ') || botName() : channel.name ?? 'channel');
const roleColour = (role) => {
  const colour = role?.color || role?.colors?.primary_color;
  return colour ? `#${colour.toString(16).padStart(6, '0')}` : null;
};
const memberColour = (userId) => {
  const roles = (memberOf(userId)?.roles ?? []).map(findRole).filter((role) => roleColour(role));
  return roleColour(roles.sort((a, b) => b.position - a.position)[0]);
};
/** Snowflakes in order of age; they are longer than a JavaScript number is exact. */
const byId = (a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

const avatar = (user, kind = '') => {
  const name = userName(user);
  const words = name.split(/[\s_.-]+/u).filter(Boolean);
  const initials = (words.length > 1 ? [...words[0]][0] + [...words[1]][0] : [...name].slice(0, 2).join('')).toUpperCase();
  // The golden angle keeps neighbours apart, whatever the names' hashes are.
  let hash = 0;
  for (const char of user?.username ?? name) hash = (hash * 33 + char.codePointAt(0)) % 65_521;
  return h('span', { class: `avatar ${kind} ${user?.bot ? 'bot' : ''}`, style: { '--hue': ((hash * 137.508) % 360).toFixed() }, 'aria-hidden': 'true' }, initials);
};
const tag = (user) => (user?.bot ? h('span', { class: 'tag' }, 'BOT') : null);

// ---- Time ----

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const STAMPS = {
  t: { timeStyle: 'short' }, T: { timeStyle: 'medium' }, d: { dateStyle: 'short' }, D: { dateStyle: 'long' },
  f: { dateStyle: 'long', timeStyle: 'short' }, F: { dateStyle: 'full', timeStyle: 'short' },
  s: { dateStyle: 'short', timeStyle: 'short' }, S: { dateStyle: 'short', timeStyle: 'medium' },
};
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const UNITS = [['year', 31_536_000], ['month', 2_592_000], ['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];

const relativeTime = (date) => {
  const seconds = Math.round((date.getTime() - Date.now()) / 1000);
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? UNITS.at(-1);
  return RELATIVE.format(Math.trunc(seconds / size), unit);
};
const chatTime = (date) => {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return CLOCK.format(date);
  return days === 1 ? `Yesterday at ${CLOCK.format(date)}` : new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' }).format(date);
};
const timeElement = (iso, text, className) => {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return null;
  return h('time', { class: className, datetime: date.toISOString(), title: EXACT.format(date) }, text ?? chatTime(date));
};
setInterval(() => {
  for (const node of document.querySelectorAll('time.relative')) node.textContent = relativeTime(new Date(node.dateTime));
}, 1000);

// ---- Markdown ----

/** Discord's markdown as a list of DOM nodes. `inline` leaves out headings, lists, quotes and code blocks. */
const markdown = (source, { inline = false } = {}) => (inline ? inlineNodes(source, 0) : blockNodes(source, 0));

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
    nodes.push(h('pre', { tabindex: '0', 'data-language': language }, h('code', {}, (language ? code : inside).replace(/^\n/, '').replace(/\n$/, ''))));
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
  [/<(a?):(\w{1,32}):(\d{1,20})>/y, ([, , name]) => h('span', { class: 'emoji', title: `Custom emoji ${name}` }, `:${name}:`)],
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
        if (end < 0 || (mark === '_' && /\w/.test(source[end + 1] ?? '')) || (mark === '*' && /\s/.test(source[end - 1]))) continue;
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

const safeUrl = (text) => {
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url : null;
  } catch { return null; }
};
const link = (target, children) => {
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
  return h('button', { type: 'button', class: 'mention', onclick: () => openChannel(id) }, `#${channelName(channel)}`);
};
const commandMention = (name, id) => {
  const command = invocations().find((each) => each.command.id === id && each.name === name);
  if (!command) return h('span', { class: 'mention', title: 'This command is not registered here' }, `/${name}`);
  return h('button', { type: 'button', class: 'mention', onclick: () => openSlash(command) }, `/${name}`);
};

// ---- Messages ----

const isHidden = (message) => Boolean((message.flags ?? 0) & EPHEMERAL);
const isLoading = (message) => Boolean((message.flags ?? 0) & LOADING);
const isOwn = (message) => message.author?.id === state.me?.id && !isHidden(message) && (message.type === 0 || message.type === 19);
const usedCommand = (message) => message.interaction_metadata ?? message.interaction ?? null;
const commandName = (message) => message.interaction?.name ?? message.interaction_metadata?.name ?? null;
const mentionsMe = (message) => Boolean(state.me) && message.author?.id !== state.me.id && (
  message.mention_everyone
  || message.mentions?.some((user) => user.id === state.me.id)
  || message.mention_roles?.some((role) => memberOf(state.me.id)?.roles?.includes(role)));

const startsGroup = (message, before) => !before
  || before.author?.id !== message.author?.id
  || ![0, 19, 20].includes(before.type)
  || message.type !== 0
  || Boolean(usedCommand(message))
  || Boolean(message.webhook_id) !== Boolean(before.webhook_id)
  || isHidden(message) !== isHidden(before)
  || new Date(message.timestamp) - new Date(before.timestamp) > 7 * 60_000
  || newDay(message, before);
const newDay = (message, before) => Boolean(before) && new Date(message.timestamp).toDateString() !== new Date(before.timestamp).toDateString();

const SYSTEM_TEXTS = new Map([
  [1, 'added someone to the group.'], [2, 'removed someone from the group.'], [6, 'pinned a message to this channel.'],
  [7, 'joined the server.'], [8, 'boosted the server.'], [18, 'started a thread.'],
]);

/** One message of the list as an element; `before` decides whether it continues a group. */
function messageNode(message, before) {
  const author = message.author ?? { id: '0', username: 'unknown' };
  const system = ![0, 19, 20, 23].includes(message.type);
  const start = startsGroup(message, before);
  const classes = ['message', start && 'start', message.failed && 'failed', system && 'system', mentionsMe(message) && 'mentioned', isHidden(message) && 'ephemeral',
    state.replyTo === message.id && 'answered'].filter(Boolean);
  const name = h('button', { type: 'button', class: 'author', tabindex: '-1', style: memberColour(author.id) ? { '--role': memberColour(author.id) } : {}, onclick: (event) => openCard(event.currentTarget, author) }, userName(author));

  const body = h('div', { class: 'body' });
  if (system) {
    body.append(h('div', { class: 'content' }, name, ' ', SYSTEM_TEXTS.get(message.type) ?? markdown(message.content || `did something that this page does not show (message type ${message.type}).`, { inline: true }), ' ', timeElement(message.timestamp, null, 'when')));
  } else {
    if (start) body.append(h('div', { class: 'head' }, name, tag(author), timeElement(message.timestamp, null, 'when')));
    if (state.editing === message.id) body.append(editBox(message));
    else body.append(...contentNodes(message));
  }

  return h('li', { class: classes.join(' '), id: `m-${message.id}`, tabindex: '-1', 'data-message': message.id, onkeydown: (event) => messageKeys(event, message) },
    newDay(message, before) && h('div', { class: 'day', role: 'separator' }, h('span', {}, DAY.format(new Date(message.timestamp)))),
    quotedLine(message),
    h('div', { class: 'row' },
      h('div', { class: 'gutter' }, system ? h('span', { class: 'arrow', 'aria-hidden': 'true' }, '→') : start ? avatar(author) : timeElement(message.timestamp, CLOCK.format(new Date(message.timestamp)), 'when')),
      body),
    toolsFor(message, system));
}

/** The line above a message: what it replies to, or whose command it answers. */
function quotedLine(message) {
  const used = usedCommand(message);
  if (used && (message.type === 20 || message.type === 23)) {
    const user = used.user ?? {};
    const command = commandName(message);
    return h('div', { class: 'quoted' }, avatar(user, 'tiny'), h('b', {}, userName(user)), ' used ',
      command ? h('span', { class: 'command' }, message.type === 20 ? `/${command}` : command) : h('span', { class: 'command' }, 'a command'));
  }
  if (message.type !== 19 && !message.message_reference) return null;
  const original = message.referenced_message;
  if (!original) return h('div', { class: 'quoted' }, h('i', {}, 'Original message was deleted'));
  const line = original.content ? markdown(original.content.split('\n')[0].slice(0, 300), { inline: true })
    : h('i', {}, original.embeds?.length ? (original.embeds[0].title ?? 'Embed') : 'Message without text');
  return h('div', { class: 'quoted' }, avatar(original.author, 'tiny'), h('b', {}, userName(original.author)), tag(original.author), ' ',
    h('button', { type: 'button', class: 'jump', 'aria-label': 'Go to the message', onclick: () => flash(original.id) }), h('span', { class: 'line' }, line));
}

function contentNodes(message) {
  const nodes = [];
  const edited = message.edited_timestamp && h('time', { class: 'edited', datetime: message.edited_timestamp, title: EXACT.format(new Date(message.edited_timestamp)) }, '(edited)');
  if (isLoading(message)) {
    nodes.push(h('div', { class: 'content thinking' }, h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')), `${userName(message.author)} is thinking…`));
  } else if (message.content) {
    const text = h('div', { class: 'content' }, message.failed ? message.content : markdown(message.content));
    if (edited) (text.lastElementChild?.matches('.text') ? text.lastElementChild : text).append(' ', edited);
    nodes.push(text);
  }
  for (const attachment of message.attachments ?? []) nodes.push(attachmentNode(attachment));
  for (const embed of message.embeds ?? []) nodes.push(embedNode(embed));
  for (const sticker of message.sticker_items ?? []) nodes.push(h('div', { class: 'file' }, icon('image'), `Sticker: ${sticker.name}`));
  if (message.poll) nodes.push(h('div', { class: 'file' }, `Poll: ${message.poll.question?.text ?? ''}`));
  if (message.components?.length) nodes.push(h('div', { class: 'components' }, message.components.map((component) => componentNode(message, component))));
  if (message.reactions?.length) {
    nodes.push(h('div', { class: 'reactions' }, message.reactions.map((reaction) => h('span', { class: `reaction ${reaction.me ? 'own' : ''}` },
      reaction.emoji?.id ? `:${reaction.emoji.name}:` : reaction.emoji?.name, ' ', String(reaction.count ?? 1)))));
  }
  if (edited && !message.content && !isLoading(message)) nodes.push(h('div', {}, edited));
  if (!nodes.length) nodes.push(h('div', { class: 'content empty' }, 'Empty message'));
  if (isHidden(message)) {
    nodes.push(h('div', { class: 'hidden-note' }, icon('eye'), 'Only you can see this · ',
      h('button', { type: 'button', class: 'plain', onclick: () => removeMessage(message.channel_id, message.id) }, 'Dismiss')));
  }
  nodes.push(h('div', { class: 'failure', hidden: true }));
  return nodes;
}

const fileSize = (bytes) => (bytes >= 1 << 20 ? `${(bytes / (1 << 20)).toFixed(1)} MB` : bytes >= 1024 ? `${Math.round(bytes / 1024)} KB` : `${bytes ?? 0} B`);
const attachmentNode = (attachment) => {
  const own = safeUrl(attachment.url)?.origin === location.origin;
  if (own && attachment.content_type?.startsWith('image/')) {
    return h('figure', { class: 'picture' }, h('img', { src: attachment.url, alt: attachment.description ?? attachment.filename, loading: 'lazy' }));
  }
  return h('div', { class: 'file' }, icon('file'), own ? link(attachment.url, attachment.filename) : attachment.filename, h('small', {}, fileSize(attachment.size)));
};
/** A picture from elsewhere is named, not fetched: this page asks nobody but its own server. */
const pictureNode = (picture, kind) => {
  if (!picture?.url) return null;
  const url = safeUrl(picture.url);
  const name = url ? url.pathname.split('/').filter(Boolean).at(-1) ?? url.host : picture.url.replace(/^attachment:\/\//, '');
  if (url?.origin === location.origin) return h('figure', { class: kind }, h('img', { src: url.href, alt: name, loading: 'lazy' }));
  return h('figure', { class: `${kind} placeholder` }, icon('image'), h('figcaption', {}, url ? link(url.href, [name]) : name));
};

function embedNode(embed) {
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

/** What can be done with a message, shown on hover and when the message or one of these has the focus. */
function toolsFor(message, system) {
  if (isHidden(message) || system) return null;
  const own = isOwn(message);
  return h('div', { class: 'tools', role: 'group', 'aria-label': 'Message actions' },
    iconButton('reply', 'Reply', () => startReply(message)),
    own && iconButton('edit', 'Edit', () => startEdit(message)),
    message.content && iconButton('copy', 'Copy text', () => navigator.clipboard?.writeText(message.content)),
    own && iconButton('delete', 'Delete', (event) => askDelete(message, event.shiftKey)));
}

function messageKeys(event, message) {
  if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
  const neighbour = { ArrowUp: 'previousElementSibling', ArrowDown: 'nextElementSibling' }[event.key];
  if (neighbour) focusMessage(event.currentTarget[neighbour] ?? (event.key === 'ArrowDown' ? $('text') : null));
  else if (event.key === 'r' && !isHidden(message)) startReply(message);
  else if (event.key === 'e' && isOwn(message)) startEdit(message);
  else if (event.key === 'Delete' && isOwn(message)) askDelete(message, event.shiftKey);
  else if (event.key === 'Escape') $('text').focus();
  else return;
  event.preventDefault();
}
/** The one message that Tab reaches; the arrow keys go on from there. */
let roving = null;
const rove = (node) => {
  if (roving) roving.tabIndex = -1;
  roving = node;
  if (roving) roving.tabIndex = 0;
};
const focusMessage = (node) => {
  if (!node) return;
  if (node.matches('.message')) rove(node);
  node.focus();
  node.scrollIntoView({ block: 'nearest' });
};
const flash = (id) => {
  const node = $(`m-${id}`);
  if (!node) return;
  node.scrollIntoView({ block: 'center', behavior: 'smooth' });
  focusMessage(node);
  node.classList.remove('flash');
  requestAnimationFrame(() => node.classList.add('flash'));
};

function editBox(message) {
  const box = h('textarea', { class: 'edit', 'aria-label': 'Edit message', rows: '1', oninput: () => fit(box) });
  box.value = message.content;
  const close = () => { state.editing = null; drawMessage(message.id); $('text').focus(); };
  const save = async () => {
    const content = box.value.trim();
    if (!content) { close(); askDelete(message); return; }
    if (content !== message.content) {
      try { receive('message_update', await api('PATCH', `/page/messages/${message.channel_id}/${message.id}`, { as: state.me.id, content })); }
      catch (error) { complain(error.message); return; }
    }
    close();
  };
  box.addEventListener('keydown', (event) => {
    event.stopPropagation();
    if (event.key === 'Escape') close();
    else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); save(); }
  });
  requestAnimationFrame(() => { fit(box); box.focus(); box.setSelectionRange(box.value.length, box.value.length); });
  return h('div', { class: 'editing' }, box, h('small', {}, 'Escape to ', h('button', { type: 'button', class: 'plain', onclick: close }, 'cancel'), ' · Enter to ', h('button', { type: 'button', class: 'plain', onclick: save }, 'save')));
}
const startEdit = (message) => {
  const before = state.editing;
  state.editing = message.id;
  if (before) drawMessage(before);
  drawMessage(message.id);
};
const startReply = (message) => {
  const before = state.replyTo;
  state.replyTo = message.id;
  if (before) drawMessage(before);
  drawMessage(message.id);
  drawAnswering();
  $('text').focus();
};
const stopReply = () => {
  const before = state.replyTo;
  state.replyTo = null;
  if (before) drawMessage(before);
  drawAnswering();
};
const askDelete = async (message, sure = false) => {
  if (!sure && !await confirmDialog('Delete this message?', message.content.slice(0, 300), 'Delete')) return;
  try {
    await api('DELETE', `/page/messages/${message.channel_id}/${message.id}?as=${encodeURIComponent(state.me.id)}`);
    removeMessage(message.channel_id, message.id);
  } catch (error) { complain(error.message); }
};

// ---- Components ----

const BUTTON_STYLES = { 1: 'primary', 2: 'secondary', 3: 'success', 4: 'danger', 5: 'link', 6: 'premium' };
const emojiText = (emoji) => (emoji ? (emoji.id ? `:${emoji.name}:` : emoji.name) : '');

/** A component of a message. Those that this page cannot show are named, so that nothing vanishes silently. */
function componentNode(message, component) {
  switch (component.type) {
    case 1: return h('div', { class: 'action-row' }, component.components.map((each) => componentNode(message, each)));
    case 2: return buttonNode(message, component);
    case 3: case 5: case 6: case 7: case 8: return selectNode(message, component);
    case 9: return h('div', { class: 'section' }, h('div', {}, component.components.map((each) => componentNode(message, each))), component.accessory && componentNode(message, component.accessory));
    case 10: return h('div', { class: 'content' }, markdown(component.content ?? ''));
    case 11: return pictureNode(component.media, 'thumbnail');
    case 12: return h('div', {}, (component.items ?? []).map((item) => pictureNode(item.media, 'picture')));
    case 13: return h('div', { class: 'file' }, icon('file'), component.name ?? component.file?.url ?? 'file');
    case 14: return h('hr', { class: component.divider === false ? 'blank' : '' });
    case 17: return h('div', { class: 'container', style: component.accent_color ? { '--bar': `#${component.accent_color.toString(16).padStart(6, '0')}` } : {} }, component.components.map((each) => componentNode(message, each)));
    default: return h('div', { class: 'file' }, `Component of type ${component.type}, which this page does not show`);
  }
}

function buttonNode(message, component) {
  const label = [component.emoji && h('span', { class: 'emoji' }, emojiText(component.emoji)), component.label];
  if (component.style === 5) {
    const url = safeUrl(component.url);
    return h('a', { class: 'button link', href: component.disabled ? null : url?.href, target: '_blank', rel: 'noopener noreferrer', 'aria-disabled': component.disabled ? 'true' : null, title: component.url }, label, icon('out'));
  }
  return h('button', {
    type: 'button', class: `button ${BUTTON_STYLES[component.style] ?? 'secondary'}`, disabled: component.disabled || !component.custom_id, 'data-custom-id': component.custom_id,
    onclick: () => press(message, component.custom_id),
  }, label);
}

function selectEntries(component) {
  const users = () => membersNow().map(({ user }) => ({ value: user.id, label: userName(user), description: user.bot ? 'BOT' : user.username, kind: 'user' }));
  const roles = () => (guildNow()?.roles ?? []).filter((role) => role.id !== state.guild).map((role) => ({ value: role.id, label: `@${role.name}`, kind: 'role' }));
  switch (component.type) {
    case 5: return users();
    case 6: return roles();
    case 7: return [...users(), ...roles()];
    case 8: return channelsNow().filter((channel) => !component.channel_types?.length || component.channel_types.includes(channel.type)).map((channel) => ({ value: channel.id, label: `#${channelName(channel)}`, kind: 'channel' }));
    default: return (component.options ?? []).map((option) => ({ value: option.value, label: `${emojiText(option.emoji)} ${option.label}`.trim(), description: option.description, chosen: option.default }));
  }
}

function selectNode(message, component) {
  const entries = selectEntries(component);
  const preset = new Set(component.default_values?.map((value) => value.id) ?? entries.filter((entry) => entry.chosen).map((entry) => entry.value));
  const shown = entries.filter((entry) => preset.has(entry.value)).map((entry) => entry.label).join(', ');
  const least = component.min_values ?? 1;
  const most = component.max_values ?? 1;
  return h('button', {
    type: 'button', class: 'select', disabled: component.disabled, 'aria-haspopup': 'listbox', 'data-custom-id': component.custom_id,
    onclick: (event) => openList(event.currentTarget, entries, { chosen: preset, least, most, label: component.placeholder ?? 'Choose' }, (values) => press(message, component.custom_id, values)),
  }, h('span', { class: shown ? '' : 'hint' }, shown || component.placeholder || 'Make a selection'), icon('chevron'));
}

/** A list to choose from, in a popover: one entry at once, several by ticking and closing. */
function openList(anchor, entries, { chosen, least, most, label }, done) {
  const picked = new Set(chosen);
  const several = most > 1 || least === 0;
  let finished = false;
  const finish = (values) => { finished = true; popover.hidePopover(); done(values); };
  const items = entries.map((entry, index) => h('div', { role: 'option', class: 'entry', tabindex: '-1', 'aria-selected': String(picked.has(entry.value)), onclick: () => choose(index) },
    h('span', { class: 'entry-text' }, h('span', {}, entry.label), entry.description && h('small', {}, entry.description)), icon('check')));
  const choose = (index) => {
    const { value } = entries[index];
    if (!several) { finish([value]); return; }
    if (picked.has(value)) picked.delete(value);
    else if (most === 1) { picked.clear(); picked.add(value); }
    else if (picked.size < most) picked.add(value);
    items.forEach((item, at) => item.setAttribute('aria-selected', String(picked.has(entries[at].value))));
    note.textContent = countText();
  };
  const countText = () => `${picked.size} of ${least === most ? most : `${least} to ${most}`}`;
  const note = h('small', {}, countText());
  const list = h('div', { role: 'listbox', class: 'entries', 'aria-label': label, 'aria-multiselectable': String(several) }, items.length ? items : h('p', { class: 'nothing' }, 'Nothing to choose from here.'));
  const popover = h('div', { class: 'popover list', popover: 'auto' }, list,
    several && h('div', { class: 'list-foot' }, note, h('button', { type: 'button', class: 'button primary', onclick: () => { if (picked.size >= least) finish([...picked]); } }, 'Done')));
  popover.addEventListener('keydown', (event) => {
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: Math.min(at + 1, items.length - 1), ArrowUp: Math.max(at - 1, 0), Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[to]?.focus();
    else if ((event.key === 'Enter' || event.key === ' ') && at >= 0) choose(at);
    else return;
    event.preventDefault();
  });
  popover.addEventListener('toggle', (event) => {
    if (event.newState !== 'closed') return;
    popover.remove();
    const same = picked.size === chosen.size && [...picked].every((value) => chosen.has(value));
    if (several && !finished && !same && picked.size >= least) done([...picked]);
    if (anchor.isConnected) anchor.focus({ preventScroll: true });
  });
  showPopover(popover, anchor, anchor.offsetWidth);
  (items[entries.findIndex((entry) => picked.has(entry.value))] ?? items[0])?.focus();
}

function showPopover(popover, anchor, width = 0) {
  document.body.append(popover);
  if (width) popover.style.minWidth = `${width}px`;
  popover.showPopover();
  const place = anchor.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = popover;
  const below = place.bottom + 6 + offsetHeight <= innerHeight;
  const fitsAbove = place.top - 6 - offsetHeight >= 0;
  popover.style.left = `${Math.max(8, Math.min(place.left, innerWidth - offsetWidth - 8))}px`;
  popover.style.top = `${below || !fitsAbove ? Math.max(8, Math.min(place.bottom + 6, innerHeight - offsetHeight - 8)) : place.top - 6 - offsetHeight}px`;
}

async function press(message, customId, values) {
  for (const each of state.waiting) if (each.kind === 'click' && each.messageId === message.id && each.phase === 'failed') state.waiting.delete(each);
  const click = { kind: 'click', messageId: message.id, channelId: message.channel_id, customId, phase: 'waiting' };
  state.waiting.add(click);
  drawWaiting();
  await track(click, '/page/click', { as: state.me.id, channel_id: message.channel_id, message_id: message.id, custom_id: customId, ...(values ? { values } : {}) });
}

// ---- Message list ----

const room = (channelId) => {
  if (!state.rooms.has(channelId)) state.rooms.set(channelId, { list: [], loaded: false, gone: new Set() });
  return state.rooms.get(channelId);
};
const listNow = () => state.rooms.get(state.channel)?.list ?? [];
/** Whether the newest message is in view, so that the list follows what comes. */
let stuck = true;
$('scroller').addEventListener('scroll', () => {
  const box = $('scroller');
  stuck = box.scrollHeight - box.scrollTop - box.clientHeight < 90;
  if (stuck) $('newer').hidden = true;
}, { passive: true });
new ResizeObserver(() => { if (stuck) scrollDown(); }).observe($('scroller'));
let scrollWanted = false;
const scrollDown = () => {
  if (scrollWanted) return;
  scrollWanted = true;
  stuck = true;
  requestAnimationFrame(() => { scrollWanted = false; $('scroller').scrollTop = $('scroller').scrollHeight; $('newer').hidden = true; });
};

async function loadRoom(channelId) {
  const target = room(channelId);
  if (target.loaded) return;
  const { me } = state;
  try {
    const fetched = await api('GET', `/page/messages?${new URLSearchParams({ as: me.id, channel_id: channelId, limit: '50' })}`);
    if (state.rooms.get(channelId) !== target) return;
    const known = new Map([...fetched, ...target.list].map((message) => [message.id, message]));
    target.list = [...known.values()].filter((message) => !target.gone.has(message.id)).sort(byId);
    target.loaded = true;
  } catch (error) {
    if (state.channel === channelId) complain(`The messages could not be read: ${error.message}`);
  }
  if (state.channel === channelId) drawMessages();
}

function addMessage(message) {
  const target = state.rooms.get(message.channel_id);
  clearTyping(message.channel_id, message.author?.id);
  const own = message.author?.id === state.me?.id;
  if (message.channel_id !== state.channel && !own) {
    const seen = state.unread.get(message.channel_id) ?? { count: 0, mentions: 0 };
    const direct = state.dms.some((channel) => channel.id === message.channel_id);
    state.unread.set(message.channel_id, { count: seen.count + 1, mentions: seen.mentions + Number(direct || mentionsMe(message)) });
    drawPlacesSoon();
  }
  if (!target) return;
  const at = target.list.findIndex((each) => each.id === message.id);
  if (at >= 0) { target.list[at] = { ...target.list[at], ...message }; if (message.channel_id === state.channel) drawMessage(message.id); return; }
  target.list.push(message);
  if (target.list.length > KEPT_MESSAGES) {
    const dropped = target.list.shift();
    if (message.channel_id === state.channel) $(`m-${dropped.id}`)?.remove();
  }
  if (message.channel_id !== state.channel) return;
  const follow = own || message.failed || stuck;
  const node = messageNode(message, target.list.at(-2));
  $('messages').append(node);
  if (roving !== document.activeElement) rove(node);
  $('beginning').hidden = false;
  drawWaiting();
  if (follow) scrollDown(); else $('newer').hidden = false;
}

function updateMessage(message) {
  const target = state.rooms.get(message.channel_id);
  const at = target?.list.findIndex((each) => each.id === message.id) ?? -1;
  if (at < 0) return;
  target.list[at] = { ...target.list[at], ...message };
  for (const each of target.list) {
    if (each.referenced_message?.id !== message.id) continue;
    each.referenced_message = target.list[at];
    if (message.channel_id === state.channel) drawMessage(each.id);
  }
  if (message.channel_id !== state.channel) return;
  drawMessage(message.id);
  if (stuck) scrollDown();
}

function removeMessage(channelId, id) {
  const target = state.rooms.get(channelId);
  if (!target) return;
  target.gone.add(id);
  const at = target.list.findIndex((each) => each.id === id);
  if (at < 0) return;
  target.list.splice(at, 1);
  for (const each of target.list) if (each.referenced_message?.id === id) each.referenced_message = null;
  if (channelId !== state.channel) return;
  if (state.replyTo === id) { state.replyTo = null; drawAnswering(); }
  if (state.editing === id) state.editing = null;
  const node = $(`m-${id}`);
  const next = node?.nextElementSibling ?? node?.previousElementSibling;
  if (node?.contains(document.activeElement)) focusMessage(next ?? $('text'));
  node?.remove();
  for (const each of target.list) if (each === target.list[at] || each.message_reference?.message_id === id) drawMessage(each.id);
}

/** Draws one message again in its place, keeping the focus if one of its controls has it. */
function drawMessage(id) {
  const old = $(`m-${id}`);
  const list = listNow();
  const at = list.findIndex((message) => message.id === id);
  if (!old || at < 0) return;
  const held = old.contains(document.activeElement) ? document.activeElement : null;
  const fresh = messageNode(list[at], list[at - 1]);
  const [typed, box] = [old.querySelector('.edit'), fresh.querySelector('.edit')];
  if (typed && box) box.value = typed.value;
  if (roving === old) rove(fresh);
  old.replaceWith(fresh);
  if (held === old) fresh.focus({ preventScroll: true });
  else if (held?.dataset.customId) fresh.querySelector(`[data-custom-id="${CSS.escape(held.dataset.customId)}"]`)?.focus({ preventScroll: true });
  drawWaiting();
}

function drawMessages() {
  const list = listNow();
  const channel = findChannel(state.channel);
  const place = $('beginning');
  place.replaceChildren();
  $('messages').replaceChildren();
  $('newer').hidden = true;
  if (!channel) {
    place.append(h('h2', {}, state.me ? 'No channel is open' : 'Connecting…'), h('p', {}, state.me ? 'Choose one on the left.' : 'The page is waiting for the sandbox.'));
    return;
  }
  $('messages').setAttribute('aria-label', `Messages in ${channelName(channel)}`);
  const direct = channel.type === 1;
  place.append(direct ? avatar(state.bot, 'big') : h('span', { class: 'big-hash', 'aria-hidden': 'true' }, icon('hash')),
    h('h2', {}, direct ? channelName(channel) : `Welcome to #${channelName(channel)}`),
    h('p', {}, direct ? `What you and ${channelName(channel)} write to each other, seen by nobody else.` : channel.topic ? markdown(channel.topic, { inline: true }) : 'This is where the channel begins. Say something, or type / to see the commands.'));
  $('messages').append(...list.map((message, index) => messageNode(message, list[index - 1])));
  rove($('messages').lastElementChild);
  drawWaiting();
  scrollDown();
}

// ---- Places: servers, channels, members, who one acts as ----

function openGuild(id) {
  const channels = id ? state.guilds.find((guild) => guild.id === id)?.channels ?? [] : state.dms;
  const remembered = channels.find((channel) => channel.id === lastChannel.get(id));
  const first = remembered ?? sortChannels(channels).find((channel) => TEXT_CHANNELS.has(channel.type));
  state.guild = id;
  if (first) openChannel(first.id);
  else if (!id) openDirect();
  else { state.channel = null; drawAll(); }
}
const lastChannel = new Map();

async function openDirect() {
  if (!state.dms.length) {
    try {
      const channel = await api('POST', '/page/dm', { as: state.me.id });
      if (!state.dms.some((each) => each.id === channel.id)) state.dms.push(channel);
    } catch (error) { complain(error.message); return; }
  }
  openChannel(state.dms[0].id);
}

function openChannel(id) {
  const channel = findChannel(id);
  if (!channel || !TEXT_CHANNELS.has(channel.type)) return;
  if (state.channel) state.drafts.set(state.channel, $('text').value);
  if (state.channel !== id) { state.replyTo = null; state.editing = null; closeSlash(false); complain(''); }
  state.guild = guildOfChannel(id)?.id ?? null;
  state.channel = id;
  lastChannel.set(state.guild, id);
  state.unread.delete(id);
  $('text').value = state.drafts.get(id) ?? '';
  drawAll();
  closeDrawers();
  rememberPlace();
  if (!matchMedia('(pointer: coarse)').matches) $('text').focus();
  loadRoom(id);
}

const rememberPlace = () => {
  const url = new URL(location.href);
  if (state.me) url.searchParams.set('as', state.me.id);
  if (state.channel) url.searchParams.set('channel', state.channel);
  history.replaceState(null, '', url);
};

const sortChannels = (channels) => {
  const order = (a, b) => (a.position ?? 0) - (b.position ?? 0) || byId(a, b);
  const categories = channels.filter((channel) => channel.type === 4).sort(order);
  const under = (parent) => channels.filter((channel) => channel.type !== 4 && !THREADS.has(channel.type) && (categories.some((each) => each.id === channel.parent_id) ? channel.parent_id : null) === parent)
    .sort(order).flatMap((channel) => [channel, ...channels.filter((each) => THREADS.has(each.type) && each.parent_id === channel.id)]);
  return [...under(null), ...categories.flatMap((category) => [category, ...under(category.id)])];
};

let placesWanted = false;
/** Once for all messages of a burst. */
const drawPlacesSoon = () => {
  if (placesWanted) return;
  placesWanted = true;
  requestAnimationFrame(() => { placesWanted = false; drawPlaces(); });
};

function drawPlaces() {
  const guild = guildNow();
  const unreadIn = (channels) => channels.reduce((sum, channel) => {
    const seen = state.unread.get(channel.id);
    return { count: sum.count + (seen?.count ?? 0), mentions: sum.mentions + (seen?.mentions ?? 0) };
  }, { count: 0, mentions: 0 });
  const serverButton = (id, name, face, channels) => {
    const { count, mentions } = unreadIn(channels);
    return h('button', {
      type: 'button', class: `server ${count ? 'unread' : ''}`, 'aria-current': state.guild === id ? 'page' : null, title: name,
      'aria-label': `${name}${mentions ? `, ${mentions} for you` : count ? ', unread' : ''}`, onclick: () => openGuild(id),
    }, face, mentions > 0 && h('span', { class: 'badge', 'aria-hidden': 'true' }, String(mentions)));
  };
  $('servers').replaceChildren(
    serverButton(null, 'Direct messages', icon('mark'), state.dms), h('hr'),
    ...state.guilds.map((each) => serverButton(each.id, each.name, h('span', { 'aria-hidden': 'true' }, each.name.split(/\s+/u).map((word) => [...word][0]).join('').slice(0, 3)), each.channels ?? [])));

  $('place').replaceChildren(h('h1', {}, guild?.name ?? 'Direct messages'));
  const channels = guild ? sortChannels(guild.channels ?? []) : state.dms;
  const nodes = channels.map((channel) => {
    if (channel.type === 4) return h('h2', {}, channel.name);
    const seen = state.unread.get(channel.id);
    const face = channel.type === 1 ? avatar(state.bot, 'small') : icon(channel.type === 2 || channel.type === 13 ? 'voice' : THREADS.has(channel.type) ? 'thread' : 'hash');
    return h('button', {
      type: 'button', class: `channel ${seen ? 'unread' : ''} ${THREADS.has(channel.type) ? 'thread' : ''}`, disabled: !TEXT_CHANNELS.has(channel.type),
      'aria-current': channel.id === state.channel ? 'page' : null, onclick: () => openChannel(channel.id), 'data-channel': channel.id,
      'aria-label': `${channelName(channel)}${seen?.mentions ? `, ${seen.mentions} for you` : seen ? ', unread' : ''}`,
    }, face, h('span', {}, channelName(channel)), channel.type === 1 && tag(state.bot), seen?.mentions > 0 && h('span', { class: 'badge', 'aria-hidden': 'true' }, String(seen.mentions)));
  });
  if (!guild && !state.dms.length && state.bot) {
    nodes.push(h('button', { type: 'button', class: 'channel', onclick: openDirect }, avatar(state.bot, 'small'), h('span', {}, `Message ${botName()}`)));
  }
  $('channels').replaceChildren(...nodes);

  const channel = findChannel(state.channel);
  $('heading').replaceChildren(...(channel ? [channel.type === 1 ? avatar(state.bot, 'small') : icon('hash'), h('strong', {}, channelName(channel)), channel.type === 1 ? tag(state.bot) ?? '' : '', channel.topic ? h('span', { class: 'topic', title: channel.topic }, markdown(channel.topic, { inline: true })) : ''] : []));
  const { mentions } = unreadIn([...state.guilds.flatMap((each) => each.channels ?? []), ...state.dms]);
  document.title = `${mentions ? `(${mentions}) ` : ''}${channel ? `${channel.type === 1 ? '@' : '#'}${channelName(channel)} · ` : ''}Sandbox`;
  $('text').placeholder = channel ? `Message ${channel.type === 1 ? '@' : '#'}${channelName(channel)}` : '';
  $('text').setAttribute('aria-label', channel ? `Message ${channelName(channel)}` : 'Message');
  $('text').disabled = !channel;
}

function drawBotState() {
  const name = botName();
  $('bot-state').className = state.online ? 'online' : 'offline';
  $('bot-state').replaceChildren(...(state.bot ? [h('span', { class: 'dot', 'aria-hidden': 'true' }), h('span', {}, h('b', {}, name), state.online ? ' is online' : ' is offline'),
    state.online ? '' : h('small', {}, 'Nobody will answer until the bot connects.')] : []));
}

function drawMembers() {
  const guild = guildNow();
  const hoisted = (guild?.roles ?? []).filter((role) => role.hoist && role.id !== guild.id).sort((a, b) => b.position - a.position);
  const groups = new Map();
  for (const member of membersNow()) {
    const { user } = member;
    const away = user.id === state.bot?.id && !state.online;
    const role = hoisted.find((each) => member.roles?.includes(each.id));
    const title = away ? 'Offline' : role?.name ?? (user.bot ? 'Bots' : 'People');
    if (!groups.has(title)) groups.set(title, { rank: away ? -2 : role?.position ?? (user.bot ? -1 : 0), members: [] });
    groups.get(title).members.push(member);
  }
  $('members').replaceChildren(...[...groups].sort(([, a], [, b]) => b.rank - a.rank).map(([title, { members }]) => h('section', { 'aria-label': title },
    h('h2', {}, `${title} — ${members.length}`),
    members.sort((a, b) => userName(a.user).localeCompare(userName(b.user))).map(({ user }) => {
      const away = user.id === state.bot?.id && !state.online;
      return h('button', { type: 'button', class: `member ${away ? 'away' : ''}`, 'data-user': user.id, onclick: (event) => openCard(event.currentTarget, user) },
        h('span', { class: 'presence' }, avatar(user, 'small'), h('span', { class: away ? 'dot off' : 'dot', 'aria-hidden': 'true' })),
        h('span', { class: 'member-name', style: memberColour(user.id) ? { '--role': memberColour(user.id) } : {} }, userName(user)), tag(user), user.id === state.me?.id && h('small', {}, 'you'));
    }))));
}

function drawSelf() {
  if (!state.me) { $('self').replaceChildren(); return; }
  $('self').replaceChildren(h('button', { type: 'button', id: 'switch', 'aria-haspopup': 'menu', 'aria-label': `Acting as ${userName(state.me)}. Switch person`, onclick: (event) => openPeople(event.currentTarget) },
    avatar(state.me), h('span', { class: 'who' }, h('small', {}, 'Acting as'), h('b', {}, userName(state.me))), icon('chevron')));
}

function openPeople(anchor) {
  const name = h('input', { type: 'text', placeholder: 'Name', 'aria-label': 'Name of the new person', maxlength: '32', autocomplete: 'off' });
  const note = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const people = state.people.filter((user) => !user.bot);
  const items = people.map((user) => h('button', {
    type: 'button', role: 'menuitemradio', class: 'entry', 'aria-checked': String(user.id === state.me.id), onclick: () => { popover.hidePopover(); actAs(user.id); },
  }, avatar(user, 'small'), h('span', { class: 'entry-text' }, h('span', {}, userName(user)), user.global_name && user.global_name !== user.username && h('small', {}, user.username)), icon('check')));
  const add = async (event) => {
    event.preventDefault();
    try {
      const user = await api('POST', '/page/people', { name: name.value.trim(), ...(state.guild ? { guild_id: state.guild } : {}) });
      popover.hidePopover();
      actAs(user.id);
    } catch (error) { note.hidden = false; note.textContent = error.message; }
  };
  const popover = h('div', { class: 'popover people', popover: 'auto' },
    h('h2', {}, 'Act as'), h('div', { role: 'menu', 'aria-label': 'People', class: 'entries' }, items),
    h('form', { class: 'add', onsubmit: add }, name, h('button', { type: 'submit', class: 'button secondary' }, icon('plus'), 'Add'), note));
  popover.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...items, name];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  });
  popover.addEventListener('toggle', (event) => { if (event.newState === 'closed') { popover.remove(); if (anchor.isConnected) anchor.focus(); } });
  showPopover(popover, anchor, anchor.offsetWidth);
  (items.find((item) => item.getAttribute('aria-checked') === 'true') ?? items[0] ?? name).focus();
}

function openCard(anchor, user) {
  const member = memberOf(user.id);
  const roles = (member?.roles ?? []).map(findRole).filter(Boolean).sort((a, b) => b.position - a.position);
  const act = (label, run, kind = 'secondary') => h('button', { type: 'button', class: `button ${kind}`, onclick: () => { popover.hidePopover(); run(); } }, label);
  const isPerson = state.people.some((each) => each.id === user.id) && !user.bot;
  const popover = h('div', { class: 'popover card', popover: 'auto', role: 'dialog', 'aria-label': userName(user) },
    h('div', { class: 'card-head' }, avatar(user, 'large'), h('div', {}, h('b', {}, userName(user)), ' ', tag(user), h('small', {}, user.username))),
    roles.length > 0 && h('div', { class: 'roles' }, roles.map((role) => h('span', { class: 'role', style: roleColour(role) ? { '--role': roleColour(role) } : {} }, role.name))),
    h('p', { class: 'id' }, 'ID ', h('code', {}, user.id), iconButton('copy', 'Copy ID', () => navigator.clipboard?.writeText(user.id))),
    h('div', { class: 'card-actions' },
      act('Mention', () => insertMention(user)),
      user.id === state.bot?.id && act('Message', openDirect),
      isPerson && user.id !== state.me.id && act(`Act as ${userName(user)}`, () => actAs(user.id), 'primary')));
  popover.addEventListener('toggle', (event) => { if (event.newState === 'closed') popover.remove(); });
  showPopover(popover, anchor);
  popover.querySelector('.card-actions button')?.focus();
}

function actAs(id) {
  if (id === state.me?.id) return;
  wanted.as = id;
  connect();
}

const closeDrawers = () => {
  document.body.classList.remove('channels-open', 'members-open');
  $('shade').hidden = true;
  $('show-channels').setAttribute('aria-expanded', 'false');
};
const narrow = matchMedia('(max-width: 760px)');
const middling = matchMedia('(max-width: 1080px)');
$('show-channels').addEventListener('click', () => {
  const open = document.body.classList.toggle('channels-open');
  $('show-channels').setAttribute('aria-expanded', String(open));
  $('shade').hidden = !open;
});
$('show-members').addEventListener('click', () => {
  if (middling.matches) $('shade').hidden = !document.body.classList.toggle('members-open');
  else document.body.classList.toggle('members-closed');
  drawMembersButton();
});
const drawMembersButton = () => $('show-members').setAttribute('aria-pressed', String(middling.matches ? document.body.classList.contains('members-open') : !document.body.classList.contains('members-closed')));
middling.addEventListener('change', () => { closeDrawers(); drawMembersButton(); });
$('shade').addEventListener('click', () => { closeDrawers(); drawMembersButton(); });

const THEMES = ['auto', 'dark', 'light'];
const applyTheme = (theme) => {
  document.documentElement.dataset.theme = theme;
  const label = `Theme: ${theme === 'auto' ? 'as the system' : theme}`;
  $('theme').replaceChildren(icon('theme'));
  $('theme').setAttribute('aria-label', label);
  $('theme').title = label;
};
$('theme').addEventListener('click', () => {
  const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
  localStorage.setItem('theme', next);
  applyTheme(next);
});
applyTheme(THEMES.includes(localStorage.getItem('theme')) ? localStorage.getItem('theme') : 'auto');

const drawAll = () => { drawPlaces(); drawBotState(); drawMembers(); drawSelf(); drawMessages(); drawAnswering(); drawTyping(); drawMembersButton(); fit($('text')); };

// ---- Composer ----

const fit = (box) => { box.style.height = 'auto'; box.style.height = `${Math.min(box.scrollHeight, innerHeight * 0.4)}px`; };
const complain = (text) => { $('problem').hidden = !text; $('problem').replaceChildren(...(text ? [h('span', {}, text), iconButton('close', 'Dismiss', () => complain(''))] : [])); };

/** Text that was put in by choosing someone, and what Discord's clients send for it. */
const chosenMentions = new Map();
const encodeMentions = (content) => [...chosenMentions].sort(([a], [b]) => b.length - a.length).reduce((text, [shown, token]) => text.replaceAll(shown, token), content);
function insertMention(user) {
  const box = $('text');
  const shown = `@${userName(user)}`;
  chosenMentions.set(shown, `<@${user.id}>`);
  box.setRangeText(`${shown} `, box.selectionStart, box.selectionEnd, 'end');
  box.focus();
}

function drawAnswering() {
  const message = listNow().find((each) => each.id === state.replyTo);
  $('answering').hidden = !message;
  $('answering').replaceChildren(...(message ? [h('span', {}, 'Replying to ', h('b', {}, userName(message.author))), iconButton('close', 'Stop replying', stopReply)] : []));
}

/** Messages go out one after the other, in the order in which they were typed. */
let sending = Promise.resolve();
function sendText() {
  const box = $('text');
  const typed = box.value;
  const content = encodeMentions(typed.trim());
  if (!content || !state.channel) return;
  const target = { as: state.me.id, channel_id: state.channel, content, ...(state.replyTo ? { reply_to: state.replyTo } : {}) };
  box.value = '';
  changed();
  stopReply();
  complain('');
  sending = sending.then(async () => {
    try { receive('message_create', await api('POST', '/page/messages', target)); }
    catch (error) {
      complain(`Not sent: ${error.message}`);
      if (!box.value && state.channel === target.channel_id) { box.value = typed; changed(); }
    }
  });
}

const picker = { items: [], at: 0, kind: null };

function showPicker(kind, items, nothing) {
  picker.kind = kind;
  picker.items = items;
  picker.at = 0;
  const box = $('picker');
  box.replaceChildren(...(items.length ? items.map((item, index) => h('div', {
    role: 'option', class: 'entry', id: `pick-${index}`, onmousedown: (event) => event.preventDefault(), onclick: () => item.pick(), onmousemove: () => markPick(index),
  }, item.face, h('span', { class: 'entry-text' }, h('span', {}, item.label), item.detail && h('small', {}, item.detail)), item.hint && h('span', { class: 'entry-hint' }, item.hint)))
    : [h('p', { class: 'nothing' }, nothing)]));
  box.hidden = false;
  $('text').setAttribute('aria-expanded', 'true');
  markPick(0);
}
function markPick(index) {
  picker.at = index;
  [...$('picker').children].forEach((node, at) => {
    if (node.role === 'option') node.setAttribute('aria-selected', String(at === index));
    if (at === index) node.scrollIntoView({ block: 'nearest' });
  });
  if (picker.items.length) $('text').setAttribute('aria-activedescendant', `pick-${index}`);
}
function hidePicker() {
  picker.items = [];
  picker.kind = null;
  $('picker').hidden = true;
  $('text').removeAttribute('aria-activedescendant');
  $('text').setAttribute('aria-expanded', 'false');
}

/** What the text calls for: commands after a leading slash, people and roles after @, channels after #. */
function changed() {
  const box = $('text');
  fit(box);
  const left = 2000 - box.value.length;
  $('count').textContent = left < 200 ? String(left) : '';
  $('count').classList.toggle('over', left < 0);
  if (!box.value) chosenMentions.clear();
  const command = /^\/([^\n]*)$/.exec(box.value);
  if (command) { pickCommand(command[1]); return; }
  const token = /(?:^|[\s(])([@#])([^\s@#]{0,32})$/u.exec(box.value.slice(0, box.selectionStart));
  if (token && state.channel) { pickMention(token[1], token[2].toLowerCase()); return; }
  hidePicker();
}

function pickCommand(typed) {
  const all = invocations();
  const exact = /\s$/.test(typed) && all.find((each) => each.name === typed.trim());
  if (exact && !all.some((each) => each !== exact && each.name.startsWith(`${exact.name} `))) { openSlash(exact); return; }
  const wanted = typed.toLowerCase().trim();
  const rank = (each) => (each.name.startsWith(wanted) ? 0 : each.name.includes(wanted) ? 1 : (each.description ?? '').toLowerCase().includes(wanted) ? 2 : 3);
  const found = all.map((each) => [rank(each), each]).filter(([order]) => order < 3).sort(([a, x], [b, y]) => a - b || x.name.localeCompare(y.name)).slice(0, 50);
  if (!found.length && all.length) { hidePicker(); return; }
  showPicker('/', found.map(([, each]) => ({
    face: avatar(state.bot, 'small'), label: `/${each.name}`, detail: each.description, hint: each.options.map((option) => (option.required ? option.name : `${option.name}?`)).join(' '), pick: () => openSlash(each),
  })), `${botName()} has no slash commands here${state.online ? '' : ' while it is offline'}.`);
}

function pickMention(mark, typed) {
  const fits = (...names) => names.some((name) => name?.toLowerCase().includes(typed));
  const insert = (shown, token) => {
    const box = $('text');
    const start = box.value.slice(0, box.selectionStart).lastIndexOf(mark);
    chosenMentions.set(shown, token);
    box.setRangeText(`${shown} `, start, box.selectionStart, 'end');
    hidePicker();
    changed();
  };
  const found = mark === '@'
    ? [...membersNow().filter(({ user }) => fits(userName(user), user.username)).map(({ user }) => ({ face: avatar(user, 'small'), label: userName(user), detail: user.bot ? 'Bot' : user.username, pick: () => insert(`@${userName(user)}`, `<@${user.id}>`) })),
      ...(guildNow()?.roles ?? []).filter((role) => role.id !== state.guild && fits(role.name)).map((role) => ({ face: icon('people'), label: `@${role.name}`, detail: 'Role', pick: () => insert(`@${role.name}`, `<@&${role.id}>`) }))]
    : (guildNow()?.channels ?? []).filter((channel) => channel.type !== 4 && fits(channel.name)).map((channel) => ({ face: icon('hash'), label: channel.name, pick: () => insert(`#${channel.name}`, `<#${channel.id}>`) }));
  if (found.length) showPicker(mark, found.slice(0, 25)); else hidePicker();
}

function composerKeys(event) {
  if (event.isComposing) return;
  const box = event.currentTarget;
  const open = picker.items.length > 0;
  if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
    markPick((picker.at + (event.key === 'ArrowDown' ? 1 : -1) + picker.items.length) % picker.items.length);
  } else if (open && ((event.key === 'Enter' && !event.shiftKey) || (event.key === 'Tab' && !event.shiftKey))) picker.items[picker.at].pick();
  else if (event.key === 'Escape') {
    if (picker.kind) hidePicker();
    else if (state.replyTo) stopReply();
    else { scrollDown(); return; }
  } else if (event.key === 'Enter' && !event.shiftKey) sendText();
  else if (event.key === 'ArrowUp' && !box.value) {
    const own = listNow().findLast(isOwn);
    if (own) startEdit(own); else focusMessage($('messages').lastElementChild);
  } else return;
  event.preventDefault();
}
$('text').addEventListener('input', changed);
$('text').addEventListener('keydown', composerKeys);
$('text').addEventListener('blur', hidePicker);
$('text').addEventListener('focus', () => { if ($('text').value) changed(); });
$('composer').addEventListener('submit', (event) => { event.preventDefault(); sendText(); $('text').focus(); });
$('newer').addEventListener('click', scrollDown);

function drawTyping() {
  const names = [...state.typing.values()].filter((each) => each.channelId === state.channel).map((each) => userName(findUser(each.userId)));
  $('typing').replaceChildren(...(names.length ? [h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')), h('b', {}, names.slice(0, 3).join(', ')), names.length === 1 ? ' is typing…' : ' are typing…'] : []));
}
function startTyping({ channel_id: channelId, user_id: userId }) {
  if (userId === state.me?.id) return;
  const key = `${channelId}:${userId}`;
  clearTimeout(state.typing.get(key)?.timer);
  // Discord's clients show it for ten seconds, or until the message is there.
  state.typing.set(key, { channelId, userId, timer: setTimeout(() => clearTyping(channelId, userId), 10_000) });
  drawTyping();
}
function clearTyping(channelId, userId) {
  const key = `${channelId}:${userId}`;
  clearTimeout(state.typing.get(key)?.timer);
  if (state.typing.delete(key)) drawTyping();
}

// ---- Slash form ----

const OPTION_TYPES = { 3: 'text', 4: 'whole number', 5: 'yes or no', 6: 'person', 7: 'channel', 8: 'role', 9: 'person or role', 10: 'number', 11: 'file' };

/** Every way to call a command that fits the open place; sub-commands and groups are flattened to "group sub". */
function invocations() {
  const fits = (command) => (command.type ?? 1) === 1
    && (command.guild_id ? command.guild_id === state.guild : state.guild !== null || (command.contexts?.includes(1) ?? command.dm_permission !== false));
  const flatten = (command, path, options, description) => {
    const inner = (options ?? []).filter((option) => option.type === 1 || option.type === 2);
    if (!inner.length) return [{ command, path, name: path.map((step) => step.name).join(' '), description, options: [...(options ?? [])].sort((a, b) => Number(Boolean(b.required)) - Number(Boolean(a.required))) }];
    return inner.flatMap((option) => flatten(command, [...path, option], option.options, option.description));
  };
  return state.commands.filter(fits).flatMap((command) => flatten(command, [command], command.options, command.description));
}

let form = null;

function openSlash(invocation) {
  hidePicker();
  form = { invocation, fields: invocation.options.map(optionField) };
  $('text').value = '';
  fit($('text'));
  $('composer').hidden = true;
  const node = $('slash');
  node.hidden = false;
  node.setAttribute('aria-label', `Command ${invocation.name}`);
  node.replaceChildren(
    h('div', { class: 'slash-head' }, avatar(state.bot, 'small'), h('b', {}, `/${invocation.name}`), h('span', { class: 'about' }, invocation.description), iconButton('close', 'Cancel the command', () => closeSlash())),
    form.fields.length > 0 && h('div', { class: 'options' }, form.fields.map((field) => field.node)),
    h('div', { class: 'slash-foot' }, h('small', {}, 'Enter to send, Escape to cancel'), h('button', { type: 'submit', class: 'button primary' }, 'Send')));
  (form.fields[0]?.input ?? node.querySelector('[type="submit"]')).focus();
  scrollDown();
}

function closeSlash(focus = true) {
  form = null;
  $('slash').hidden = true;
  $('slash').replaceChildren();
  $('composer').hidden = false;
  if (focus) $('text').focus();
}

/** One option of a command: its element, and a function that gives its value or says what is wrong with it. */
function optionField(option) {
  const id = `option-${option.name}`;
  const shared = { id, name: option.name, 'aria-describedby': `${id}-about ${id}-wrong`, 'aria-required': String(Boolean(option.required)) };
  const people = () => membersNow().map(({ user }) => [user.id, userName(user)]);
  const roles = () => (guildNow()?.roles ?? []).map((role) => [role.id, role.id === state.guild ? '@everyone' : role.name]);
  const choose = (...groups) => h('select', shared, h('option', { value: '' }, option.required ? 'Choose…' : '—'),
    groups.map(([label, entries]) => (groups.length > 1 ? h('optgroup', { label }, entries.map(([value, text]) => h('option', { value }, text))) : entries.map(([value, text]) => h('option', { value }, text)))));
  let input;
  if (option.choices?.length) input = choose(['Choices', option.choices.map((choice) => [String(choice.value), choice.name])]);
  else if (option.type === 4 || option.type === 10) input = h('input', { ...shared, type: 'text', inputmode: option.type === 4 ? 'numeric' : 'decimal', autocomplete: 'off' });
  else if (option.type === 5) input = choose(['Choices', [['true', 'True'], ['false', 'False']]]);
  else if (option.type === 6) input = choose(['People', people()]);
  else if (option.type === 7) input = choose(['Channels', channelsNow().filter((channel) => !option.channel_types?.length || option.channel_types.includes(channel.type)).map((channel) => [channel.id, channelName(channel)])]);
  else if (option.type === 8) input = choose(['Roles', roles()]);
  else if (option.type === 9) input = choose(['People', people()], ['Roles', roles()]);
  else if (option.type === 11) input = h('input', { ...shared, type: 'text', disabled: true, placeholder: 'Files are not supported yet' });
  else input = h('input', { ...shared, type: 'text', autocomplete: 'off', maxlength: String(option.max_length ?? 6000) });

  const wrong = h('span', { class: 'wrong', id: `${id}-wrong` });
  const tell = (text) => {
    wrong.textContent = text;
    if (text) input.setAttribute('aria-invalid', 'true'); else input.removeAttribute('aria-invalid');
  };
  input.addEventListener('input', () => tell(''));
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && input.tagName === 'SELECT') { event.preventDefault(); $('slash').requestSubmit(); }
    else if (event.key === 'Backspace' && input.tagName === 'INPUT' && !input.value && form?.fields[0]?.input === input) {
      event.preventDefault();
      const { name } = form.invocation;
      closeSlash();
      $('text').value = `/${name}`;
      changed();
    }
  });

  const bounds = [option.min_value !== undefined && `at least ${option.min_value}`, option.max_value !== undefined && `at most ${option.max_value}`,
    option.min_length && `at least ${option.min_length} characters`, option.max_length && `at most ${option.max_length} characters`].filter(Boolean).join(', ');
  const read = () => {
    // Numbers keep their text as people type it; strings are sent as they are.
    const text = option.type === 3 && !option.choices?.length ? encodeMentions(input.value) : input.value.trim();
    if (!text) return option.required ? { wrong: 'This option is required.' } : {};
    if (option.type === 4 || option.type === 10) {
      const value = Number(text);
      if (option.type === 4 && !Number.isSafeInteger(value)) return { wrong: 'This has to be a whole number.' };
      if (!Number.isFinite(value)) return { wrong: 'This has to be a number.' };
      if (value < (option.min_value ?? -Infinity) || value > (option.max_value ?? Infinity)) return { wrong: `This has to be ${bounds}.` };
      return { value };
    }
    if (option.type === 5) return { value: text === 'true' };
    if (option.type === 3 && !option.choices?.length && (text.length < (option.min_length ?? 0) || text.length > (option.max_length ?? 6000))) return { wrong: `This has to have ${bounds}.` };
    return { value: text };
  };
  const node = h('div', { class: `option ${option.required ? 'required' : ''}` },
    h('label', { for: id }, option.name, h('span', { class: 'kind' }, `${OPTION_TYPES[option.type] ?? 'value'}${option.required ? '' : ', optional'}`)),
    input, h('span', { class: 'about', id: `${id}-about` }, [option.description, bounds && `(${bounds})`].filter(Boolean).join(' ')), wrong);
  return { option, node, input, read, tell };
}

async function sendSlash(event) {
  event.preventDefault();
  const { invocation, fields } = form;
  const values = [];
  let faulty = null;
  for (const field of fields) {
    const { value, wrong } = field.read();
    field.tell(wrong ?? '');
    if (wrong) faulty ??= field;
    else if (value !== undefined) values.push({ name: field.option.name, type: field.option.type, value });
  }
  if (faulty) { faulty.input.focus(); return; }
  const options = invocation.path.slice(1).reduceRight((inner, step) => [{ name: step.name, type: step.type, options: inner }], values);
  const shown = [`/${invocation.name}`, ...values.map(({ name, value }) => `${name}: ${findUser(value)?.username ?? value}`)].join(' ');
  const call = { kind: 'slash', channelId: state.channel, command: shown, phase: 'waiting' };
  closeSlash();
  complain('');
  state.waiting.add(call);
  drawWaiting();
  scrollDown();
  await track(call, '/page/slash', { as: state.me.id, channel_id: state.channel, command_id: invocation.command.id, options });
}
$('slash').addEventListener('submit', sendSlash);
$('slash').addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.preventDefault(); closeSlash(); } });

// ---- Interactions: what waits for the bot ----

/** States that arrived before the answer of the request that names their interaction. */
const early = new Map();

async function track(entry, path, body) {
  const { me } = state;
  try {
    const { interaction_id: id } = await api('POST', path, body);
    entry.id = id;
    const known = early.get(id);
    early.delete(id);
    for (const each of state.waiting) if (each !== entry && each.id === id) state.waiting.delete(each);
    if (known) interactionChanged(known);
  } catch (error) {
    if (state.me === me) fail(entry, error.message);
  }
  drawWaiting();
}

/** A click's failure is shown below its message; a command's is a message that only its user sees, where it happened. */
function fail(entry, error) {
  if (entry.kind === 'click') {
    entry.phase = 'failed';
    entry.error = error;
    return;
  }
  state.waiting.delete(entry);
  addMessage({
    id: entry.id ?? `${room(entry.channelId).list.at(-1)?.id ?? ''}0`, channel_id: entry.channelId, type: 20, flags: EPHEMERAL, failed: true, author: state.bot,
    content: error || 'The application did not respond', timestamp: new Date().toISOString(), interaction_metadata: { user: state.me, name: entry.command.replace(/^\//, '') },
  });
}

function interactionChanged(data) {
  let entry = [...state.waiting].find((each) => each.id === data.id);
  if (!entry) {
    early.set(data.id, data);
    if (early.size > 50) early.delete(early.keys().next().value);
    // An own command that was sent elsewhere, or whose request is still under way.
    const underWay = [...state.waiting].some((each) => !each.id && each.phase === 'waiting');
    if (underWay || data.state === 'answered' || data.state === 'autocomplete' || !data.command) return;
    entry = { kind: data.message_id && data.state !== 'deferred' ? 'click' : 'slash', id: data.id, channelId: data.channel_id, messageId: data.message_id, command: `/${data.command}` };
    if (data.state !== 'modal') state.waiting.add(entry);
  }
  if (data.state === 'answered') state.waiting.delete(entry);
  else if (data.state === 'modal') { state.waiting.delete(entry); openModal(data.id, data.modal ?? {}); }
  else if (data.state === 'failed') fail(entry, data.error);
  else if (data.state === 'waiting' || data.state === 'deferred') { entry.phase = data.state; entry.answerId = data.message_id; }
  drawWaiting();
}

let waitingShown = false;
function drawWaiting() {
  if (!state.waiting.size && !waitingShown) return;
  waitingShown = state.waiting.size > 0;
  for (const node of $('messages').querySelectorAll('[aria-busy]')) node.removeAttribute('aria-busy');
  for (const node of $('messages').querySelectorAll('.failure:not([hidden])')) node.hidden = true;
  const rows = [];
  const list = listNow();
  for (const entry of state.waiting) {
    if (entry.channelId !== state.channel) continue;
    if (entry.kind === 'click') {
      const node = $(`m-${entry.messageId}`);
      if (entry.phase === 'failed') {
        const note = node?.querySelector('.failure');
        if (note) { note.hidden = false; note.textContent = entry.error || 'This interaction failed'; }
      } else if (entry.customId) node?.querySelector(`[data-custom-id="${CSS.escape(entry.customId)}"]`)?.setAttribute('aria-busy', 'true');
      continue;
    }
    // A deferred answer may already stand in the list as a message that says "thinking".
    if (list.some((message) => message.id === entry.answerId || (isLoading(message) && usedCommand(message)?.id === entry.id))) continue;
    rows.push(h('li', { class: 'message start' },
      h('div', { class: 'quoted' }, avatar(state.me, 'tiny'), h('b', {}, userName(state.me)), ' used ', h('span', { class: 'command' }, entry.command)),
      h('div', { class: 'row' }, h('div', { class: 'gutter' }, avatar(state.bot)), h('div', { class: 'body' },
        h('div', { class: 'head' }, h('span', { class: 'author', style: memberColour(state.bot?.id) ? { '--role': memberColour(state.bot.id) } : {} }, botName()), tag(state.bot)),
        h('div', { class: 'content thinking' }, h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')), entry.phase === 'deferred' ? `${botName()} is thinking…` : 'Sending command…')))));
  }
  $('pending').replaceChildren(...rows);
  if (stuck && rows.length) scrollDown();
}

// ---- Dialogs ----

function openDialog(title, content, buttons) {
  const dialog = h('dialog', { 'aria-label': title }, h('form', { method: 'dialog' }, h('h2', {}, title), content, h('div', { class: 'dialog-foot' }, buttons)));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

const confirmDialog = (title, text, yes) => new Promise((resolve) => {
  const dialog = openDialog(title, h('p', { class: 'excerpt' }, text), [
    h('button', { type: 'submit', value: 'no', class: 'button secondary' }, 'Cancel'), h('button', { type: 'submit', value: 'yes', class: 'button danger', autofocus: true }, yes)]);
  dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'));
});

/** The inputs of a modal, whether they stand in rows (type 1) or in labels (type 18). */
function modalFields(components) {
  const fields = [];
  const nodes = (components ?? []).flatMap(function walk(component, index, all, label = {}) {
    if (component.type === 1) return (component.components ?? []).map((each) => walk(each));
    if (component.type === 18) return walk(component.component ?? {}, 0, [], { label: component.label, description: component.description });
    if (component.type === 10) return h('div', { class: 'content' }, markdown(component.content ?? ''));
    const id = `modal-${fields.length}`;
    const required = component.required !== false;
    let input;
    if (component.type === 4) {
      const props = { id, required, minlength: component.min_length, maxlength: component.max_length ?? 4000, placeholder: component.placeholder, autocomplete: 'off' };
      input = component.style === 2 ? h('textarea', { ...props, rows: '4' }) : h('input', { ...props, type: 'text' });
      input.value = component.value ?? '';
      fields.push({ id: component.custom_id, read: () => input.value });
    } else if ([3, 5, 6, 7, 8].includes(component.type)) {
      const most = component.max_values ?? 1;
      input = h('select', { id, required, multiple: most > 1 }, most > 1 ? null : h('option', { value: '' }, component.placeholder ?? 'Choose…'),
        selectEntries(component).map((entry) => h('option', { value: entry.value, selected: entry.chosen }, entry.label)));
      fields.push({ id: component.custom_id, read: () => [...input.selectedOptions].map((option) => option.value).filter(Boolean) });
    } else return h('p', { class: 'nothing' }, `A field of type ${component.type}, which this page does not show.`);
    return h('div', { class: 'modal-field' }, h('label', { for: id }, label.label ?? component.label ?? component.custom_id, required ? h('span', { class: 'star', 'aria-hidden': 'true' }, ' *') : null),
      label.description && h('small', {}, label.description), input);
  });
  return { fields, nodes };
}

function openModal(interactionId, modal) {
  const { fields, nodes } = modalFields(modal.components);
  const note = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const dialog = openDialog(modal.title ?? 'Form', [h('p', { class: 'from' }, avatar(state.bot, 'tiny'), ` This form was made by ${botName()}.`), nodes, note], [
    h('button', { type: 'button', class: 'button secondary', onclick: () => dialog.close() }, 'Cancel'), h('button', { type: 'submit', class: 'button primary' }, 'Submit')]);
  dialog.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      await api('POST', '/page/modal', { as: state.me.id, interaction_id: interactionId, values: Object.fromEntries(fields.map((field) => [field.id, field.read()])) });
      dialog.close();
    } catch (error) {
      note.hidden = false;
      note.textContent = error.status === 404 || error.status === 405 ? 'This sandbox does not take forms yet. Nothing was sent.' : error.message;
    }
  });
  dialog.querySelector('.modal-field :is(input, textarea, select)')?.focus();
}

// ---- Live connection ----

class PageError extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

async function api(method, path, body) {
  let response;
  try {
    response = await fetch(path, { method, headers: body ? { 'content-type': 'application/json' } : {}, body: body ? JSON.stringify(body) : undefined });
  } catch { throw new PageError(0, 'The sandbox cannot be reached.'); }
  const text = await response.text();
  let data = null;
  try { data = text ? JSON.parse(text) : null; } catch { /* An error page of something that is not the sandbox. */ }
  if (!response.ok) throw new PageError(response.status, data?.message ?? `${response.status} ${response.statusText}`);
  return data;
}

const wanted = { as: new URLSearchParams(location.search).get('as') ?? '', channel: new URLSearchParams(location.search).get('channel') };
let socket = null;
let retryTimer = null;
let attempts = 0;

function connect() {
  clearTimeout(retryTimer);
  const own = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/page/live?as=${encodeURIComponent(wanted.as)}`);
  const before = socket;
  socket = own;
  before?.close();
  let opened = false;
  own.addEventListener('open', () => { opened = true; });
  own.addEventListener('message', ({ data }) => {
    if (own !== socket) return;
    let event;
    try { event = JSON.parse(data); } catch { return; }
    receive(event.type, event.data);
  });
  own.addEventListener('close', async () => {
    if (own !== socket) return;
    attempts += 1;
    showConnection(false);
    // A sandbox that was started anew may not know the person that this page wants to be.
    if (!opened && wanted.as && await fetch('/page/app.js', { method: 'HEAD' }).then((answer) => answer.ok, () => false)) wanted.as = '';
    if (own !== socket) return;
    retryTimer = setTimeout(connect, Math.min(5000, 200 * 2 ** Math.min(attempts, 6)));
  });
}

function showConnection(connected) {
  const box = $('connection');
  box.hidden = connected;
  document.body.classList.toggle('disconnected', !connected);
  box.replaceChildren(...(connected ? [] : [h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')), h('span', {}, 'Not connected to the sandbox. Trying again…'), h('button', { type: 'button', class: 'plain', onclick: connect }, 'Try now')]));
}
addEventListener('online', () => { if (document.body.classList.contains('disconnected')) connect(); });

function takeState(data) {
  const samePerson = state.me?.id === data.me.id;
  attempts = 0;
  showConnection(true);
  Object.assign(state, { me: data.me, bot: data.bot, online: data.online, people: data.people ?? [], guilds: data.guilds ?? [], dms: data.dms ?? [], commands: data.commands ?? [] });
  // What was missed while away is read anew; hidden messages exist only here, so they are kept for the same person.
  const kept = samePerson ? [...state.rooms].map(([id, { list }]) => [id, { list: list.filter(isHidden), loaded: false, gone: new Set() }]) : [];
  state.rooms = new Map(kept);
  state.waiting.clear();
  early.clear();
  for (const { timer } of state.typing.values()) clearTimeout(timer);
  state.typing.clear();
  if (!samePerson) { state.unread.clear(); state.drafts.clear(); state.replyTo = null; state.editing = null; }
  wanted.as = data.me.id;
  const channel = findChannel(state.channel ?? wanted.channel);
  // Someone else's direct messages have another id: stay in direct messages, with one's own.
  if (channel) {
    if (form && samePerson) { drawAll(); loadRoom(channel.id); } else openChannel(channel.id);
  } else openGuild(state.channel && state.guild === null ? null : state.guilds[0]?.id ?? null);
  rememberPlace();
}

function receive(type, data) {
  switch (type) {
    case 'state': takeState(data); break;
    case 'message_create': addMessage(data); break;
    case 'message_update': updateMessage(data); break;
    case 'message_delete': removeMessage(data.channel_id, data.id); break;
    case 'typing': startTyping(data); break;
    case 'interaction': interactionChanged(data); break;
    case 'commands': state.commands = data; if (picker.kind === '/') changed(); break;
    case 'bot': state.online = data.online; drawBotState(); drawMembers(); break;
    case 'people': state.people = data; drawMembers(); break;
    case 'member_add': addMember(data); break;
    case 'rest_error': state.restErrors.unshift({ ...data, at: new Date() }); state.restErrors.length = Math.min(state.restErrors.length, 50); drawRestErrors(); break;
    default: break;
  }
}

function addMember(data) {
  const guild = state.guilds.find((each) => each.id === data.guild_id);
  const member = data.member ?? data;
  if (!guild || !member.user) return;
  guild.members = [...(guild.members ?? []).filter((each) => each.user?.id !== member.user.id), member];
  drawMembers();
}

function drawRestErrors() {
  const box = $('rest');
  const all = state.restErrors;
  box.hidden = !all.length;
  if (!all.length) { box.open = false; return; }
  const [last] = all;
  box.querySelector('summary').replaceChildren(h('span', { class: 'badge' }, String(all.length)), h('span', { class: 'rest-title' }, `${botName()}'s request was refused`), h('code', {}, `${last.method} ${last.path}`), h('b', {}, String(last.status)),
    iconButton('close', 'Clear these errors', (event) => { event.preventDefault(); state.restErrors = []; drawRestErrors(); }));
  box.querySelector('ol').replaceChildren(...all.map((error) => h('li', {}, timeElement(error.at, CLOCK.format(error.at), 'when'), h('code', {}, `${error.method} ${error.path}`), h('b', {}, String(error.status)),
    h('pre', { tabindex: '0' }, typeof error.body === 'string' ? prettyJson(error.body) : JSON.stringify(error.body, null, 2)))));
}
const prettyJson = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } };

addEventListener('keydown', (event) => {
  if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
    const open = [...document.querySelectorAll('.channel:not(:disabled)')];
    const at = open.findIndex((node) => node.dataset.channel === state.channel);
    open[(at + (event.key === 'ArrowDown' ? 1 : -1) + open.length) % open.length]?.click();
    event.preventDefault();
  } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && document.activeElement === document.body && !$('composer').hidden) $('text').focus();
});

drawAll();
connect();
