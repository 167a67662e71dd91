// Forums: the list of posts with what each began with, and the form for a new one. An opened post is a thread like others.

import { $, arrowKeys, h, icon, keepFocus } from './dom.js';
import { channelName, findChannel, FORUMS, isArchived, isPost, state, userName } from './state.js';
import { customEmoji, markdown } from './markdown.js';
import { relativeTime } from './time.js';
import { may } from './permissions.js';
import { avatar, tag } from './people.js';
import { openChannel } from './places.js';
import { api } from './server.js';

/** Flag of forums in which every post has a tag. */
const REQUIRES_TAG = 1 << 4;
const MOST_TAGS = 5;

/** The open forum: its posts as they were read last, and what is chosen and written here. */
let shown = null;

const post = (id) => shown?.posts.find(({ thread }) => thread.id === id);
const textOf = (content) => h('span', {}, markdown(content, { inline: true })).textContent.trim();
const tagNode = (each) => h('span', { class: 'post-tag' }, each.emoji_id ? customEmoji({ id: each.emoji_id, name: each.emoji_name ?? each.name }) : each.emoji_name, ' ', each.name);
/** The tags of a post, as its forum has them. */
export const tagsOf = (thread) => (findChannel(thread.parent_id)?.available_tags ?? []).filter((each) => thread.applied_tags?.includes(each.id)).map(tagNode);

/** Shows the open channel as a forum, if it is one. */
export function drawForum() {
  const forum = findChannel(state.channel);
  const is = Boolean(forum && FORUMS.has(forum.type));
  document.body.classList.toggle('forum-open', is);
  $('forum').hidden = !is;
  if (!is) { shown = null; $('forum').replaceChildren(); return; }
  if (shown?.id !== forum.id || shown.as !== state.me.id) {
    shown = { id: forum.id, as: state.me.id, posts: [], total: 0, tag: null, writing: null, read: false };
    layFrame();
    readPosts();
  }
  draw();
}

function layFrame() {
  $('forum').replaceChildren(h('header', { class: 'forum-head' }), h('div', { class: 'forum-posts' }));
  arrowKeys($('forum').lastElementChild, 'post');
}

async function readPosts() {
  const own = shown;
  if (!own) return;
  try {
    const answers = [];
    // As many as were shown before, and one page at least.
    do answers.push(await api('GET', `/page/posts?${new URLSearchParams({ as: own.as, channel_id: own.id, offset: String(answers.reduce((sum, { posts }) => sum + posts.length, 0)) })}`));
    while (answers.at(-1).posts.length && answers.reduce((sum, { posts }) => sum + posts.length, 0) < own.wanted);
    if (shown !== own) return;
    Object.assign(own, { posts: answers.flatMap(({ posts }) => posts), total: answers.at(-1).total, read: true, problem: null });
  } catch (error) { if (shown !== own) return; own.problem = error.message; }
  draw();
}

let readWanted = false;
/** Something was said or changed in a post: the list is read anew, once for a burst. */
export function forumChanged(channelId) {
  if (!shown || readWanted) return;
  const thread = findChannel(channelId);
  if (channelId !== shown.id && thread?.parent_id !== shown.id && !post(channelId)) return;
  readWanted = true;
  requestAnimationFrame(() => { readWanted = false; readPosts(); });
}
addEventListener('places', () => { if (shown) { forumChanged(shown.id); drawForum(); } });

function draw() {
  if (!shown || !$('forum').firstElementChild) return;
  const forum = findChannel(shown.id);
  $('messages').setAttribute('aria-busy', String(!shown.read));
  const [head, list] = $('forum').children;
  if (!shown.writing) {
    const tags = forum.available_tags ?? [];
    head.replaceChildren(h('div', { class: 'forum-bar' },
      h('button', { type: 'button', class: 'button primary', id: 'new-post', disabled: !may('SendMessages', forum.id), onclick: openForm }, icon('plus'), 'New post'),
      tags.length ? h('div', { class: 'post-tags', role: 'group', 'aria-label': 'Show posts with a tag' }, tags.map((each) => h('button', { type: 'button', class: 'post-tag', 'aria-pressed': String(shown.tag === each.id), onclick: (event) => { shown.tag = shown.tag === each.id ? null : each.id; draw(); [...$('forum').querySelectorAll('.forum-bar .post-tag')].find((node) => node.textContent === event.target.closest('button')?.textContent)?.focus(); } }, [...tagNode(each).childNodes]))) : '',
      h('span', { class: 'soft' }, shown.read ? `${shown.total} post${shown.total === 1 ? '' : 's'}` : 'Reading…')),
    forum.topic ? h('p', { class: 'forum-topic' }, markdown(forum.topic, { inline: true })) : '');
  }
  const fits = ({ thread }) => !shown.tag || thread.applied_tags?.includes(shown.tag);
  const [active, older] = [false, true].map((archived) => shown.posts.filter((each) => fits(each) && isArchived(each.thread) === archived));
  keepFocus(list, 'post', () => list.replaceChildren(...[
    shown.problem && h('p', { class: 'wrong', role: 'alert' }, shown.problem),
    shown.read && !active.length && !older.length && h('p', { class: 'nothing' }, shown.tag ? 'No post has this tag.' : 'There are no posts yet. Write the first one.'),
    active.length > 0 && h('ol', { 'aria-label': `Posts in ${channelName(forum)}` }, active.map(postNode)),
    older.length > 0 && h('h3', {}, 'Older posts'),
    older.length > 0 && h('ol', { 'aria-label': 'Older posts' }, older.map(postNode)),
    shown.posts.length < shown.total && h('button', { type: 'button', class: 'button secondary', onclick: () => { shown.wanted = shown.posts.length + 1; readPosts(); } }, 'Show more'),
  ].filter(Boolean)));
}

