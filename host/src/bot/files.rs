//! Requests of plugins for files of their own: from envelopes to `storage` and back, and its warnings to the owner.
//!
//! They are queued on the plugin's thread, so that those for one file are met in the order in which they were made.

use std::sync::Arc;

use plugin_protocol::{FileAnswer, FileRequest};
use tokio_util::task::TaskTracker;

use super::desk;
use crate::{
    config::Root,
    plugins::{Generation, Request},
    storage::files::Files,
    telemetry::{NoticeKind, Notices},
};

/// Opens the files of all plugins of a folder.
pub fn start(root: &Root, notices: Notices) -> Files {
    Files::new(root.data().join("plugins"), move |warning| {
        notices.tell(NoticeKind::Files(warning.plugin.to_string()), warning.to_string());
    })
}

/// Has a request met and answers it. The bot's end waits for it.
pub fn meet(files: &Files, tasks: &TaskTracker, from: Arc<Generation>, request: Request) {
    let id = request.id;
    let head = match desk::head::<FileRequest>(&request.head) {
        Ok(head) => head,
        Err(problem) => return from.answer::<FileAnswer>(id, &Err(problem), &[]),
    };
    let under_way = tasks.token();
    let content = request.tail.clone();
    files.ask(from.name().clone(), head, content, move |met| {
        match met {
            Ok((answer, content)) => from.answer(id, &Ok(answer), &content),
            Err(problem) => from.answer::<FileAnswer>(id, &Err(problem), &[]),
        }
        // What it takes counts as under way until it is answered.
        drop((request, under_way));
    });
}
