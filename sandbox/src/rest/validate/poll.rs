//! Polls as messages carry them, before they are open: the world gives them their end and counts the votes.
//!
//! <https://discord.com/developers/docs/resources/poll#poll-create-request-object>

use serde_json::{Value, json};

use super::Fields;
use crate::rest::errors::Faults;

/// Checks a poll and gives it as Discord answers it.
pub(super) fn poll(value: &Value, path: &str, faults: &mut Faults) -> Value {
    let fields = Fields::new(
        value,
        path,
        &["question", "answers", "duration", "allow_multiselect", "layout_type"],
        faults,
    );
    let question = fields.required("question", faults).cloned().unwrap_or_default();
    let question_fields = Fields::new(&question, &fields.at("question"), &["text", "emoji"], faults);
    question_fields.required("text", faults);
    question_fields.text("text", 1..=300, faults);
    fields.required("answers", faults);
    let mut answers = Vec::new();
    for (at, answer) in fields
        .list("answers", 1..=10, faults)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let one = Fields::new(
            answer,
            &format!("{}.{at}", fields.at("answers")),
            &["answer_id", "poll_media"],
            faults,
        );
        let mut shown = json!({});
        if let Some(media) = one.required("poll_media", faults) {
            let media = Fields::new(media, &one.at("poll_media"), &["text", "emoji"], faults);
            media.required("text", faults);
            if let Some(text) = media.text("text", 1..=55, faults) {
                shown["text"] = json!(text);
            }
            super::select::emoji(&media, faults);
            if let Some(emoji) = media.get("emoji") {
                shown["emoji"] = json!({ "id": emoji["id"], "name": emoji["name"] });
            }
        }
        answers.push(json!({ "answer_id": at + 1, "poll_media": shown }));
    }
    fields.integer("layout_type", 1..=1, faults);
    json!({
        "question": { "text": question["text"].as_str().unwrap_or_default().trim() },
        "duration": fields.integer("duration", 1..=768, faults),
        "answers": answers,
        "expiry": null,
        "allow_multiselect": fields.flag("allow_multiselect", faults).unwrap_or(false),
        "layout_type": 1,
        "results": { "is_finalized": false, "answer_counts": [] },
    })
}
