// Polls: the answers to choose from, what people have voted, and the form to ask with one.

import { h, openDialog } from './dom.js';
import { state } from './state.js';
import { relativeTime } from './time.js';
import { complain } from './composer.js';
import { api } from './server.js';
import { drawMessage } from './timeline.js';

const emojiOf = (media) => (media?.emoji ? (media.emoji.id ? `:${media.emoji.name}:` : media.emoji.name) : null);
/** Message id -> answers that are ticked and not sent yet; or that somebody looks at the results. */
const ticked = new Map();
const looking = new Set();

export function pollNode(message) {
  const { poll } = message;
  const answers = poll.answers ?? [];
  const votersOf = (answer) => answer.voters ?? [];
  const total = answers.reduce((sum, answer) => sum + votersOf(answer).length, 0);
  const own = answers.filter((answer) => votersOf(answer).includes(state.me?.id)).map((answer) => answer.answer_id);
  const ended = poll.results?.is_finalized || (poll.expiry && new Date(poll.expiry) < new Date());
  const shown = ended || own.length > 0 || looking.has(message.id);
  const chosen = ticked.get(message.id) ?? new Set();
  const again = () => drawMessage(message.id);
  const vote = async (wanted) => {
    ticked.delete(message.id);
    looking.delete(message.id);
    try { await api('POST', '/page/votes', { as: state.me.id, channel_id: message.channel_id, message_id: message.id, answers: wanted }); }
    catch (error) { complain(error.message); }
  };
  const tick = (id) => {
    const next = new Set(poll.allow_multiselect ? chosen : []);
    if (chosen.has(id)) next.delete(id); else next.add(id);
    ticked.set(message.id, next);
    again();
  };
  const lines = answers.map((answer) => {
    const text = answer.poll_media?.text ?? '';
    const face = emojiOf(answer.poll_media);
    if (!shown) {
      return h('button', { type: 'button', class: 'answer', role: poll.allow_multiselect ? 'checkbox' : 'radio', 'aria-checked': String(chosen.has(answer.answer_id)), 'data-custom-id': `poll:${answer.answer_id}`, onclick: () => tick(answer.answer_id) },
        face && h('span', { class: 'emoji' }, face), h('b', {}, text), h('span', { class: 'tick-mark', 'aria-hidden': 'true' }));
    }
    const count = votersOf(answer).length;
    const part = total ? Math.round((count / total) * 100) : 0;
    return h('div', { class: `answer ${own.includes(answer.answer_id) ? 'own' : ''}`, style: { '--part': `${part}%` } }, h('span', { class: 'bar', 'aria-hidden': 'true' }),
      face && h('span', { class: 'emoji' }, face), h('b', {}, text), h('span', {}, `${count} vote${count === 1 ? '' : 's'} · ${part} %`));
  });
  const button = (label, run, kind = 'text', disabled = false) => h('button', { type: 'button', class: `button ${kind}`, disabled, 'data-custom-id': `poll:${label}`, onclick: run }, label);
  return h('section', { class: 'poll', 'aria-label': `Poll: ${poll.question?.text ?? ''}` }, h('h3', {}, poll.question?.text ?? ''),
    h('small', {}, ended ? 'This poll has ended' : poll.allow_multiselect ? 'Select one or more answers' : 'Select one answer'),
    h('div', { role: shown ? null : poll.allow_multiselect ? 'group' : 'radiogroup', 'aria-label': 'Answers', class: 'components' }, lines),
    h('div', { class: 'poll-foot' }, h('span', {}, `${total} vote${total === 1 ? '' : 's'}`, ended || !poll.expiry ? '' : ` · ends ${relativeTime(new Date(poll.expiry))}`),
      !ended && h('span', {}, own.length ? button('Remove vote', () => vote([])) : looking.has(message.id) ? button('Go back to vote', () => { looking.delete(message.id); again(); })
        : [button('Show results', () => { looking.add(message.id); again(); }), button('Vote', () => vote([...chosen]), 'primary', !chosen.size)],
      message.author?.id === state.me?.id && button('End poll', () => api('POST', '/page/polls/end', { as: state.me.id, channel_id: message.channel_id, message_id: message.id }).catch((error) => complain(error.message))))));
}

/** The form to ask with. */
export function openPollForm() {
  const question = h('input', { type: 'text', id: 'poll-question', required: true, maxlength: '300', autocomplete: 'off', placeholder: 'What question do you want to ask?' });
  const list = h('div', { class: 'components' });
  const addAnswer = () => {
    const at = list.children.length + 1;
    if (at <= 10) list.append(h('input', { type: 'text', required: at === 1, maxlength: '55', autocomplete: 'off', placeholder: `Answer ${at}`, 'aria-label': `Answer ${at}` }));
  };
  addAnswer(); addAnswer();
  const hours = h('select', { id: 'poll-hours' }, [[1, '1 hour'], [4, '4 hours'], [8, '8 hours'], [24, '24 hours'], [72, '3 days'], [168, '1 week']].map(([value, label]) => h('option', { value: String(value), selected: value === 24 }, label)));
  const several = h('input', { type: 'checkbox' });
  const note = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const dialog = openDialog('Create a poll', [
    h('div', { class: 'modal-field' }, h('label', { for: 'poll-question' }, 'Question'), question),
    h('div', { class: 'modal-field', role: 'group', 'aria-label': 'Answers' }, h('b', {}, 'Answers'), list, h('button', { type: 'button', class: 'plain', onclick: () => { addAnswer(); list.lastElementChild.focus(); } }, 'Add another answer')),
    h('div', { class: 'modal-field' }, h('label', { for: 'poll-hours' }, 'Duration'), hours), h('label', { class: 'tick' }, several, h('span', {}, 'Allow several answers')), note], [
    h('button', { type: 'button', class: 'button text', onclick: () => dialog.close() }, 'Cancel'), h('button', { type: 'submit', class: 'button primary' }, 'Post')]);
  dialog.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const poll = { question: question.value, answers: [...list.children].map((input) => input.value), hours: Number(hours.value), multiple: several.checked };
    try { await api('POST', '/page/messages', { as: state.me.id, channel_id: state.channel, poll }); dialog.close(); }
    catch (error) { note.hidden = false; note.textContent = error.message; }
  });
  question.focus();
}
