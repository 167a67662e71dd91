"""An ordinary bot on discord.py, as released: only its addresses are the local Discord's.

It says on standard output what it sees, one JSON object a line; the test reads that. `Bot` is the whole bot: the
comparison with simcord runs the same one.
"""

import json
import sys

import discord
from discord import app_commands


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


class Again(discord.ui.View):
    """The button below an answer."""

    def __init__(self):
        super().__init__(timeout=None)

    async def on_error(self, interaction, error, item):
        tell("failed", at="button", error=str(error))

    @discord.ui.button(label="Again", custom_id="again", style=discord.ButtonStyle.primary)
    async def again(self, interaction, button):
        await interaction.response.edit_message(content=f"{interaction.message.content} again", view=None)
        await interaction.followup.send("only for you", ephemeral=True)


class Colours(discord.ui.View):
    """The select below an answer."""

    def __init__(self):
        super().__init__(timeout=None)

    async def on_error(self, interaction, error, item):
        tell("failed", at="select", error=str(error))

    @discord.ui.select(custom_id="colour", options=[discord.SelectOption(label="Red", value="red"), discord.SelectOption(label="Green", value="green")])
    async def pick(self, interaction, select):
        await interaction.response.edit_message(content=f"picked {' '.join(select.values)}", view=None)


class Ask(discord.ui.Modal, title="Ask"):
    answer = discord.ui.TextInput(label="Answer", custom_id="answer")

    async def on_submit(self, interaction):
        await interaction.response.send_message(f"you said {self.answer.value}")

    async def on_error(self, interaction, error):
        tell("failed", at="modal", error=str(error))


class Tree(app_commands.CommandTree):
    async def on_error(self, interaction, error):
        tell("failed", at="command", error=str(error))


class Bot(discord.Client):
    def __init__(self):
        super().__init__(intents=discord.Intents.all())
        self.tree = Tree(self)
        for command in (echo, slow, pick, ask):
            self.tree.add_command(command)

    async def setup_hook(self):
        self.add_view(Again())
        self.add_view(Colours())
        made = await self.tree.sync()
        tell("registered", commands=[command.name for command in made])

    async def on_ready(self):
        tell("ready", user=str(self.user.id), guilds=[describe(guild) for guild in self.guilds])

    async def on_resumed(self):
        tell("resumed")

    async def on_message(self, message):
        if message.author.bot:
            return
        if message.content.startswith("!ping"):
            await message.add_reaction("👍")
            await message.reply(message.content.replace("!ping", "pong"))
        elif message.content == "!change":
            sent = await message.channel.send("first")
            await sent.edit(content="second")
            await sent.delete()
        elif message.content.startswith("!ban"):
            try:
                await message.guild.ban(message.mentions[0], reason="spam", delete_message_seconds=0)
                await message.reply(f"banned {message.mentions[0].name}")
            except discord.Forbidden as refused:
                await message.reply(f"refused {refused.code}")
        elif message.content == "!transcript":
            tell("transcript", lines=await transcript(message))

    async def on_reaction_add(self, reaction, user):
        if user != self.user:
            tell("reaction", emoji=str(reaction.emoji))

    async def on_error(self, event, *arguments, **more):
        tell("failed", at=event, error=str(sys.exc_info()[1]))


def describe(guild):
    return {
        "name": guild.name,
        "channels": sorted(channel.name for channel in guild.text_channels),
        "roles": sorted(role.name for role in guild.roles),
        "members": sorted(member.name for member in guild.members),
    }


async def transcript(last):
    """What the channel holds, up to the message that asks for it, and who is banned; without ids and times."""
    messages = [message async for message in last.channel.history(limit=100, oldest_first=True, before=last)]
    known = {one.id: one.clean_content for one in messages}
    lines = []
    for message in messages:
        told = {
            "author": "the bot" if message.author == last.guild.me else message.author.name,
            "type": message.type.name,
            "content": discord.utils.remove_markdown(message.clean_content),
            "replies to": message.reference and known.get(message.reference.message_id),
            "embeds": [[one.title, one.colour and one.colour.value, one.description and "described"] for one in message.embeds],
            "components": [[type(one).__name__, getattr(one, "custom_id", None)] for row in message.components for one in row.children],
            "reactions": [[str(one.emoji), one.count, one.me] for one in message.reactions],
            "is edited": message.edited_at is not None,
            "flags": message.flags.value,
            "command": message.interaction_metadata and message.interaction_metadata.type.name,
        }
        lines.append(json.dumps(told, ensure_ascii=False))
    return lines + [f"banned: {ban.user.name}, {ban.reason}" async for ban in last.guild.bans()]


@app_commands.command(description="Says a text so many times.")
@app_commands.describe(text="What to say", times="How often")
async def echo(interaction: discord.Interaction, text: str, times: app_commands.Range[int, 1, 3] = 1):
    await interaction.response.send_message(" ".join([text] * times), view=Again())


@echo.autocomplete("text")
async def endings(interaction: discord.Interaction, typed: str):
    return [app_commands.Choice(name=typed + end, value=typed + end) for end in "!?"]


@app_commands.command(description="Takes its time.")
async def slow(interaction: discord.Interaction, who: discord.Member):
    await interaction.response.defer(thinking=True)
    embed = discord.Embed(title="Slow", description=f"{who.mention} has {len(who.roles)} roles", colour=0x5865F2)
    await interaction.followup.send(embed=embed)


@app_commands.command(description="Offers colours.")
async def pick(interaction: discord.Interaction):
    await interaction.response.send_message("which?", view=Colours())


@app_commands.command(description="Asks something.")
async def ask(interaction: discord.Interaction):
    await interaction.response.send_modal(Ask())


if __name__ == "__main__":
    import sealed  # before anything could connect

    import os

    import yarl

    assert sealed.is_local("127.0.0.1")
    discord.http.Route.BASE = os.environ["DISCORD_API_URL"] + "/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY_URL"])
    Bot().run(os.environ["DISCORD_TOKEN"], log_level=30)
