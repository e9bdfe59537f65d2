//! Commands that change who acts: switchover, promote, pause, resume, reinit.

use super::ask::{Ask, Question};
use super::confirm::confirm;
use super::terminal::clean;
use super::words::span;
use super::{Context, Exit, Failure, status, watch};
use hotpair_api::face::{Accepted, EngineStatus, Forecast, NodeStatus};
use hotpair_types::StateId;
use std::time::{Duration, Instant};

/// Between two looks while waiting.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

pub(super) async fn switchover(cx: &Context, dry_run: bool) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    let before = status::fetch(&ask).await?;
    let engine = status::engine(&before, &ask)?;
    let question = Question::post("/api/v1/switchover").query("dry_run", dry_run);
    if dry_run {
        let accepted: Accepted = ask.ask(question).await?;
        show_accepted(cx, &accepted);
        return Ok(Exit::Done);
    }
    let (from, to) = if engine.state.is_some_and(StateId::is_active) {
        (&before.node, &before.partner)
    } else {
        (&before.partner, &before.node)
    };
    let from = clean(from, 40);
    let to = clean(to, 40);
    confirm(cx, &now(cx, &before), &format!("Hand over from {from} to {to}?"))?;
    let epoch = engine.epoch;
    let accepted: Accepted = ask.ask(question).await?;
    show_accepted(cx, &accepted);
    let done = |it: &EngineStatus| {
        let both = [it.state.unwrap_or(StateId::Unknown), it.partner_state];
        it.epoch > epoch && both.contains(&StateId::Active) && both.contains(&StateId::StandbyReady)
    };
    settle(cx, &ask, "the switchover", done).await
}

pub(super) async fn promote(cx: &Context, accept_data_loss: bool) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    let before = status::fetch(&ask).await?;
    let engine = status::engine(&before, &ask)?;
    let node = clean(&before.node, 40);
    let mut lines = now(cx, &before);
    lines.push(loss(engine));
    confirm(cx, &lines, &format!("Make {node} active by force?"))?;
    let question = Question::post("/api/v1/promote").query("accept_data_loss", accept_data_loss);
    let accepted: Accepted = ask.ask(question).await?;
    show_accepted(cx, &accepted);
    settle(cx, &ask, "the promotion", |it| it.state.is_some_and(StateId::is_active)).await
}

/// What the asked node lacks of what its partner last showed.
fn loss(engine: &EngineStatus) -> String {
    let Some(partner) = &engine.partner else {
        return "The partner was not heard since this node started: what would be lost is unknown."
            .to_owned();
    };
    let (own, other) = (engine.positions, partner.positions);
    let config = other.config.sequence.saturating_sub(own.config.sequence);
    let runtime = other.runtime.sequence.saturating_sub(own.runtime.sequence);
    let heard = span(partner.heard_ms_ago);
    match config + runtime {
        0 => {
            format!("Nothing is known to be lost: level with what the partner showed {heard} ago.")
        }
        _ => format!(
            "LOST at least: {config} config and {runtime} runtime entries that the partner showed {heard} ago."
        ),
    }
}

pub(super) async fn pause(cx: &Context) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    let accepted: Accepted = ask.ask(Question::post("/api/v1/pause")).await?;
    show_accepted(cx, &accepted);
    settle(cx, &ask, "the pause", |it| it.paused).await
}

pub(super) async fn resume(cx: &Context) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    let accepted: Accepted = ask.ask(Question::post("/api/v1/resume")).await?;
    show_accepted(cx, &accepted);
    settle(cx, &ask, "the end of the pause", |it| !it.paused && it.suspended.is_none()).await
}

pub(super) async fn reinit(cx: &Context) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    let before = status::fetch(&ask).await?;
    status::engine(&before, &ask)?;
    let (node, partner) = (clean(&before.node, 40), clean(&before.partner, 40));
    let question = format!("Throw the data of {node} away and copy it anew from {partner}?");
    confirm(cx, &now(cx, &before), &question)?;
    let accepted: Accepted = ask.ask(Question::post("/api/v1/reinit")).await?;
    show_accepted(cx, &accepted);
    // The old Ready must have been left before the new one counts.
    let mut left = false;
    settle(cx, &ask, "the new copy", move |it| {
        left |= it.state != Some(StateId::StandbyReady) || it.in_state_for_ms < 1_000;
        left && it.state == Some(StateId::StandbyReady)
    })
    .await
}

/// How things are now, for a prompt.
fn now(cx: &Context, status: &NodeStatus) -> Vec<String> {
    if cx.global.yes { Vec::new() } else { status::page(status, &cx.screen) }
}

pub(super) fn show_accepted(cx: &Context, accepted: &Accepted) {
    if cx.screen.json {
        cx.screen.json(accepted);
        return;
    }
    let forwarded = if accepted.forwarded { " (passed on to the partner)" } else { "" };
    cx.screen.line(&format!("{}{forwarded}", clean(&accepted.text, 400)));
    if let Some(forecast) = &accepted.forecast {
        cx.screen.line(&forecast_text(forecast));
    }
}

fn forecast_text(forecast: &Forecast) -> String {
    format!(
        "  forecast: about {:.0} ms without writes, {} writes held, {} entries lost ({})",
        forecast.gap_ms,
        forecast.held_writes,
        forecast.lost_entries,
        clean(&forecast.text, 200)
    )
}

/// With `--wait`, waits until the engine is as wanted; without it there is nothing to do.
pub(super) async fn settle(
    cx: &Context,
    ask: &Ask,
    what: &str,
    mut wanted: impl FnMut(&EngineStatus) -> bool,
) -> Result<Exit, Failure> {
    let Some(patience) = cx.global.wait else { return Ok(Exit::Done) };
    let begun = Instant::now();
    let mut last = None;
    loop {
        // A node that restarts or changes its role may be away for a moment.
        if let Ok(status) = status::fetch(ask).await {
            let engine = status::engine(&status, ask)?;
            if let Some(sync) = &engine.sync {
                cx.screen.progress(&clean(&sync.phase, 40), sync.bytes_done, sync.bytes_total);
            }
            if wanted(engine) {
                cx.screen.progress_done();
                let took = begun.elapsed().as_millis();
                cx.screen.note(&format!("done after {took} ms: {}", watch::one_line(&status)));
                return Ok(Exit::Done);
            }
            last = Some(watch::one_line(&status));
        }
        if begun.elapsed() >= patience {
            cx.screen.progress_done();
            let last = last.unwrap_or_else(|| "the node did not answer".to_owned());
            let patience = span(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX));
            return Err(Failure::Failed(format!(
                "{what} did not end within {patience}; now: {last}"
            )));
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}
