//! `hotpair tag`: live values.

use super::arguments::{TagCommand, WriteArguments};
use super::ask::{Ask, Question, encoded};
use super::config::split;
use super::terminal::{clean, table};
use super::words::clock;
use super::{Context, Exit, Failure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hotpair_api::face::{Done, Tag, TagPage, TagQuality};
use hotpair_client::{FeedItem, Quality, SubscribeOptions};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/tags";

pub(super) async fn carry_out(cx: &Context, command: TagCommand) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    match command {
        TagCommand::Read { paths, value } => read(cx, &ask, &paths, value).await,
        TagCommand::Write { pairs, quality, write } => {
            let mut writes = Vec::new();
            for pair in &pairs {
                let (path, value) = split(pair, "PATH=VALUE")?;
                let value = value_of(value);
                writes.push(json!({"path": path, "value": value, "quality": quality.as_str()}));
            }
            let question =
                Question::post(format!("{PATH}:batch")).json(&json!({ "writes": writes }));
            let done: Done = ask.ask(wanted(question, &write)?).await?;
            show_done(cx, &done);
            Ok(Exit::Done)
        }
        TagCommand::List { prefix } => list(cx, &ask, &prefix).await,
        TagCommand::Watch { prefix, count } => watch(cx, &ask, &prefix, count).await,
    }
}

/// JSON, or a string when it is not JSON.
pub(super) fn value_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// The question of a write with the acknowledgement and the key that are wanted. Every write has a
/// key, so that asking again cannot apply it twice.
pub(super) fn wanted(question: Question, write: &WriteArguments) -> Result<Question, Failure> {
    let question = match write.ack {
        Some(ack) => question.query("ack", ack),
        None => question,
    };
    let key = match &write.idempotency_key {
        Some(key) if key.bytes().all(|it| it.is_ascii_graphic()) && !key.is_empty() => key.clone(),
        Some(_) => return Err(Failure::WrongUse("an idempotency key is visible ASCII".to_owned())),
        None => {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes)
                .map_err(|error| Failure::Failed(format!("no randomness: {error}")))?;
            format!("cli-{}", URL_SAFE_NO_PAD.encode(bytes))
        }
    };
    Ok(question.header("idempotency-key", key))
}

pub(super) fn show_done(cx: &Context, done: &Done) {
    if cx.screen.json {
        cx.screen.json(done);
        return;
    }
    let Done { sequence, epoch, acknowledged, degraded } = done;
    let degraded = if *degraded {
        cx.screen.yellow(" (degraded: there is no standby)")
    } else {
        String::new()
    };
    cx.screen.line(&format!("e{epoch}:{sequence} {acknowledged}{degraded}"));
}

async fn read(
    cx: &Context,
    ask: &Ask,
    paths: &[String],
    value_only: bool,
) -> Result<Exit, Failure> {
    let mut tags = Vec::new();
    for path in paths {
        let tag: Tag = ask.ask(Question::get(format!("{PATH}/{}", encoded(path)))).await?;
        tags.push(tag);
    }
    if cx.screen.json {
        match tags.as_slice() {
            [only] => cx.screen.json(only),
            several => cx.screen.json(&json!({ "tags": several })),
        }
        return Ok(Exit::Done);
    }
    if value_only {
        tags.iter().for_each(|it| cx.screen.line(&clean(&it.value.to_string(), usize::MAX)));
        return Ok(Exit::Done);
    }
    show(cx, &tags);
    Ok(Exit::Done)
}

async fn list(cx: &Context, ask: &Ask, prefix: &str) -> Result<Exit, Failure> {
    let tags = all(ask, prefix).await?;
    if cx.screen.json {
        cx.screen.json(&json!({ "tags": tags }));
    } else {
        show(cx, &tags);
    }
    Ok(Exit::Done)
}

async fn all(ask: &Ask, prefix: &str) -> Result<Vec<Tag>, Failure> {
    let mut after: Option<String> = None;
    let mut tags = Vec::new();
    loop {
        let mut question = Question::get(PATH).query("prefix", prefix);
        if let Some(after) = &after {
            question = question.query("after", after);
        }
        let page: TagPage = ask.ask(question).await?;
        tags.extend(page.tags);
        if page.next.is_none() || page.next == after {
            return Ok(tags);
        }
        after = page.next;
    }
}

