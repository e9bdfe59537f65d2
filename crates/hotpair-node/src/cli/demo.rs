//! `hotpair demo`: a whole pair on this machine, with a simulated plant and a client that counts
//! through takeovers.

mod pair;
mod client;
mod plant;
mod story;

use super::arguments::DemoArguments;
use super::words::span;
use super::{Context, Exit, Failure};
use client::Client;
use pair::DemoPair;
use plant::Trend;
use serde_json::json;
use std::time::{Duration, Instant};
use story::Story;

/// How long the pair may take to become whole.
const READY_PATIENCE: Duration = Duration::from_secs(40);
/// How long a takeover may take.
const TAKEOVER_PATIENCE: Duration = Duration::from_secs(15);
/// For so long after a kill nobody looks.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at the nodes.
const LOOK_INTERVAL: Duration = Duration::from_millis(40);

/// What became of the kill.
#[derive(Debug)]
struct Kill {
    at: Instant,
    victim: usize,
    acknowledged_before: u64,
    /// What the plant did just before.
    trend: Option<Trend>,
    settled: bool,
    /// Whether the plant went on, once that is known.
    went_on: Option<bool>,
}

impl Kill {
    /// Whether something of it is still to be seen.
    const fn is_open(&self) -> bool {
        !self.settled || (self.trend.is_some() && self.went_on.is_none())
    }
}

pub(super) async fn demo(cx: &Context, arguments: DemoArguments) -> Result<Exit, Failure> {
    let mut pair = DemoPair::prepare(arguments.dir.as_deref())?;
    say(cx, "starting", &format!("Two nodes start in {}", pair.shown_dir()), json!({}));
    // Whatever happens from here on, the nodes are stopped; on a panic `Drop` does it.
    let stopped = stop_signal();
    tokio::pin!(stopped);
    let result = tokio::select! {
        result = play(cx, &mut pair, &arguments) => result,
        () = &mut stopped => {
            cx.screen.note("");
            Ok(Exit::Done)
        }
    };
    say(cx, "stopping", "Stopping both nodes", json!({}));
    pair.stop().await;
    if result.is_err() {
        pair.show_logs(cx);
    }
    result
}

/// Ctrl-C or a polite request.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

async fn play(
    cx: &Context,
    pair: &mut DemoPair,
    arguments: &DemoArguments,
) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let mut story = Story::new(begun);
    pair.start_until_listening().await?;
    wait_until_whole(cx, pair, &mut story).await?;
    plant::deploy(pair).await?;
    let took = begun.elapsed();
    let text = format!("The pair is whole after {}", span(millis(took)));
    say(cx, "ready", &text, json!({"after_ms": millis(took), "apis": pair.bases()}));
    if !cx.screen.json {
        introduce(cx, pair);
    }
    let mut client = Client::new(pair.ways());
    let running = Instant::now();
    let mut kill: Option<Kill> = None;
    let mut next_look = Instant::now();
    loop {
        // One thing after the other: the client's pace is what a takeover is measured with.
        client.write_once().await;
        // A look costs milliseconds, which a takeover should not be charged with.
        let measuring = kill.as_ref().is_some_and(|it| !it.settled && it.at.elapsed() < LOOK_PAUSE);
        if !measuring && next_look <= Instant::now() {
            next_look = Instant::now() + LOOK_INTERVAL;
            story.look(cx, pair).await;
            if let Some(kill) = kill.as_mut().filter(|it| it.settled && it.went_on.is_none()) {
                see_plant(cx, &client, kill).await;
            }
            for text in pair.watch_over()? {
                let at = begun.elapsed().as_secs_f64();
                say(cx, "guard", &format!("{at:8.2} s  {text}"), json!({"at_s": at}));
            }
        }
        if let (None, Some(after)) = (&kill, arguments.kill_active_after)
            && running.elapsed() >= after
        {
            kill = Some(kill_active(cx, pair, &client).await?);
        }
        if let Some(kill) = kill.as_mut().filter(|it| !it.settled) {
            judge(cx, pair, &client, kill)?;
        }
        if arguments.exit_after.is_some_and(|it| running.elapsed() >= it) {
            let waits = kill.as_ref().is_some_and(Kill::is_open);
            if waits && running.elapsed() < READY_PATIENCE * 2 {
                continue;
            }
            return end(cx, pair, &mut client, kill.as_ref()).await;
        }
    }
}

