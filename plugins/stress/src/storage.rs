//! What storage takes, measured where an author feels it: in the plugin, from the call to its answer.
//!
//! The bench asks for it and compares it with the same work done without a host.

use std::{
    cell::Cell,
    fmt::Write,
    rc::Rc,
    time::{Duration, Instant},
};

use plugin_api::{Host, prelude::*, tokio::sync::mpsc};

use crate::State;

/// A value, of 100 bytes of JSON: a small record.
const VALUE: &str = filled(&[b'v'; 98]);
/// One row of the table that is measured.
const INSERT: &str = "INSERT OR REPLACE INTO measured (number, text) VALUES (?1, ?2)";
/// What is in a file.
const CONTENT: &str = filled(&[b'f'; 1_000]);

/// Measure keys, tables and files, and answer with the figures as JSON.
#[command(name = "measure-storage")]
pub(super) async fn measure_storage(
    ctx: Ctx<State>,
    #[description = "How many values"]
    #[min = 1000]
    count: u32,
) -> Result {
    let host = ctx.host();
    let mut figures = Vec::new();
    let schema = "CREATE TABLE IF NOT EXISTS measured (number INTEGER PRIMARY KEY, text TEXT NOT NULL)";
    host.db().execute(schema, ()).await?;

    let set = async |host: Host, number: u32| host.global_store().set(&format!("key-{number:07}"), VALUE).await;
    figures.push(measured(host, "keys: write", 512, count, set).await?);
    figures.push(measured(host, "keys: write", 1, count / 20, set).await?);
    let get = async |host: Host, number: u32| {
        let value: Option<String> = host.global_store().get(&format!("key-{number:07}")).await?;
        value.map(drop).ok_or_else(|| Error::new("a key is missing"))
    };
    figures.push(
        measured(host, "keys: read", 256, count * 2, {
            move |host, number| get(host, number % count)
        })
        .await?,
    );
    figures.push(measured(host, "keys: read", 1, count / 20, get).await?);

    let insert = async |host: Host, number: u32| host.db().execute(INSERT, (number, VALUE)).await.map(drop);
    figures.push(measured(host, "SQL: insert a row", 512, count, insert).await?);
    let batch = async |host: Host, number: u32| {
        let mut batch = host.db().batch();
        for row in number * 100..(number + 1) * 100 {
            batch = batch.statement(INSERT, (row, VALUE));
        }
        batch.await.map(drop)
    };
    figures.push(measured(host, "SQL: insert 100 rows", 8, count / 100, batch).await?);
    let select = async |host: Host, number: u32| {
        let text: Option<String> = host
            .db()
            .query_optional("SELECT text FROM measured WHERE number = ?1", [number])
            .await?;
        text.map(drop).ok_or_else(|| Error::new("a row is missing"))
    };
    figures.push(measured(host, "SQL: select a row", 256, count, select).await?);

    let write = async |host: Host, number: u32| host.files().write(&format!("measured-{number}"), CONTENT).await;
    figures.push(measured(host, "file: write", 1, count / 100, write).await?);
    let write = async |host: Host, number: u32| host.files().write(&format!("measured-{number}"), CONTENT).await;
    figures.push(measured(host, "file: write", 8, count / 100, write).await?);
    let read = async |host: Host, number: u32| {
        let content = host.files().read(&format!("measured-{}", number % 10)).await?;
        content.map(drop).ok_or_else(|| Error::new("a file is missing"))
    };
    figures.push(measured(host, "file: read", 64, count, read).await?);
    ctx.reply(format!("[{}]", figures.join(","))).await
}

const fn filled(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => "",
    }
}

/// Does something so often, so many at once, and answers with its figures as JSON.
async fn measured<F>(
    host: &Host,
    what: &str,
    at_once: u32,
    count: u32,
    work: impl Fn(Host, u32) -> F + Clone + 'static,
) -> Result<String>
where
    F: Future<Output = Result>,
{
    let (sender, mut ended) = mpsc::unbounded_channel();
    let next = Rc::new(Cell::new(0));
    let began = Instant::now();
    for _ in 0..at_once {
        let (host, next, work, sender) = (host.clone(), next.clone(), work.clone(), sender.clone());
        host.clone().spawn(async move {
            let mut took = Vec::new();
            let done = loop {
                let number = next.get();
                if number >= count {
                    break Ok(took);
                }
                next.set(number + 1);
                let began = Instant::now();
                if let Err(error) = work(host.clone(), number).await {
                    break Err(error);
                }
                took.push(began.elapsed());
            };
            // The receiver may have gone with an error of another.
            let _ = sender.send(done);
        });
    }
    drop(sender);
    let mut took: Vec<Duration> = Vec::new();
    while let Some(done) = ended.recv().await {
        took.extend(done?);
    }
    let seconds = began.elapsed().as_secs_f64();
    took.sort_unstable();
    let percentile = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)].as_nanos();
    let mut figures = String::new();
    write!(
        figures,
        r#"{{"what":"{what}","at_once":{at_once},"count":{},"seconds":{seconds},"p50_ns":{},"p99_ns":{}}}"#,
        took.len(),
        percentile(50),
        percentile(99),
    )?;
    Ok(figures)
}
