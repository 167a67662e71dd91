// Emoji by name: for the picker, for `:name:` in the box to write in, and to know messages of nothing else.

import { h, showPopover } from './dom.js';
import { guildNow } from './state.js';

const GROUPS = [
  ['People', '😀 grinning|😃 smiley|😄 smile|😁 grin|😆 laughing|😅 sweat_smile|🤣 rofl|😂 joy|🙂 slight_smile|🙃 upside_down|😉 wink|😊 blush|😇 innocent|🥰 smiling_face_with_3_hearts|😍 heart_eyes|🤩 star_struck|😘 kissing_heart|😗 kissing|😋 yum|😛 stuck_out_tongue|😜 stuck_out_tongue_winking_eye|🤪 zany_face|🤑 money_mouth|🤗 hugging|🤭 face_with_hand_over_mouth|🤫 shushing_face|🤔 thinking|🤨 raised_eyebrow|😐 neutral_face|😑 expressionless|😶 no_mouth|😏 smirk|😒 unamused|🙄 rolling_eyes|😬 grimacing|😌 relieved|😔 pensive|😪 sleepy|😴 sleeping|😷 mask|🤒 thermometer_face|🤢 nauseated_face|🤮 vomiting|🥵 hot_face|🥶 cold_face|🥴 woozy_face|😵 dizzy_face|🤯 exploding_head|🤠 cowboy|🥳 partying_face|😎 sunglasses|🤓 nerd|🧐 monocle|😕 confused|🙁 slight_frown|😮 open_mouth|😲 astonished|😳 flushed|🥺 pleading_face|😨 fearful|😰 cold_sweat|😢 cry|😭 sob|😱 scream|😩 weary|😫 tired_face|🥱 yawning_face|😤 triumph|😡 rage|😠 angry|🤬 cursing|😈 smiling_imp|💀 skull|💩 poop|🤡 clown|👻 ghost|👽 alien|🤖 robot|👍 thumbsup|👎 thumbsdown|👌 ok_hand|✌️ v|🤞 fingers_crossed|🤙 call_me|👈 point_left|👉 point_right|👆 point_up_2|👇 point_down|☝️ point_up|✋ raised_hand|👋 wave|👏 clap|🙌 raised_hands|🤝 handshake|🙏 pray|💪 muscle|👀 eyes|🧠 brain|👶 baby|👩 woman|👨 man|🙋 person_raising_hand|🤷 shrug|🤦 facepalm|🏃 runner|💃 dancer'],
  ['Nature and food', '🐶 dog|🐱 cat|🐭 mouse|🐰 rabbit|🦊 fox|🐻 bear|🐼 panda_face|🐨 koala|🐯 tiger|🦁 lion_face|🐮 cow|🐷 pig|🐸 frog|🐵 monkey_face|🙈 see_no_evil|🐔 chicken|🐧 penguin|🐦 bird|🦆 duck|🦉 owl|🐺 wolf|🐝 bee|🐛 bug|🦋 butterfly|🐢 turtle|🐍 snake|🐙 octopus|🦀 crab|🐟 fish|🐬 dolphin|🐳 whale|🌵 cactus|🌲 evergreen_tree|🌳 deciduous_tree|🌱 seedling|🌿 herb|🍀 four_leaf_clover|🌸 cherry_blossom|🌹 rose|🌻 sunflower|🌙 crescent_moon|⭐ star|🌟 star2|✨ sparkles|⚡ zap|🔥 fire|🌈 rainbow|☀️ sunny|☁️ cloud|❄️ snowflake|💧 droplet|🌊 ocean|🍎 apple|🍊 tangerine|🍋 lemon|🍌 banana|🍉 watermelon|🍇 grapes|🍓 strawberry|🍒 cherries|🍍 pineapple|🥑 avocado|🍅 tomato|🌽 corn|🥕 carrot|🍞 bread|🧀 cheese|🍔 hamburger|🍟 fries|🍕 pizza|🌮 taco|🍣 sushi|🍜 ramen|🍩 doughnut|🍪 cookie|🎂 birthday|🍰 cake|🍫 chocolate_bar|🍿 popcorn|☕ coffee|🍵 tea|🍺 beer|🍷 wine_glass'],
  ['Things', '⚽ soccer|🏀 basketball|🎾 tennis|🎮 video_game|🎲 game_die|♟️ chess_pawn|🎯 dart|🏆 trophy|🥇 first_place|🥈 second_place|🥉 third_place|🎨 art|🎬 clapper|🎤 microphone|🎧 headphones|🎵 musical_note|🎶 notes|🎸 guitar|🎹 musical_keyboard|🚗 car|🚲 bike|✈️ airplane|🚀 rocket|🚢 ship|🏠 house|🏢 office|🗺️ map|⏰ alarm_clock|⏳ hourglass_flowing_sand|📱 iphone|💻 computer|⌨️ keyboard|🖥️ desktop|🖨️ printer|💾 floppy_disk|📷 camera|🔋 battery|💡 bulb|🔦 flashlight|💰 moneybag|💎 gem|🔧 wrench|🔨 hammer|⚙️ gear|🔒 lock|🔓 unlock|🔑 key|📦 package|📫 mailbox|📝 memo|📄 page_facing_up|📅 date|📌 pushpin|📎 paperclip|✂️ scissors|🗑️ wastebasket|📁 file_folder|📊 bar_chart|📈 chart_with_upwards_trend|📉 chart_with_downwards_trend|📚 books|🔍 mag|🔔 bell|🔕 no_bell|📣 mega|🎉 tada|🎊 confetti_ball|🎁 gift|🎈 balloon|🧪 test_tube|🧩 jigsaw|🔮 crystal_ball'],
  ['Symbols', '❤️ heart|🧡 orange_heart|💛 yellow_heart|💚 green_heart|💙 blue_heart|💜 purple_heart|🖤 black_heart|🤍 white_heart|💔 broken_heart|💯 100|💢 anger|💥 boom|💤 zzz|💬 speech_balloon|✅ white_check_mark|☑️ ballot_box_with_check|✔️ heavy_check_mark|❌ x|❎ negative_squared_cross_mark|➕ heavy_plus_sign|➖ heavy_minus_sign|❓ question|❗ exclamation|⚠️ warning|🚫 no_entry_sign|⛔ no_entry|♻️ recycle|🔁 repeat|🔄 arrows_counterclockwise|▶️ arrow_forward|⏸️ pause_button|⏹️ stop_button|⏭️ track_next|⏮️ track_previous|⏩ fast_forward|⏪ rewind|⬆️ arrow_up|⬇️ arrow_down|⬅️ arrow_left|➡️ arrow_right|🔀 twisted_rightwards_arrows|🆕 new|🆗 ok|🆘 sos|🔴 red_circle|🟠 orange_circle|🟡 yellow_circle|🟢 green_circle|🔵 blue_circle|🟣 purple_circle|⚫ black_circle|⚪ white_circle|🟥 red_square|🟩 green_square|🟦 blue_square|1️⃣ one|2️⃣ two|3️⃣ three|4️⃣ four|5️⃣ five|6️⃣ six|7️⃣ seven|8️⃣ eight|9️⃣ nine|🔟 keycap_ten|0️⃣ zero|🇦 regional_indicator_a|🇧 regional_indicator_b|🇨 regional_indicator_c|🇩 regional_indicator_d|🏁 checkered_flag|🚩 triangular_flag_on_post'],
].map(([title, text]) => [title, text.split('|').map((each) => { const [emoji, name] = each.split(' '); return { emoji, name }; })]);
const ALL = GROUPS.flatMap(([, list]) => list);
const NAMES = new Map(ALL.map((each) => [each.name, each.emoji]));
for (const [also, emoji] of [['+1', '👍'], ['-1', '👎'], ['thumbs_up', '👍'], ['thumbs_down', '👎'], ['check', '✅']]) NAMES.set(also, emoji);