async fn wait_until_whole(
    cx: &Context,
    pair: &mut DemoPair,
    story: &mut Story,
) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        story.look(cx, pair).await;
        if story.is_whole() {
            return Ok(());
        }
        let said = pair.watch_over()?;
        said.iter().for_each(|it| cx.screen.note(it));
        if begun.elapsed() > READY_PATIENCE {
            let patience = READY_PATIENCE.as_secs();
            let last = story.last();
            return Err(Failure::Failed(format!(
                "the pair was not whole within {patience} s: {last}"
            )));
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn introduce(cx: &Context, pair: &DemoPair) {
    let [a, b] = pair.bases();
    let program = pair.shown_program();
    let lines = [
        String::new(),
        format!("  status page   {}/", cx.screen.bold(&a)),
        format!("  of the other  {b}/"),
        String::new(),
        "  In another terminal:".to_owned(),
        format!("    {program} status --watch --api {a}"),
        format!("    {program} tag watch tank/ --api {b}"),
        format!("    {program} tag write tank/setpoint=3 --api {a}"),
        format!("    {program} object show level-control --api {b}"),
        format!("    {program} alarm ack level-control level-low --comment seen --api {a}"),
        format!("    {program} switchover --yes --api {a}"),
        format!("    {program} why --api {a}"),
        format!("    kill -9 {}   # the active node's process", pair.active_process().unwrap_or(0)),
        format!("    tail -f {}", pair.shown_log(0)),
        String::new(),
        "  A simulated tank runs in whichever node is active; the object `level-control` holds its level, a code"
            .to_owned(),
        "  module whose whole state is on both nodes after each scan. A client counts in a tag 50 times a".to_owned(),
        "  second, to notice what is lost. After a takeover gw-a, the master, takes its role back once"
            .to_owned(),
        "  it has been ready for 5 s; after a switchover the roles stay. Ctrl-C ends it all.".to_owned(),
        String::new(),
    ];
    lines.iter().for_each(|it| cx.screen.line(it));
}

async fn kill_active(cx: &Context, pair: &DemoPair, client: &Client) -> Result<Kill, Failure> {
    let victim = pair.active().await;
    let victim =
        victim.ok_or_else(|| Failure::Failed("nobody was active to be killed".to_owned()))?;
    let acknowledged_before = client.acknowledged();
    let trend = Trend::look(client.way()).await;
    let at = Instant::now();
    let process = pair.kill_node(victim)?;
    let name = pair.name(victim);
    let text = format!("kill -9 {process}: the node process of {name}, which was active");
    say(
        cx,
        "killed",
        &text,
        json!({"node": name, "process": process, "count": acknowledged_before}),
    );
    Ok(Kill { at, victim, acknowledged_before, trend, settled: false, went_on: None })
}

/// Whether the other node has acknowledged a write since the kill, and whether it has what the
/// killed one acknowledged.
fn judge(cx: &Context, pair: &DemoPair, client: &Client, kill: &mut Kill) -> Result<(), Failure> {
    let Some(took) = client.first_acknowledged_after(kill.at, 1 - kill.victim) else {
        if kill.at.elapsed() > TAKEOVER_PATIENCE {
            let patience = TAKEOVER_PATIENCE.as_secs();
            return Err(Failure::Failed(format!("no takeover within {patience} s after the kill")));
        }
        return Ok(());
    };
    kill.settled = true;
    let lost = client.lost();
    let name = pair.name(1 - kill.victim);
    let ms = took.as_secs_f64() * 1e3;
    let text = format!(
        "{name} took over: {ms:.1} ms from the kill to the first write it acknowledged; {}",
        match lost {
            0 => format!("nothing lost (write {} was there)", kill.acknowledged_before),
            count => format!("LOST {count} acknowledged writes"),
        }
    );
    say(cx, "takeover", &text, json!({"node": name, "takeover_ms": ms, "lost": lost}));
    if lost > 0 {
        return Err(Failure::Failed(format!("{lost} acknowledged writes were lost")));
    }
    Ok(())
}

/// Whether the plant under control goes on where it was, once the new active has scanned.
async fn see_plant(cx: &Context, client: &Client, kill: &mut Kill) {
    let (Some(before), Some(now)) = (kill.trend, Trend::look(client.way()).await) else { return };
    if now.scan <= before.scan && kill.at.elapsed() < TAKEOVER_PATIENCE {
        return;
    }
    let goes_on = now.goes_on_from(&before);
    kill.went_on = Some(goes_on);
    let what = if goes_on { "goes on without a step" } else { "DID NOT GO ON where it was" };
    let text = format!(
        "The plant {what}: level {:.3} m at step {:.0}, {:.3} m at step {:.0}; pump demand {:.1} %, \
         {:.1} %; the controller's scan {}, {}",
        before.level,
        before.cycle,
        now.level,
        now.cycle,
        before.demand,
        now.demand,
        before.scan,
        now.scan
    );
    let of = |it: Trend| json!({"cycle": it.cycle, "level_m": it.level, "demand_percent": it.demand, "scan": it.scan});
    say(cx, "plant", &text, json!({"goes_on": goes_on, "before": of(before), "after": of(now)}));
}

async fn end(
    cx: &Context,
    pair: &DemoPair,
    client: &mut Client,
    kill: Option<&Kill>,
) -> Result<Exit, Failure> {
    let lost = client.lost_now().await;
    let whole = story::is_whole(pair).await;
    let acknowledged = client.acknowledged();
    let took_over = kill.is_none_or(|it| it.settled);
    let goes_on = kill.is_none_or(|it| it.went_on != Some(false));
    let sound = took_over && lost == 0 && goes_on;
    let text = format!(
        "{acknowledged} writes acknowledged, {lost} lost, longest pause {}, the pair is {}",
        span(millis(client.longest_pause())),
        if whole { "whole" } else { "not whole (yet)" }
    );
    say(
        cx,
        "end",
        &text,
        json!({"ok": sound, "acknowledged": acknowledged, "lost": lost, "whole": whole,
               "longest_pause_ms": millis(client.longest_pause())}),
    );
    Ok(if sound { Exit::Done } else { Exit::Failed })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// One line for people, or one object for programs.
fn say(cx: &Context, event: &str, text: &str, more: serde_json::Value) {
    if !cx.screen.json {
        cx.screen.line(text);
        return;
    }
    let mut object = json!({"event": event, "text": text});
    if let (Some(object), serde_json::Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    cx.screen.json(&object);
}
