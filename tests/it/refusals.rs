//! X9, X13, X18: partners and settings that do not fit.
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{Audit, Pair, PairSettings, Request, Side, Status};
use hotpair_transport::Identity;

use crate::scenario::Scenario;
use crate::stage::Stage;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "X9",
        "x9-partner-with-another-key",
        "refused, counted, alarm on both sides; alive, not dead",
        |stage| Box::pin(another_key(stage)),
    ),
    Scenario::new(
        "X9",
        "x9-wrong-key-pinned-on-the-master",
        "nobody would dial by the rule; alarm and count on both, and the backup knows that the master lives",
        |stage| Box::pin(wrong_pin(stage, Side::A)),
    ),
    Scenario::new(
        "X9",
        "x9-wrong-key-pinned-on-the-backup",
        "nobody would dial by the rule; alarm and count on both, and the master knows that the backup lives",
        |stage| Box::pin(wrong_pin(stage, Side::B)),
    ),
    Scenario::new(
        "X9",
        "x9-wrong-keys-pinned-on-both",
        "nobody would dial by the rule; alarm and count on both",
        |stage| Box::pin(wrong_pins(stage)),
    ),
    Scenario::new(
        "X9",
        "x9-expired-certificate-with-the-pinned-key",
        "accepted, with an alarm",
        |stage| Box::pin(expired(stage)),
    ),
    Scenario::new(
        "X13",
        "x13-bad-settings-file",
        "refused at start with file, line and what is allowed",
        |stage| Box::pin(bad_settings(stage)),
    ),
    Scenario::new(
        "X18",
        "x18-settings-of-the-nodes-differ",
        "Not Ready, the field named on both sides",
        |stage| Box::pin(settings_differ(stage)),
    ),
];

fn alarmed(status: &Status) -> bool {
    status.json()["alarms"].as_array().is_some_and(|it| !it.is_empty())
}

async fn another_key(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.node(Side::B).stop().await?;
    let right = pair.node(Side::B).key()?;
    pair.node(Side::B).new_key(SystemTime::now(), Duration::from_secs(3600))?;
    let epoch = pair.status(Side::A).await?.epoch();
    pair.node(Side::B).start()?;
    for side in Side::BOTH {
        pair.until(side, "an alarm about the key", alarmed).await?;
    }
    // Beyond the startup allowance: it must not act because nobody lets it in.
    let follows = |it: &Status| !it.is_active();
    pair.stays(Side::B, "not active", Duration::from_secs(5), follows).await?;
    let now = pair.status(Side::A).await?;
    ensure!(now.is_active() && now.epoch() == epoch, "the active is not disturbed");
    pair.node(Side::B).stop().await?;
    pair.node(Side::B).put_key(&right)?;
    pair.node(Side::B).start()?;
    Audit::of(&pair).run().await?;
    Ok(())
}

/// A key below both of the pair: whoever pins it believes that the partner dials.
fn lower_key(pair: &Pair) -> Result<String> {
    let keys = [pair.node(Side::A).identity()?.key(), pair.node(Side::B).identity()?.key()];
    loop {
        let other = Identity::generate()?.key();
        if keys.iter().all(|it| other < *it) {
            return Ok(other.to_string());
        }
    }
}

/// Gives the node that pins rightly the higher key, so that it waits by the rule as well.
fn let_wait(pair: &Pair, right: Side) -> Result<()> {
    let key = |side| anyhow::Ok(pair.node(side).identity()?.key());
    while key(right)? < key(right.other())? {
        for side in Side::BOTH {
            pair.node(side).new_key(SystemTime::now(), Duration::from_secs(3600))?;
        }
    }
    pair.pin_keys()
}

async fn refused_handshakes(pair: &Pair, side: Side) -> Result<u64> {
    let text = pair.ask(side, Request::get("/metrics")).await?.text();
    let line = text.lines().find(|it| it.contains("refused_total{what=\"handshake\"}"));
    let count = line.and_then(|it| it.rsplit(' ').next()).context("the metric is there")?;
    Ok(count.parse()?)
}

/// Both raise the alarm and count; neither has a connection.
async fn both_alarmed(pair: &Pair) -> Result<()> {
    for side in Side::BOTH {
        let about_keys = |it: &Status| {
            let alarms = it.json()["alarms"].as_array().cloned().unwrap_or_default();
            alarms.iter().any(|it| it["id"] == "handshake-refused")
        };
        pair.until(side, "an alarm about the key", about_keys).await?;
        ensure!(refused_handshakes(pair, side).await? > 0, "{side} counts");
    }
    Ok(())
}