/** `:name:` as Discord's clients send it: the character, where the name is one of those known here. */
export const encodeEmoji = (text) => text.split(/(```[\s\S]*?```|`[^`]*`)/).map((part, at) => (at % 2 ? part : part.replace(/(?<![<\w]|<a):([\w+-]{2,40}):/g, (all, name) => NAMES.get(name.toLowerCase()) ?? customOf(name) ?? all))).join('');
const customOf = (name) => { const found = guildNow()?.emojis?.find((each) => each.name === name); return found ? `<${found.animated ? 'a' : ''}:${found.name}:${found.id}>` : null; };

export const findEmoji = (typed, most = 25) => {
  const sought = typed.toLowerCase();
  const custom = (guildNow()?.emojis ?? []).map((each) => ({ name: each.name, emoji: `:${each.name}:`, custom: each }));
  const rank = (name) => (name.startsWith(sought) ? 0 : name.includes(sought) ? 1 : 2);
  return [...custom, ...ALL].map((each) => [rank(each.name.toLowerCase()), each]).filter(([order]) => order < 2).sort(([a], [b]) => a - b).slice(0, most).map(([, each]) => each);
};

const ONLY_EMOJI = /^(?:\s*(?:\p{Extended_Pictographic}|\p{Emoji_Presentation}|\p{Regional_Indicator}|[\d#*]\ufe0f?\u20e3)[\u{1f3fb}-\u{1f3ff}\ufe0f\u200d\u20e3]*(?:\u200d\p{Extended_Pictographic}\ufe0f?)*)+\s*$/u;
/** Whether a text is up to 30 emoji and nothing else: those are shown large. */
export const isOnlyEmoji = (text) => text.length < 120 && ONLY_EMOJI.test(text);

/** Lets one choose: `done` gets a character, or a server's own emoji as an object. */
export function pickEmoji(anchor, done) {
  const search = h('input', { type: 'text', 'aria-label': 'Find an emoji', placeholder: 'Find an emoji', autocomplete: 'off', spellcheck: 'false' });
  const list = h('div', { class: 'emoji-list' });
  const button = (each) => h('button', { type: 'button', class: 'emoji-button', tabindex: '-1', title: `:${each.name}:`, 'aria-label': each.name.replaceAll('_', ' '), onclick: () => { popover.hidePopover(); done(each.custom ? { id: each.custom.id, name: each.custom.name } : each.emoji); } }, each.custom ? h('small', {}, each.emoji) : each.emoji);
  const draw = () => {
    const typed = search.value.trim().replaceAll(':', '');
    const custom = guildNow()?.emojis ?? [];
    const groups = typed ? [['Found', findEmoji(typed, 60)]] : [...(custom.length ? [[guildNow().name, custom.map((each) => ({ name: each.name, emoji: `:${each.name}:`, custom: each }))]] : []), ...GROUPS];
    list.replaceChildren(...groups.map(([title, all]) => h('section', { 'aria-label': title }, h('h3', {}, title), h('div', { class: 'emoji-grid' }, all.map(button)), !all.length && h('p', { class: 'nothing' }, 'Nothing is called that.'))));
  };
  const popover = h('div', { class: 'popover emojis', popover: 'auto', role: 'dialog', 'aria-label': 'Choose an emoji' }, search, list);
  search.addEventListener('input', draw);
  popover.addEventListener('keydown', (event) => {
    const all = [...list.querySelectorAll('button')];
    const at = all.indexOf(document.activeElement);
    const step = { ArrowDown: at < 0 ? 1 : 8, ArrowUp: -8, ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (document.activeElement === search && event.key === 'Enter') all[0]?.click();
    else if (document.activeElement === search && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) return;
    else if (step) { if (at + step < 0 && at >= 0) search.focus(); else all[Math.min(Math.max(at + step, 0), all.length - 1)]?.focus(); }
    else return;
    event.preventDefault();
  });
  popover.addEventListener('toggle', (event) => {
    if (event.newState !== 'closed') return;
    const held = popover.contains(document.activeElement) || document.activeElement === document.body;
    popover.remove();
    if (held && anchor.isConnected) anchor.focus({ preventScroll: true });
  });
  draw();
  showPopover(popover, anchor);
  search.focus();
}
