"""An ordinary bot on discord.py, as released: only its addresses are the local Discord's.

It says on standard output what it sees, one JSON object a line; the test reads that.
"""

import sealed  # first: before anything could connect

import json
import os
import sys

import discord
import yarl
from discord import app_commands

assert sealed.is_local("127.0.0.1")
discord.http.Route.BASE = os.environ["DISCORD_API_URL"] + "/api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY_URL"])


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


class Bot(discord.Client):
    def __init__(self):
        super().__init__(intents=discord.Intents.all())
        self.tree = Tree(self)

    async def setup_hook(self):
        self.add_view(Again())
        made = await self.tree.sync()
        tell("registered", commands=[command.name for command in made])

    async def on_ready(self):
        tell("ready", user=str(self.user.id), guilds=[describe(guild) for guild in self.guilds])

    async def on_resumed(self):
        tell("resumed")

    async def on_disconnect(self):
        tell("disconnected")

    async def on_message(self, message):
        if message.author.bot or not message.content.startswith("!ping"):
            return
        await message.add_reaction("👍")
        await message.reply(message.content.replace("!ping", "pong"))

    async def on_error(self, event, *arguments, **more):
        tell("failed", at=event, error=str(sys.exc_info()[1]))


def describe(guild):
    return {
        "name": guild.name,
        "channels": sorted(channel.name for channel in guild.text_channels),
        "roles": sorted(role.name for role in guild.roles),
        "members": sorted(member.name for member in guild.members),
    }


class Tree(app_commands.CommandTree):
    async def on_error(self, interaction, error):
        tell("failed", at="command", error=str(error))


bot = Bot()


@bot.tree.command(description="Says a text so many times.")
@app_commands.describe(text="What to say", times="How often")
async def echo(interaction: discord.Interaction, text: str, times: app_commands.Range[int, 1, 3] = 1):
    await interaction.response.send_message(" ".join([text] * times), view=Again())


@bot.tree.command(description="Takes its time.")
async def slow(interaction: discord.Interaction, who: discord.Member):
    await interaction.response.defer(thinking=True)
    embed = discord.Embed(title="Slow", description=f"{who.mention} has {len(who.roles)} roles", colour=0x5865F2)
    await interaction.followup.send(embed=embed)


bot.run(os.environ["DISCORD_TOKEN"], log_level=30)