async fn wrong_pin(stage: &Stage, mistaken: Side) -> Result<()> {
    let pair = stage.prepare(PairSettings::default()).await?;
    let right = mistaken.other();
    let_wait(&pair, right)?;
    pair.pin_at(mistaken, &lower_key(&pair)?)?;
    for side in Side::BOTH {
        pair.node(side).start()?;
    }
    both_alarmed(&pair).await?;
    let alive = |it: &Status| it.channel("redundancy")["health"] == "refused";
    pair.until(right, "the partner is alive and refuses", alive).await?;
    let detail = pair.status(mistaken).await?;
    ensure!(
        detail.mentions(&pair.node(right).identity()?.key().to_string()),
        "the shown key is named"
    );
    // The one that hears nobody acts after its startup allowance; the other waits for what lives.
    pair.until_active(mistaken).await?;
    let waits = |it: &Status| {
        let waiting = &it.engine("main")["waiting_for"];
        !it.is_active() && waiting["id"] == "partner-refused"
    };
    pair.stays(right, "waiting for a partner that is alive", Duration::from_secs(5), waits).await?;
    pair.node(mistaken).stop().await?;
    pair.pin_keys()?;
    pair.node(mistaken).start()?;
    Audit::of(&pair).run().await?;
    let quiet = |it: &Status| !it.mentions("handshake-refused");
    for side in Side::BOTH {
        pair.until(side, "the alarm is over", quiet).await?;
    }
    Ok(())
}

async fn wrong_pins(stage: &Stage) -> Result<()> {
    // Nothing is proven to either: in this mode neither may act on its own.
    let pair = stage.prepare(PairSettings::default().mode("no-split")).await?;
    for side in Side::BOTH {
        pair.pin_at(side, &lower_key(&pair)?)?;
    }
    for side in Side::BOTH {
        pair.node(side).start()?;
    }
    both_alarmed(&pair).await?;
    for side in Side::BOTH {
        let waits = |it: &Status| !it.is_active();
        pair.stays(side, "waiting", Duration::from_secs(4), waits).await?;
        pair.node(side).stop().await?;
    }
    pair.pin_keys()?;
    pair.start_both().await?;
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn expired(stage: &Stage) -> Result<()> {
    let pair = stage.prepare(PairSettings::default()).await?;
    let year = Duration::from_secs(365 * 24 * 3600);
    pair.node(Side::B).new_key(SystemTime::now() - 2 * year, year)?;
    pair.pin_keys()?;
    pair.start_both().await?;
    pair.until(Side::A, "an alarm about the partner's certificate", alarmed).await?;
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn bad_settings(stage: &Stage) -> Result<()> {
    let bad = [
        (PairSettings::default().with("heartbeat.intervall", "100ms"), "intervall"),
        (PairSettings::default().with("heartbeat.interval", "100"), "interval"),
        (PairSettings::default().with("heartbeat.interval", "1 fortnight"), "interval"),
        (PairSettings::default().raw("heartbeat.max_missed", "0"), "max_missed"),
        (PairSettings::default().with("pair.mode", "hope"), "mode"),
        (PairSettings::default().only(Side::A, "partner.name", "\"gw-a\""), "name"),
        (
            PairSettings::default().mode("no-split").with("pair.promote_after", "1s"),
            "promote_after",
        ),
    ];
    let pair = stage.prepare(PairSettings::default()).await?;
    let file = pair.node(Side::A).settings_file();
    let file = file.to_str().context("UTF-8")?;
    for (settings, field) in bad {
        pair.reconfigure(settings)?;
        let (_, said, status) = pair.cli(Side::A, &["run", "-c", file]).await?;
        ensure!(status == 1 || status == 2, "{field}: exit status {status}; it said: {said}");
        ensure!(said.contains(field), "{field} is named: {said}");
        let text = std::fs::read_to_string(file)?;
        let lines = text.lines().enumerate().filter(|(_, it)| it.trim_start().starts_with(field));
        let places: Vec<_> = lines.map(|(at, _)| format!("node.toml:{}", at + 1)).collect();
        let named = places.iter().any(|it| said.contains(it));
        ensure!(named, "{field}: its line is named, one of {places:?}: {said}");
    }
    Ok(())
}

async fn settings_differ(stage: &Stage) -> Result<()> {
    let winner =
        |side| PairSettings::default().only(side, "pair.conflict_winner", "\"newest-epoch\"");
    let pair = stage.prepare(winner(Side::B)).await?;
    for side in Side::BOTH {
        pair.node(side).start()?;
    }
    pair.until_active(Side::A).await?;
    pair.until_state(Side::B, &["standby-not-ready"]).await?;
    for side in Side::BOTH {
        let named = |it: &Status| it.mentions("conflict_winner") || it.mentions("conflict winner");
        pair.until(side, "the field is named", named).await?;
    }
    let refused = |it: &Status| it.state() == "standby-not-ready";
    pair.stays(Side::B, "not ready", Duration::from_secs(2), refused).await?;
    pair.node(Side::B).stop().await?;
    pair.reconfigure(PairSettings::default())?;
    pair.node(Side::B).start()?;
    Audit::of(&pair).run().await?;
    Ok(())
}
