// Commands and presses that wait for the bot's answer, those it left unanswered, and the forms (modals) it answers with.

import { $, h, openDialog } from './dom.js';
import { botName, EPHEMERAL, isLoading, listNow, memberColour, room, state, usedCommand, userName } from './state.js';
import { markdown } from './markdown.js';
import { selectEntries } from './component.js';
import { addMessage, scrollDown, stuck } from './timeline.js';
import { avatar, tag } from './people.js';
import { complain } from './composer.js';
import { withFiles } from './files.js';
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
    id: entry.id ?? `${room(entry.channelId).list.at(-1)?.id ?? ''}0`, channel_id: entry.channelId, type: entry.kind === 'menu' ? 23 : 20, flags: EPHEMERAL, failed: true, author: state.bot,
    content: error || 'The application did not respond', timestamp: new Date().toISOString(), interaction_metadata: { user: state.me, name: entry.command.replace(/^\//, '') },
  });
}

/** Questions for choices that wait for the bot. */
const questions = new Map();
/** The choices that the bot offers for the option being typed. */
export async function askChoices(body) {
  const { interaction_id: id } = await api('POST', '/page/choices', body);
  return new Promise((resolve, reject) => {
    questions.set(id, { resolve, reject });
    const known = early.get(id);
    early.delete(id);
    if (known) answerQuestion(known);
  });
}
function answerQuestion(data) {
  const question = questions.get(data.id);
  if (!question || data.state === 'waiting') return Boolean(question);
  questions.delete(data.id);
  if (data.choices) question.resolve(data.choices);
  else question.reject(new Error('The bot offered no choices.'));
  return true;
}

