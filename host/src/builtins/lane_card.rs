//! What owners are shown of a plugin's lane: how long its handlers take, what became of its events, what it asked.
//! Apart from the card of a plugin, which everybody sees.

use std::fmt::Write;

use plugin_api::lane::LaneFigures;

/// How long handlers took, and what blocked the lane.
pub(super) fn handlers(lane: &LaneFigures) -> String {
    let mut lines: Vec<_> = lane
        .handlers
        .iter()
        .map(|handler| {
            let [p50, p99, most] = [handler.p50_micros, handler.p99_micros, handler.max_micros].map(millis);
            format!(
                "{}: {} in {p50}, p99 {p99}, at most {most}",
                handler.kind, handler.count
            )
        })
        .collect();
    if let Some(blocked) = &lane.blocked {
        lines.push(format!(
            "**blocked** by {} for {}",
            blocked.by,
            millis(blocked.millis.saturating_mul(1000))
        ));
    }
    match lane.blocks {
        0 => {}
        1 => lines.push("blocked once in all".to_owned()),
        more => lines.push(format!("blocked {more} times in all")),
    }
    lines.join("\n")
}

/// What became of its events, and what it has asked.
pub(super) fn traffic(lane: &LaneFigures) -> String {
    let (events, asked) = (&lane.events, &lane.asked);
    let mut text = format!("{} events, {} dropped", events.delivered, events.dropped);
    if events.waiting > 0 {
        let oldest = events.oldest_millis.unwrap_or(0).saturating_mul(1000);
        let (waiting, kibibytes) = (events.waiting, events.waiting_bytes >> 10);
        let _ = write!(
            text,
            "\n{waiting} events wait ({kibibytes} KiB, the oldest for {})",
            millis(oldest)
        );
    }
    let _ = write!(
        text,
        "\n{} answers, {} REST calls, {} calls, {} of storage",
        asked.answers, asked.rest, asked.calls, asked.storage
    );
    match asked.turned_away {
        0 => {}
        1 => text.push_str("\n1 request was turned away"),
        more => {
            let _ = write!(text, "\n{more} requests were turned away");
        }
    }
    text
}

fn millis(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..10_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{} s", micros / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use plugin_api::lane::{Blocked, EventFigures, HandlerFigures, RequestFigures};

    use super::*;

    #[test]
    fn texts() {
        let lane = LaneFigures {
            blocked: Some(Blocked {
                by: "the command `rank`".to_owned(),
                millis: 1250,
            }),
            blocks: 3,
            events: EventFigures {
                delivered: 120_000,
                dropped: 12,
                waiting: 7,
                waiting_bytes: 5000,
                oldest_millis: Some(800),
            },
            asked: RequestFigures {
                answers: 10,
                rest: 4,
                calls: 2,
                storage: 90,
                turned_away: 1,
            },
            handlers: vec![HandlerFigures {
                kind: "command".to_owned(),
                count: 10,
                p50_micros: 120,
                p99_micros: 15_500,
                max_micros: 31_000_000,
            }],
            ..LaneFigures::default()
        };
        let idle = LaneFigures::default();
        let texts = [handlers(&lane), traffic(&lane), handlers(&idle), traffic(&idle)];
        insta::assert_snapshot!(texts.join("\n\n"));
    }
}
