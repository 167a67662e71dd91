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
  let hue = 0;
  for (const digit of String(user?.id ?? name)) hue = (hue * 31 + digit.codePointAt(0)) % 360;
  return h('span', { class: `avatar ${kind} ${user?.bot ? 'bot' : ''}`, style: { '--hue': String(hue) }, 'aria-hidden': 'true' }, initials);
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
  const classes = ['message', start && 'start', system && 'system', mentionsMe(message) && 'mentioned', isHidden(message) && 'ephemeral',
    state.replyTo === message.id && 'answered'].filter(Boolean);
  const name = h('button', { type: 'button', class: 'author', style: memberColour(author.id) ? { '--role': memberColour(author.id) } : {}, onclick: (event) => openCard(event.currentTarget, author) }, userName(author));

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
    const text = h('div', { class: 'content' }, markdown(message.content));
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
const focusMessage = (node) => {
  if (!node) return;
  for (const each of $('messages').querySelectorAll('[tabindex="0"].message')) each.tabIndex = -1;
  if (node.matches('.message')) node.tabIndex = 0;
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
const atBottom = () => { const box = $('scroller'); return box.scrollHeight - box.scrollTop - box.clientHeight < 90; };
let scrollWanted = false;
const scrollDown = () => {
  if (scrollWanted) return;
  scrollWanted = true;
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
    drawPlaces();
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
  const follow = own || atBottom();
  $('messages').append(messageNode(message, target.list.at(-2)));
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
  const follow = atBottom();
  drawMessage(message.id);
  if (follow) scrollDown();
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
  fresh.tabIndex = old.tabIndex;
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
    h('p', {}, direct ? `What you and ${channelName(channel)} write to each other, seen by nobody else.` : channel.topic || 'This is where the channel begins. Say something, or type / to see the commands.'));
  $('messages').append(...list.map((message, index) => messageNode(message, list[index - 1])));
  drawWaiting();
  scrollDown();
}
