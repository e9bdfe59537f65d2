//! `hotpair module`: code modules of an engine.

use super::arguments::{ModuleCommand, WriteArguments};
use super::ask::{Ask, Question, encoded};
use super::confirm::confirm;
use super::terminal::{clean, table};
use super::words::bytes;
use super::{Context, Exit, Failure, tag};
use hotpair_api::face::{Done, ModuleRecord};
use hotpair_types::MODULE_BYTES_MAX;
use hyper::Method;
use serde::{Deserialize, Serialize};
use std::io::Read as _;
use std::path::Path;

const PATH: &str = "/api/v1/modules";

#[derive(Deserialize)]
struct Modules {
    modules: Vec<ModuleRecord>,
}

#[derive(Deserialize, Serialize)]
struct Added {
    #[serde(flatten)]
    done: Done,
    module: ModuleRecord,
}

pub(super) async fn carry_out(cx: &Context, command: ModuleCommand) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    match command {
        ModuleCommand::Add { name, file, write } => add(cx, &ask, &name, &file, &write).await,
        ModuleCommand::Remove { name, write } => {
            confirm(cx, &[], &format!("Remove module {} from both nodes?", clean(&name, 80)))?;
            let question = Question::new(Method::DELETE, format!("{PATH}/{}", encoded(&name)));
            let done: Done = ask.ask(tag::wanted(question, &write)?).await?;
            tag::show_done(cx, &done);
            Ok(Exit::Done)
        }
        ModuleCommand::List => list(cx, &ask).await,
    }
}

async fn add(
    cx: &Context,
    ask: &Ask,
    name: &str,
    file: &Path,
    write: &WriteArguments,
) -> Result<Exit, Failure> {
    let shown = clean(&file.to_string_lossy(), 200);
    let mut module = Vec::new();
    let read = std::fs::File::open(file)
        .and_then(|it| it.take(MODULE_BYTES_MAX as u64 + 1).read_to_end(&mut module));
    read.map_err(|error| Failure::Failed(format!("cannot read {shown}: {error}")))?;
    if module.len() > MODULE_BYTES_MAX {
        let most = bytes(MODULE_BYTES_MAX as u64);
        return Err(Failure::WrongUse(format!("{shown} is larger than {most}")));
    }
    let question = Question::new(Method::PUT, format!("{PATH}/{}", encoded(name))).bytes(module);
    let added: Added = ask.ask(tag::wanted(question, write)?).await?;
    if cx.screen.json {
        cx.screen.json(&added);
        return Ok(Exit::Done);
    }
    let ModuleRecord { name, hash, size, .. } = &added.module;
    cx.screen.line(&format!("{}  {}  {}", clean(name, 80), clean(hash, 64), bytes(*size)));
    tag::show_done(cx, &added.done);
    Ok(Exit::Done)
}

async fn list(cx: &Context, ask: &Ask) -> Result<Exit, Failure> {
    let Modules { modules } = ask.ask(Question::get(PATH)).await?;
    if cx.screen.json {
        cx.screen.json(&serde_json::json!({ "modules": modules }));
        return Ok(Exit::Done);
    }
    let row = |it: &ModuleRecord| {
        let here = match &it.refused[..] {
            _ if !it.present => "MISSING here".to_owned(),
            [] => String::new(),
            reasons => clean(&format!("CANNOT RUN here: {}", reasons.join("; ")), 400),
        };
        vec![clean(&it.name, 80), bytes(it.size), clean(&it.hash, 64), here]
    };
    let rows: Vec<_> = modules.iter().map(row).collect();
    for line in
        table(&rows, |_, column, cell| if column == 3 { cx.screen.red(&cell) } else { cell })
    {
        cx.screen.line(&line);
    }
    Ok(Exit::Done)
}