export function interactionChanged(data) {
  if (answerQuestion(data)) return;
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
    if (entry.kind === 'text') {
      rows.push(h('li', { class: 'message start sending' }, h('div', { class: 'row' }, h('div', { class: 'gutter' }, avatar(state.me)), h('div', { class: 'body' },
        h('div', { class: 'head' }, h('span', { class: 'author' }, userName(state.me)), h('small', {}, 'Sending…')), h('div', { class: 'content' }, entry.content)))));
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

/** Commands for people's (2) and messages' (3) menus that fit the open place. */
export const menuCommands = (type) => state.commands.filter((command) => command.type === type && (command.guild_id ? command.guild_id === state.guild
  : state.guild !== null || (command.contexts?.includes(1) ?? command.dm_permission !== false)));
export async function useMenu(command, targetId) {
  const call = { kind: 'menu', channelId: state.channel, command: command.name, phase: 'waiting' };
  state.waiting.add(call);
  drawWaiting();
  scrollDown();
  await track(call, '/page/menu', { as: state.me.id, channel_id: state.channel, command_id: command.id, target_id: targetId });
}

/** A field for files: they are sent with the form. */
function uploadField(component, frame, id, fields) {
  const most = component.max_values ?? 1;
  const required = component.required !== false;
  const input = h('input', { type: 'file', id, required, multiple: most > 1 });
  input.addEventListener('change', () => input.setCustomValidity(input.files.length > most ? `At most ${most} files.` : ''));
  fields.push({ id: component.custom_id, files: () => [...input.files] });
  return h('div', { class: 'modal-field' }, h('label', { for: id }, frame.label ?? component.custom_id, required ? h('span', { class: 'star', 'aria-hidden': 'true' }, ' *') : null), frame.description && h('small', {}, frame.description), input);
}

/** The inputs of a modal, whether they stand in rows (type 1) or in labels (type 18). */
function modalFields(components) {
  const fields = [];
  const named = (id, label, required, input, about) => h('div', { class: 'modal-field' }, h('label', { for: id }, label, required ? h('span', { class: 'star', 'aria-hidden': 'true' }, ' *') : null), about && h('small', {}, about), input);
  const group = (label, required, kind, inputs, about) => h('fieldset', { class: 'modal-field' }, h('legend', {}, label, required ? h('span', { class: 'star', 'aria-hidden': 'true' }, ' *') : null), about && h('small', {}, about),
    inputs.map(([input, entry]) => h('label', { class: 'tick' }, input, h('span', {}, entry.label, entry.description && h('small', {}, ` ${entry.description}`)))));
  const walk = (component, frame = {}) => {
    if (component.type === 1) return (component.components ?? []).map((each) => walk(each));
    if (component.type === 18) return walk(component.component ?? {}, component);
    if (component.type === 10) return h('div', { class: 'content' }, markdown(component.content ?? ''));
    const id = `modal-${fields.length}`;
    if (component.type === 19) return uploadField(component, frame, id, fields);
    const required = component.required !== false;
    const label = frame.label ?? component.label ?? component.custom_id;
    const keep = (read) => fields.push({ id: component.custom_id, read });
    if (component.type === 4) {
      const props = { id, required, minlength: component.min_length, maxlength: component.max_length ?? 4000, placeholder: component.placeholder, autocomplete: 'off' };
      const input = component.style === 2 ? h('textarea', { ...props, rows: '4' }) : h('input', { ...props, type: 'text' });
      input.value = component.value ?? '';
      keep(() => input.value);
      return named(id, label, required, input, frame.description);
    }
    if ([3, 5, 6, 7, 8].includes(component.type)) {
      const most = component.max_values ?? 1;
      const preset = new Set(component.default_values?.map((value) => value.id));
      const input = h('select', { id, required, multiple: most > 1 }, most > 1 ? null : h('option', { value: '' }, component.placeholder ?? 'Choose…'),
        selectEntries(component).map((entry) => h('option', { value: entry.value, selected: entry.chosen || preset.has(entry.value) }, entry.label)));
      keep(() => [...input.selectedOptions].map((option) => option.value).filter(Boolean));
      return named(id, label, required, input, frame.description);
    }
    if (component.type === 21 || component.type === 22) {
      const type = component.type === 21 ? 'radio' : 'checkbox';
      const inputs = (component.options ?? []).map((entry) => [h('input', { type, name: id, value: entry.value, checked: entry.default, required: type === 'radio' && required }), entry]);
      const chosen = () => inputs.filter(([input]) => input.checked).map(([, entry]) => entry.value);
      keep(() => (type === 'radio' ? chosen()[0] ?? '' : chosen()));
      return group(label, required, type, inputs, frame.description);
    }
    if (component.type === 23) {
      const input = h('input', { type: 'checkbox', checked: component.default });
      keep(() => String(input.checked));
      return group(label, false, 'checkbox', [[input, { label }]], frame.description);
    }
    return h('p', { class: 'nothing' }, `“${label}” cannot be filled in here (a field of type ${component.type}).`);
  };
  return { nodes: (components ?? []).flatMap((component) => walk(component)), fields };
}

function openModal(interactionId, modal) {
  const { fields, nodes } = modalFields(modal.components);
  const note = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const dialog = openDialog(modal.title ?? 'Form', [h('p', { class: 'from', id: 'modal-from' }, avatar(state.bot, 'tiny'), ` This form was made by ${botName()}.`), nodes, note], [
    h('button', { type: 'button', class: 'button secondary', onclick: () => dialog.close() }, 'Cancel'), h('button', { type: 'submit', class: 'button primary' }, 'Submit')]);
  dialog.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const files = [];
    const values = Object.fromEntries(fields.map((field) => [field.id, field.files ? field.files().map((file) => ({ file: files.push(file) - 1 })) : field.read()]));
    const submission = { kind: 'modal', channelId: state.channel, phase: 'waiting' };
    state.waiting.add(submission);
    try {
      const body = { as: state.me.id, interaction_id: interactionId, values };
      await track(submission, '/page/modal', files.length ? withFiles(body, files) : body, true);
      dialog.close();
    } catch (error) {
      note.hidden = false;
      note.textContent = error.message;
    }
  });
  dialog.querySelector('.modal-field :is(input, textarea, select)')?.focus();
  dialog.setAttribute('aria-describedby', 'modal-from');
}