function postNode({ thread, owner, message, last_activity: last }) {
  const unread = state.unread.get(thread.id);
  const author = message?.author ?? owner;
  const picture = message?.attachments?.find((each) => each.content_type?.startsWith('image/') && new URL(each.url, location.href).origin === location.origin && !each.filename.startsWith('SPOILER_'));
  const replies = thread.message_count ?? 0;
  return h('li', {}, h('button', { type: 'button', class: `post ${unread ? 'unread' : ''}`, 'data-post': thread.id, onclick: () => openPost(thread.id) },
    h('span', { class: 'post-main' },
      thread.applied_tags?.length > 0 && h('span', { class: 'post-tags' }, tagsOf(thread)),
      h('span', { class: 'post-title' }, thread.name, thread.thread_metadata?.locked && icon('lock')),
      h('span', { class: 'post-text' }, avatar(author, 'tiny'), h('b', {}, userName(author)), tag(author), h('span', {}, message ? textOf(message.content) || (message.attachments?.length ? 'Files' : 'A message without text') : 'The first message was deleted')),
      h('span', { class: 'post-foot' }, icon('thread'), h('span', {}, `${replies} repl${replies === 1 ? 'y' : 'ies'}`), unread && h('b', {}, `${unread.count} new`), h('span', { 'aria-hidden': 'true' }, '·'), h('time', { class: 'relative', datetime: last, title: new Date(last).toLocaleString() }, relativeTime(new Date(last))))),
    picture && h('img', { class: 'post-picture', src: picture.url, alt: '', loading: 'lazy' })));
}

/** A post that came just now may be known to the list before the server's news of it is here. */
const openPost = (id) => { if (findChannel(id)) openChannel(id); else addEventListener('places', () => openChannel(id), { once: true }); };

function openForm() {
  const forum = findChannel(shown.id);
  const title = h('input', { type: 'text', id: 'post-title', required: true, maxlength: '100', autocomplete: 'off', placeholder: 'Title' });
  const text = h('textarea', { id: 'post-text', rows: '4', required: true, maxlength: '2000', placeholder: 'Write a message…' });
  const note = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const moderates = may('ManageThreads', forum.id);
  const chosen = new Set();
  const tags = (forum.available_tags ?? []).filter((each) => !each.moderated || moderates);
  const required = ((forum.flags ?? 0) & REQUIRES_TAG) !== 0;
  const leave = () => { shown.writing = null; draw(); $('new-post').focus(); };
  const choose = (each) => h('button', { type: 'button', class: 'post-tag', 'aria-pressed': 'false', onclick: (event) => {
    if (!chosen.delete(each.id) && chosen.size < MOST_TAGS) chosen.add(each.id);
    event.currentTarget.setAttribute('aria-pressed', String(chosen.has(each.id)));
  } }, [...tagNode(each).childNodes]);
  const form = h('form', { class: 'post-form', 'aria-label': 'New post', onsubmit: async (event) => {
    event.preventDefault();
    const own = shown;
    try {
      const made = await api('POST', '/page/posts', { as: state.me.id, channel_id: forum.id, name: title.value, content: text.value, tags: [...chosen] });
      if (shown !== own) return;
      shown.writing = null;
      openPost(made.id);
    } catch (error) { note.hidden = false; note.textContent = error.message; }
  } },
  h('label', { class: 'aside', for: 'post-title' }, 'Title'), title, h('label', { class: 'aside', for: 'post-text' }, 'Message'), text,
  tags.length > 0 && h('div', { class: 'post-tags', role: 'group', 'aria-label': required ? 'Tags, at least one' : 'Tags' }, tags.map(choose)),
  note, h('div', { class: 'forum-bar' }, h('button', { type: 'submit', class: 'button primary' }, icon('send'), 'Post'), h('button', { type: 'button', class: 'button text', onclick: leave }, 'Cancel'), h('span', { class: 'soft' }, 'Escape leaves, Ctrl+Enter posts')));
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') leave();
    else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  shown.writing = form;
  $('forum').firstElementChild.replaceChildren(form);
  title.focus();
}

/** Where a thread belongs, as the way back to it. */
export function parentLink(channel) {
  const parent = channel && findChannel(channel.parent_id);
  if (!parent || (!isPost(channel) && !channel.thread_metadata)) return null;
  return h('button', { type: 'button', class: 'parent-link', 'aria-label': `Back to ${channelName(parent)}`, onclick: () => openChannel(parent.id) }, icon(FORUMS.has(parent.type) ? 'forum' : 'hash'), h('span', {}, channelName(parent)), h('span', { class: 'soft', 'aria-hidden': 'true' }, '›'));
}
