// A channel's threads beside it: those that are active and those in the archive; and what is to be known where one writes
// in a thread of the archive.

import { $, h, icon } from './dom.js';
import { channelName, findChannel, FORUMS, isArchived, state, THREADS, userName } from './state.js';
import { relativeTime } from './time.js';
import { may } from './permissions.js';
import { closeResults, isShown, showResults } from './results.js';
import { openThreadForm } from './menus.js';
import { openChannel } from './places.js';
import { complain } from './composer.js';
import { api } from './server.js';

/** The channel whose threads are meant: the open one, or that of the open thread. */
const parentNow = () => { const channel = findChannel(state.channel); return channel && THREADS.has(channel.type) ? findChannel(channel.parent_id) : channel; };
let archived = [];
let total = 0;

const entry = (thread, when, owner = null) => h('button', { type: 'button', class: 'thread-entry', 'aria-current': thread.id === state.channel ? 'page' : null, onclick: () => openChannel(thread.id) },
  h('b', {}, thread.name, ' ', thread.type === 12 || thread.thread_metadata?.locked ? icon('lock') : ''),
  h('small', {}, [owner && `By ${userName(owner)}`, `${thread.message_count ?? 0} message${thread.message_count === 1 ? '' : 's'}`].filter(Boolean).join(' · '), ' · ', when));
const ago = (iso) => h('time', { class: 'relative', datetime: iso }, relativeTime(new Date(iso)));

async function readArchive(parent, more = false) {
  const answer = await api('GET', `/page/threads/archived?${new URLSearchParams({ as: state.me.id, channel_id: parent.id, offset: String(more ? archived.length : 0) })}`);
  archived = more ? [...archived, ...answer.threads] : answer.threads;
  total = answer.total;
}

function show(parent) {
  const active = (state.guilds.find((guild) => guild.id === parent.guild_id)?.channels ?? []).filter((each) => each.parent_id === parent.id && THREADS.has(each.type) && !isArchived(each));
  const forum = FORUMS.has(parent.type);
  const what = forum ? 'posts' : 'threads';
  const more = async () => { try { await readArchive(parent, true); show(parent); } catch (error) { complain(error.message); } };
  showResults(forum ? 'Posts' : 'Threads', 'threads', [
    !forum && may('CreatePublicThreads', parent.id) && h('button', { type: 'button', class: 'button primary', onclick: () => openThreadForm(null, parent.id) }, icon('plus'), 'Create thread'),
    h('h3', {}, `Active — ${active.length}`), active.length ? active.map((thread) => entry(thread, thread.member ? 'you are in it' : 'you are not in it')) : h('p', { class: 'nothing' }, `No ${what} are active in ${channelName(parent)}.`),
    h('h3', {}, `Archived — ${total}`), archived.length ? archived.map((thread) => entry(thread, ['archived ', ago(thread.thread_metadata.archive_timestamp)], thread.owner)) : h('p', { class: 'nothing' }, `No ${what} are in the archive.`),
    archived.length < total && h('button', { type: 'button', class: 'button secondary', onclick: more }, 'Show more'),
  ].flat().filter(Boolean));
}

/** Opens the list, or closes it. */
export async function showThreads() {
  if (isShown('threads')) { closeResults(); return; }
  const parent = parentNow();
  if (!parent) return;
  try {
    await readArchive(parent);
    show(parent);
    $('results').querySelector('.thread-entry, button')?.focus();
  } catch (error) { complain(error.message); }
}
addEventListener('places', async () => {
  const parent = parentNow();
  if (!isShown('threads') || !parent) return;
  try { await readArchive(parent); if (isShown('threads')) show(parent); } catch { /* It shows what it showed. */ }
});
$('show-threads').addEventListener('click', showThreads);

/** What the open thread's state means for who writes in it. */
export function drawThreadNote() {
  const channel = findChannel(state.channel);
  const isThread = Boolean(channel && THREADS.has(channel.type));
  const locked = isThread && channel.thread_metadata?.locked;
  const closed = isThread && isArchived(channel);
  $('show-threads').hidden = ![0, 5, 15, 16].includes(parentNow()?.type);
  $('thread-note').hidden = !locked && !closed;
  const allowed = !locked || may('ManageThreads', channel.id);
  $('thread-note').replaceChildren(icon(locked ? 'lock' : 'thread'), h('span', {}, !allowed ? 'This thread is locked: only those who manage threads can write in it.'
    : closed ? 'This thread is in the archive. Sending a message takes it out again.' : 'This thread is locked, but you manage threads and can write in it.'));
  return allowed;
}