fn cells(tag: &Tag) -> Vec<String> {
    // "1" is how a number without a unit is declared.
    let unit = tag.unit.as_ref().filter(|it| *it != "1");
    let unit = unit.map_or(String::new(), |it| format!(" {}", clean(it, 20)));
    let at = if tag.timestamp == 0 { "never written".to_owned() } else { clock(tag.timestamp) };
    vec![
        clean(&tag.path, 100),
        format!("{}{unit}", clean(&shown(&tag.value), 80)),
        quality(tag.quality).to_owned(),
        at,
        format!("e{}:{}", tag.epoch, tag.sequence),
    ]
}

/// A value for people: fractions are rounded, `--value` and `--json` give all digits.
pub(super) fn shown(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if value.is_f64() && number.fract() != 0.0 && number.abs() < 1e-3 => {
            format!("{number:.3e}")
        }
        Some(number) if value.is_f64() && number.fract() != 0.0 => {
            let text = format!("{number:.4}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Some(_) | None => value.to_string(),
    }
}

const fn quality(quality: TagQuality) -> &'static str {
    match quality {
        TagQuality::Good => "good",
        TagQuality::Uncertain => "uncertain",
        TagQuality::Bad => "bad",
    }
}

fn show(cx: &Context, tags: &[Tag]) {
    let rows: Vec<_> = tags.iter().map(cells).collect();
    for line in table(&rows, |_, column, cell| if column > 2 { cx.screen.dim(&cell) } else { cell })
    {
        cx.screen.line(&line);
    }
}

/// Follows the values on whichever node is active, without a gap over a change of roles.
async fn watch(cx: &Context, ask: &Ask, prefix: &str, count: Option<u64>) -> Result<Exit, Failure> {
    // Whether anybody is there at all is found now; later failures are waited out.
    let partner = super::status::fetch(ask).await?.partner_api;
    let client = ask.follower([ask.base()].into_iter().chain(partner).collect())?;
    let options =
        SubscribeOptions { prefix: Some(prefix.to_owned()), ..SubscribeOptions::default() };
    let mut feed = client.subscribe(options);
    let mut left = count.unwrap_or(u64::MAX);
    while left > 0 {
        let item = tokio::select! {
            item = feed.next() => item.map_err(|error| Failure::Failed(clean(&error.to_string(), 400)))?,
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
        };
        match item {
            FeedItem::Tag(tag) => {
                show_change(cx, tag);
                left -= 1;
            }
            FeedItem::TagRemoved { path, sequence } => {
                if cx.screen.json {
                    cx.screen.json(&json!({"path": path, "removed": true, "sequence": sequence}));
                } else {
                    cx.screen.line(&format!("{}  no longer declared", clean(&path, 100)));
                }
            }
            FeedItem::Reset | FeedItem::Event(_) | FeedItem::Level => {}
        }
    }
    Ok(Exit::Done)
}

fn show_change(cx: &Context, tag: hotpair_client::Tag) {
    let hotpair_client::Tag { path, value, quality, timestamp, sequence, epoch, value_type, unit } =
        tag;
    let quality = match quality {
        Quality::Good => TagQuality::Good,
        Quality::Uncertain => TagQuality::Uncertain,
        Quality::Bad => TagQuality::Bad,
    };
    let tag = Tag { path, value, quality, timestamp, sequence, epoch, value_type, unit };
    if cx.screen.json {
        cx.screen.json(&tag);
    } else {
        cx.screen.line(&cells(&tag).join("  "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_rounded_for_people_and_nothing_else_is() {
        let said = |it: &str| shown(&serde_json::from_str(it).unwrap());
        let all = ["45.97537103109587", "12.5", "900.0", "12345678", "0.00001234", "\"a\"", "-0.5"];
        assert_eq!(
            all.map(said),
            ["45.9754", "12.5", "900.0", "12345678", "1.234e-5", "\"a\"", "-0.5"]
        );
    }
}
