// Discord's permissions: their bits, their names for people, and what a person may where one is.

import { findChannel, guildNow } from './state.js';

/** Bit, name, and what it lets one do; in the groups in which Discord's settings show them. */
export const PERMISSIONS = [
  ['General', [
    [10, 'View Channels', 'See channels and read in them'], [4, 'Manage Channels', 'Make, change and delete channels'], [28, 'Manage Roles', 'Make roles and give those below the own highest'],
    [30, 'Manage Expressions', 'Add and remove emojis and stickers'], [7, 'View Audit Log', 'See who changed what'], [29, 'Manage Webhooks', 'Make, change and delete webhooks'], [5, 'Manage Server', 'Rename the server and add bots']]],
  ['Members', [
    [0, 'Create Invite', 'Invite people'], [26, 'Change Nickname', 'Change the own nickname'], [27, 'Manage Nicknames', 'Change others’ nicknames'],
    [1, 'Kick Members', 'Remove members, who may come back'], [2, 'Ban Members', 'Remove members for good'], [40, 'Time Out Members', 'Keep members from writing for a while']]],
  ['Text channels', [
    [11, 'Send Messages', 'Write in text channels'], [38, 'Send Messages in Threads', 'Write in threads'], [35, 'Create Public Threads', 'Begin threads that all see'], [36, 'Create Private Threads', 'Begin threads for those invited'],
    [14, 'Embed Links', 'Show embeds; bots need it for theirs'], [15, 'Attach Files', 'Send files'], [6, 'Add Reactions', 'Be the first to react with an emoji'], [18, 'Use External Emoji', 'Use emojis of other servers'],
    [37, 'Use External Stickers', 'Use stickers of other servers'], [17, 'Mention Everyone', 'Mention @everyone, @here and all roles'], [13, 'Manage Messages', 'Delete messages of others'], [51, 'Pin Messages', 'Pin and unpin messages'],
    [34, 'Manage Threads', 'Change and delete threads, see private ones'], [16, 'Read Message History', 'Read what was said before'], [49, 'Create Polls', 'Ask with polls'], [31, 'Use Application Commands', 'Use commands of bots'], [12, 'Send TTS Messages', 'Have messages read aloud']]],
  ['Voice channels', [
    [20, 'Connect', 'Join voice channels'], [21, 'Speak', 'Talk there'], [9, 'Video', 'Share a camera or a screen'], [25, 'Use Voice Activity', 'Talk without pressing a key'], [22, 'Mute Members', 'Mute others'], [23, 'Deafen Members', 'Deafen others'], [24, 'Move Members', 'Move others between channels']]],
  ['Dangerous', [[3, 'Administrator', 'Everything, in every channel, whatever is denied there']]],
];
export const BITS = Object.fromEntries(PERMISSIONS.flatMap(([, list]) => list.map(([bit, name]) => [name.replace(/[^A-Za-z]/g, ''), 1n << BigInt(bit)])));

/** What this person may in a channel, or in the open server. */
export const may = (name, channelId = null) => {
  const bits = channelId ? findChannel(channelId)?.permissions : guildNow()?.permissions;
  // Direct messages say nothing of permissions: there is nothing that one may not.
  return bits === undefined ? channelId !== null : (BigInt(bits) & BITS[name]) !== 0n;
};
