// An ordinary bot on discord.js, as released: only its addresses are the local Discord's.
// It says on standard output what it sees, one JSON object a line; the test reads that.

import {
  ActionRowBuilder, ButtonBuilder, ButtonStyle, ChannelType, Client, DiscordAPIError, EmbedBuilder, Events, GatewayIntentBits, MessageFlags, ModalBuilder, Partials,
  SlashCommandBuilder, StringSelectMenuBuilder, TextInputBuilder, TextInputStyle,
} from 'discord.js';

const { DISCORD_API_URL, DISCORD_TOKEN } = process.env;
const tell = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));

const intents = Object.values(GatewayIntentBits).filter((bit) => typeof bit === 'number');
const client = new Client({ intents, partials: [Partials.Channel], rest: { api: `${DISCORD_API_URL}/api`, cdn: DISCORD_API_URL } });

const commands = [
  new SlashCommandBuilder().setName('echo').setDescription('Says a text so many times.')
    .addStringOption((option) => option.setName('text').setDescription('What to say').setRequired(true).setAutocomplete(true))
    .addIntegerOption((option) => option.setName('times').setDescription('How often').setMinValue(1).setMaxValue(3)),
  new SlashCommandBuilder().setName('slow').setDescription('Takes its time.')
    .addUserOption((option) => option.setName('who').setDescription('Whom it is about').setRequired(true)),
  new SlashCommandBuilder().setName('pick').setDescription('Offers colours.'),
  new SlashCommandBuilder().setName('ask').setDescription('Asks something.'),
];

const row = (one) => new ActionRowBuilder().addComponents(one);
const again = () => row(new ButtonBuilder().setCustomId('again').setLabel('Again').setStyle(ButtonStyle.Primary));
const colours = () => row(new StringSelectMenuBuilder().setCustomId('colour').addOptions({ label: 'Red', value: 'red' }, { label: 'Green', value: 'green' }));
const form = () => new ModalBuilder().setCustomId('ask').setTitle('Ask')
  .addComponents(row(new TextInputBuilder().setCustomId('answer').setLabel('Answer').setStyle(TextInputStyle.Short)));
const sorted = (all, name = (one) => one.name) => all.map(name).sort();

async function describe(guild) {
  const members = await guild.members.fetch();
  return {
    name: guild.name,
    channels: sorted(guild.channels.cache.filter((channel) => channel.type === ChannelType.GuildText)),
    roles: sorted(guild.roles.cache),
    members: sorted(members, (member) => member.user.username),
  };
}

client.once(Events.ClientReady, async () => {
  const made = await client.application.commands.set(commands);
  tell('registered', { commands: [...made.values()].map((command) => command.name) });
  tell('ready', { user: client.user.id, guilds: await Promise.all(client.guilds.cache.map(describe)) });
});
client.on(Events.ShardResume, () => tell('resumed'));
client.on(Events.Error, (error) => tell('failed', { at: 'client', error: String(error) }));
process.on('unhandledRejection', (error) => tell('failed', { at: 'promise', error: String(error?.stack ?? error) }));

client.on(Events.MessageCreate, async (message) => {
  if (message.author.bot) return;
  if (message.content.startsWith('!ping')) {
    await message.react('👍');
    await message.reply(message.content.replace('!ping', 'pong'));
  } else if (message.content === '!change') {
    const sent = await message.channel.send('first');
    await sent.edit('second');
    await sent.delete();
  } else if (message.content.startsWith('!ban')) {
    const user = message.mentions.users.first();
    try {
      await message.guild.members.ban(user, { reason: 'spam' });
      await message.reply(`banned ${user.username}`);
    } catch (error) {
      if (!(error instanceof DiscordAPIError)) throw error;
      await message.reply(`refused ${error.code}`);
    }
  }
});

client.on(Events.MessageReactionAdd, (reaction, user) => {
  if (user.id !== client.user.id) tell('reaction', { emoji: reaction.emoji.name });
});

client.on(Events.InteractionCreate, async (interaction) => {
  if (interaction.isAutocomplete()) {
    const typed = interaction.options.getFocused();
    await interaction.respond(['!', '?'].map((end) => ({ name: typed + end, value: typed + end })));
  } else if (interaction.isChatInputCommand() && interaction.commandName === 'echo') {
    const [text, times] = [interaction.options.getString('text', true), interaction.options.getInteger('times') ?? 1];
    await interaction.reply({ content: Array(times).fill(text).join(' '), components: [again()] });
  } else if (interaction.isChatInputCommand() && interaction.commandName === 'slow') {
    await interaction.deferReply();
    const who = interaction.options.getMember('who');
    const embed = new EmbedBuilder().setTitle('Slow').setDescription(`${who} has ${who.roles.cache.size} roles`).setColor(0x5865f2);
    await interaction.editReply({ embeds: [embed] });
  } else if (interaction.isChatInputCommand() && interaction.commandName === 'pick') {
    await interaction.reply({ content: 'which?', components: [colours()] });
  } else if (interaction.isChatInputCommand()) {
    await interaction.showModal(form());
  } else if (interaction.isButton()) {
    await interaction.update({ content: `${interaction.message.content} again`, components: [] });
    await interaction.followUp({ content: 'only for you', flags: MessageFlags.Ephemeral });
  } else if (interaction.isStringSelectMenu()) {
    await interaction.update({ content: `picked ${interaction.values.join(' ')}`, components: [] });
  } else if (interaction.isModalSubmit()) {
    await interaction.reply(`you said ${interaction.fields.getTextInputValue('answer')}`);
  }
});

await client.login(DISCORD_TOKEN);
