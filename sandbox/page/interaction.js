// Commands and presses that wait for the bot's answer, those it left unanswered, and the forms (modals) it answers with.

import { $, h, openDialog } from './dom.js';
import { botName, EPHEMERAL, isLoading, listNow, memberColour, room, state, usedCommand, userName } from './state.js';
import { markdown } from './markdown.js';
import { selectEntries } from './component.js';
import { addMessage, scrollDown, stuck } from './timeline.js';
import { avatar, tag } from './people.js';
import { complain } from './composer.js';
import { api } from './server.js';

/** States that arrived before the answer of the request that names their interaction. */
export const early = new Map();

/** Sends what the bot has to answer and follows it. A refusal is shown where the answer would be, or thrown if `strict`. */
export async function track(entry, path, body, strict = false) {
  const { me } = state;
  try {
    const { interaction_id: id } = await api('POST', path, body);
    entry.id = id;
    const known = early.get(id);
    early.delete(id);
    if (known) interactionChanged(known);
  } catch (error) {
    if (strict) {
      state.waiting.delete(entry);
      throw error;
    }
    if (state.me === me) fail(entry, error.message);
  }
  drawWaiting();
}

/** A click's failure is shown below its message, a form's above the box to write in; a command's is a message that only its user sees. */
function fail(entry, error) {
  if (entry.kind === 'click') {
    entry.phase = 'failed';
    entry.error = error;
    return;
  }
  state.waiting.delete(entry);
  if (entry.kind === 'modal') {
    complain(error || 'The application did not respond');
    return;
  }
  addMessage({
    id: entry.id ?? `${room(entry.channelId).list.at(-1)?.id ?? ''}0`, channel_id: entry.channelId, type: 20, flags: EPHEMERAL, failed: true, author: state.bot,
    content: error || 'The application did not respond', timestamp: new Date().toISOString(), interaction_metadata: { user: state.me, name: entry.command.replace(/^\//, '') },
  });
}

export function interactionChanged(data) {
  const entry = [...state.waiting].find((each) => each.id === data.id);
  if (!entry) {
    // Its request is still under way, or another tab of the same person asked and shows it.
    early.set(data.id, data);
    if (early.size > 50) early.delete(early.keys().next().value);
    return;
  }
  if (data.state === 'answered') state.waiting.delete(entry);
  else if (data.state === 'modal') { state.waiting.delete(entry); openModal(data.id, data.modal ?? {}); }
  else if (data.state === 'failed') fail(entry, data.error);
  else if (data.state === 'waiting' || data.state === 'deferred') { entry.phase = data.state; entry.answerId = data.message_id; }
  drawWaiting();
}

let waitingShown = false;
export function drawWaiting() {
  if (!state.waiting.size && !waitingShown) return;
  waitingShown = state.waiting.size > 0;
  for (const node of $('messages').querySelectorAll('[aria-busy]')) node.removeAttribute('aria-busy');
  for (const node of $('messages').querySelectorAll('.failure:not([hidden])')) node.hidden = true;
  const rows = [];
  const list = listNow();
  for (const entry of state.waiting) {
    if (entry.channelId !== state.channel || entry.kind === 'modal') continue;
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
    const values = Object.fromEntries(fields.map((field) => [field.id, field.read()]));
    const submission = { kind: 'modal', channelId: state.channel, phase: 'waiting' };
    state.waiting.add(submission);
    try {
      await track(submission, '/page/modal', { as: state.me.id, interaction_id: interactionId, values }, true);
      dialog.close();
    } catch (error) {
      note.hidden = false;
      note.textContent = error.status === 404 || error.status === 405 ? 'This sandbox does not take forms yet. Nothing was sent.' : error.message;
    }
  });
  dialog.querySelector('.modal-field :is(input, textarea, select)')?.focus();
}
