//! Chance: dice, a coin, answers and choices.
//!
//! What dice are written like is a type of its own, which the command's argument has.

use plugin_api::prelude::*;

/// Dice: `2d6+3`.
pub(crate) struct Dice {
    count: u32,
    sides: u32,
    bonus: i32,
}

impl ParseArgument for Dice {
    const WANTS: &'static str = "dice such as `d20` or `2d6+3`, up to 100 of up to 1000 sides";

    fn parse(text: &str) -> Result<Self> {
        let text = text.to_lowercase();
        let (count, rest) = text.split_once('d').ok_or_else(|| Error::new("no dice"))?;
        let end = rest.find(['+', '-']).unwrap_or(rest.len());
        let (sides, bonus) = rest.split_at(end);
        let dice = Self {
            count: if count.is_empty() { 1 } else { count.parse()? },
            sides: sides.parse()?,
            bonus: if bonus.is_empty() { 0 } else { bonus.parse()? },
        };
        if !(1..=100).contains(&dice.count) || !(2..=1000).contains(&dice.sides) || dice.bonus.abs() > 1_000_000 {
            return refuse("I have up to 100 dice, of 2 to 1000 sides: `2d6+3`.");
        }
        Ok(dice)
    }
}

impl Dice {
    /// What was rolled, by a source of chance that gives 1 up to its argument: "4 + 2 + 3 = **9**".
    fn roll(&self, mut die: impl FnMut(u32) -> u32) -> String {
        let mut terms: Vec<_> = (0..self.count).map(|_| i64::from(die(self.sides))).collect();
        if self.bonus != 0 {
            terms.push(self.bonus.into());
        }
        let shown: Vec<_> = terms.iter().map(ToString::to_string).collect();
        let shown = shown.join(" + ").replace("+ -", "- ");
        format!("{shown} = **{}**", terms.iter().sum::<i64>())
    }
}

/// Roll dice.
#[command(examples("roll", "roll 2d6+3"))]
pub(crate) async fn roll(ctx: Ctx, #[description = "One die without"] dice: Option<Dice>) -> Result {
    let dice = dice.map_or_else(|| Dice::parse("1d6"), Ok)?;
    ctx.reply(dice.roll(|sides| fastrand::u32(1..=sides))).await
}

/// Toss a coin.
#[command]
pub(crate) async fn coin(ctx: Ctx) -> Result {
    ctx.reply(if fastrand::bool() { "Heads." } else { "Tails." }).await
}

/// Ask the eight ball.
#[command(name = "8ball", examples("8ball will it rain?"))]
pub(crate) async fn eightball(
    ctx: Ctx,
    /// What you want to know
    #[rest]
    #[max_length = 200]
    question: String,
) -> Result {
    let answers = ["Certainly.", "Ask again later.", "Nobody knows.", "No."];
    let answer = answers[fastrand::usize(..answers.len())];
    ctx.reply(format!("\u{1f3b1} {question}\n**{answer}**")).await
}

/// Let chance choose.
#[command(examples("choose tea coffee \"hot chocolate\""))]
pub(crate) async fn choose(ctx: Ctx, #[description = "From what"] options: Vec<String>) -> Result {
    match fastrand::choice(&options) {
        Some(chosen) if options.len() > 1 => ctx.reply(format!("I choose **{chosen}**.")).await,
        _ => refuse("Name at least two: `tea coffee \"hot chocolate\"`."),
    }
}
