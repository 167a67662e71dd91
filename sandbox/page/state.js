// What the page knows: the server's last `state`, kept up to date by its events, and which place is open.
// Looking things up lives here; drawing them does not.

export const state = {
  me: null, bot: null, online: false, presence: null, people: [], guilds: [], dms: [], commands: [],
  /** The open place: a guild's id or null for direct messages, and a channel's id. */
  guild: null, channel: null,
  /** channel id -> { list, loaded, complete, gone }: messages of channels that were opened, oldest first. */
  rooms: new Map(),
  unread: new Map(),
  drafts: new Map(),
  typing: new Map(),
  /** Commands and clicks that wait for the bot's answer, and those it left unanswered. */
  waiting: new Set(),
  /** The first message of the open channel that came while another was open. */
  newFrom: null,
  replyTo: null, editing: null,
};

export const KEPT_MESSAGES = 400;
/** When older ones are read, the newest go, so that no history makes the page slow. */
export const MOST_MESSAGES = 600;
export const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
export const TEXT_CHANNELS = new Set([0, 1, 3, 5, 10, 11, 12]);
export const THREADS = new Set([10, 11, 12]);
export const FORUMS = new Set([15, 16]);
/** What can be opened in the middle of the page. */
export const canOpen = (channel) => TEXT_CHANNELS.has(channel.type) || FORUMS.has(channel.type);
export const isArchived = (channel) => Boolean(channel.thread_metadata?.archived);
export const isPost = (channel) => THREADS.has(channel.type) && FORUMS.has(findChannel(channel.parent_id)?.type);

export const guildNow = () => state.guilds.find((guild) => guild.id === state.guild) ?? null;
export const channelsNow = () => guildNow()?.channels ?? state.dms;
export const findChannel = (id) => [...state.guilds.flatMap((guild) => guild.channels ?? []), ...state.dms].find((channel) => channel.id === id) ?? null;
export const guildOfChannel = (id) => state.guilds.find((guild) => guild.channels?.some((channel) => channel.id === id)) ?? null;
export const membersNow = () => guildNow()?.members ?? [state.bot, state.me].filter(Boolean).map((user) => ({ user, roles: [] }));
/** Lists that never change in place, by the id of what is in them. */
const indexes = new WeakMap();
const byIdIn = (list, idOf) => {
  if (!list) return null;
  if (!indexes.has(list)) indexes.set(list, new Map(list.map((each) => [idOf(each), each])));
  return indexes.get(list);
};
export const memberOf = (userId, guild = guildNow()) => byIdIn(guild?.members, (member) => member.user?.id)?.get(userId) ?? null;
/** How a person is there, where that is another than online. */
export const presenceIn = (userId) => byIdIn((guildNow() ?? state.guilds[0])?.presences, (presence) => presence.user.id)?.get(userId) ?? null;
export const findUser = (id) => {
  if (id === state.bot?.id) return state.bot;
  if (id === state.me?.id) return state.me;
  const person = byIdIn(state.people, (user) => user.id)?.get(id);
  if (person) return person;
  for (const guild of state.guilds) { const member = memberOf(id, guild); if (member) return member.user; }
  return null;
};
export const findRole = (id) => byIdIn(guildNow()?.roles, (role) => role.id)?.get(id) ?? null;
export const userName = (user) => memberOf(user?.id)?.nick ?? user?.global_name ?? user?.username ?? 'someone';
export const botName = () => (state.bot ? userName(state.bot) : 'The bot');
export const channelName = (channel) => (channel.type === 1 ? channel.recipients?.filter((user) => user.id !== state.me?.id).map(userName).join(', ') || botName() : channel.name ?? 'channel');
export const roleColour = (role) => {
  const colour = role?.color || role?.colors?.primary_color;
  return colour ? `#${colour.toString(16).padStart(6, '0')}` : null;
};
export const memberColour = (userId) => {
  const roles = (memberOf(userId)?.roles ?? []).map(findRole).filter((role) => roleColour(role));
  return roleColour(roles.sort((a, b) => b.position - a.position)[0]);
};
/** Snowflakes in order of age; they are longer than a JavaScript number is exact. */
export const byId = (a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

export const isHidden = (message) => Boolean((message.flags ?? 0) & EPHEMERAL);
export const isLoading = (message) => Boolean((message.flags ?? 0) & LOADING);
export const isOwn = (message) => message.author?.id === state.me?.id && !isHidden(message) && (message.type === 0 || message.type === 19);
export const usedCommand = (message) => message.interaction_metadata ?? message.interaction ?? null;
export const commandName = (message) => message.interaction?.name ?? message.interaction_metadata?.name ?? null;
export const mentionsMe = (message) => Boolean(state.me) && message.author?.id !== state.me.id && (
  message.mention_everyone
  || message.mentions?.some((user) => user.id === state.me.id)
  || message.mention_roles?.some((role) => memberOf(state.me.id)?.roles?.includes(role)));

export const room = (channelId) => {
  if (!state.rooms.has(channelId)) state.rooms.set(channelId, { list: [], loaded: false, gone: new Set() });
  return state.rooms.get(channelId);
};
export const listNow = () => state.rooms.get(state.channel)?.list ?? [];
