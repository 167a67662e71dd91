//! What plugins ask of their databases, and of their keys and values: from the request to the store and back.
//!
//! Statements are done by a task each; keys go to the engine's threads at once, whose answers come in batches.

use std::sync::Arc;

use plugin_protocol::{Keys, Problem, Sql};
use tokio::runtime::Handle;

use super::desk::head;
use crate::{
    plugins::{Generation, Request},
    storage::{
        Stores,
        stores::{Asker, Done, KeysRequest},
    },
};

/// Makes statements of a plugin, and answers.
pub async fn sql(stores: &Stores, from: &Generation, request: Request) {
    let made = match head::<Sql>(&request.head) {
        Ok(sql) => stores.sql(from.name(), sql, request.tail.clone()).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok((answer, rows)) => from.answer(request.id, &Ok(answer), &rows),
        Err(problem) => from.answer::<()>(request.id, &Err(problem), &[]),
    }
}

/// Hands on what is asked of a plugin's keys and values.
pub fn keys(stores: &Stores, runtime: &Handle, from: Arc<Generation>, request: Request) {
    let asked = match head::<Keys>(&request.head) {
        Ok(asked) => asked,
        Err(problem) => return from.answer::<()>(request.id, &Err(problem), &[]),
    };
    let plugin = from.name().clone();
    let request = KeysRequest {
        asker: from,
        id: request.id,
        head: asked,
        value: request.tail.clone(),
        held: Box::new(request),
    };
    stores.keys(runtime, &plugin, request);
}

impl Asker for Generation {
    fn answer(&self, answers: Vec<(u64, Done)>) {
        let answers: Vec<_> = answers.into_iter().map(|(id, done)| (id, split(done))).collect();
        self.answer_all(&answers);
    }
}

type Split<T> = (Result<T, Problem>, Vec<u8>);

fn split<T>(done: Result<(T, Vec<u8>), Problem>) -> Split<T> {
    match done {
        Ok((head, tail)) => (Ok(head), tail),
        Err(problem) => (Err(problem), Vec::new()),
    }
}
