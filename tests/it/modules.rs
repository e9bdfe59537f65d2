//! P29, P30, X15: code modules that are missing, surplus or spoiled on the standby, or cannot be run.
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{Audit, Pair, PairSettings, Request, Side, Status};
use serde_json::Value;

use crate::scenario::Scenario;
use crate::stage::Stage;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P29",
        "p29-modules-changed-while-the-standby-was-away",
        "missing ones installed, surplus ones removed, each verified before Ready",
        |stage| Box::pin(changed_while_away(stage)),
    ),
    Scenario::new(
        "P30",
        "p30-module-spoiled-on-the-standby",
        "found by its hash, fetched again",
        |stage| Box::pin(spoiled(stage)),
    ),
    Scenario::new(
        "P30",
        "p30-module-bytes-that-are-nowhere",
        "an alarm names the module; the sync is not tried without end; the same file mends it",
        |stage| Box::pin(nowhere(stage)),
    ),
    Scenario::new(
        "P29",
        "p29-module-added-to-a-level-pair",
        "there before its record: not degraded, and nobody changes state",
        |stage| Box::pin(added_to_a_level_pair(stage)),
    ),
    Scenario::new(
        "X15",
        "x15-what-cannot-be-run-is-refused",
        "with every reason, before it is recorded; both nodes go on",
        |stage| Box::pin(refused(stage)),
    ),
];

/// A sound module.
const TOTALISER: &[u8] = include_bytes!("../../examples/modules/totaliser.wasm");

/// A sound module, and something behind that tells one from the other.
fn module(text: &str) -> Vec<u8> {
    // A custom section: id 0, its size, the size of its name, its name.
    let name = format!("it-{text}");
    let size = u8::try_from(name.len()).expect("a short name");
    [TOTALISER, &[0, size + 1, size], name.as_bytes()].concat()
}

/// A section that means nothing: id 0, its size as LEB128, no name, the filling.
fn custom_section(filling: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    let mut size = filling.len() + 1;
    while size >= 0x80 {
        bytes.push(u8::try_from(size % 0x80).expect("seven bits") | 0x80);
        size /= 0x80;
    }
    bytes.push(u8::try_from(size).expect("seven bits"));
    bytes.push(0);
    bytes.extend_from_slice(filling);
    bytes
}

async fn add(pair: &Pair, name: &str, bytes: Vec<u8>) -> Result<()> {
    let request = Request::new("PUT", &format!("/api/v1/modules/{name}"));
    pair.ask(Side::A, request.body("application/wasm", bytes)).await?.ok()?;
    Ok(())
}

async fn names(pair: &Pair, side: Side) -> Result<Vec<String>> {
    let listed = pair.ask(side, Request::get("/api/v1/modules")).await?.ok()?;
    let listed = listed["modules"].as_array().cloned().context("modules are a list")?;
    let name = |it: &Value| it["name"].as_str().unwrap_or_default().to_owned();
    Ok(listed.iter().map(name).collect())
}

/// Every file of a node that holds these bytes.
fn blobs(folder: &Path, bytes: &[u8]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(blobs(&path, bytes)?);
        } else if std::fs::read(&path).is_ok_and(|it| it == bytes) {
            found.push(path);
        }
    }
    Ok(found)
}

async fn changed_while_away(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    let (old, new) = (module("old"), module("new"));
    add(&pair, "old", old.clone()).await?;
    pair.until_roles(Side::A).await?;
    let at_b = pair.node(Side::B).data_dir();
    ensure!(!blobs(&at_b, &old)?.is_empty(), "the standby has the module");
    pair.node(Side::B).stop().await?;
    add(&pair, "new", new.clone()).await?;
    let gone = pair.ask(Side::A, Request::new("DELETE", "/api/v1/modules/old")).await?;
    gone.ok()?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    for side in Side::BOTH {
        ensure!(names(&pair, side).await? == ["new"], "{side} lists the new one alone");
    }
    ensure!(!blobs(&at_b, &new)?.is_empty(), "the missing module was installed before Ready");
    ensure!(blobs(&at_b, &old)?.is_empty(), "the surplus module was removed");
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn nowhere(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    let bytes = module("lost");
    add(&pair, "lost", bytes.clone()).await?;
    pair.until_roles(Side::A).await?;
    pair.node(Side::B).kill_all().await?;
    for side in Side::BOTH {
        for file in blobs(&pair.node(side).data_dir(), &bytes)? {
            std::fs::remove_file(file)?;
        }
    }
    let before = pair.events(Side::A).await?.len();
    pair.node(Side::B).start()?;
    let told = |it: &Status| {
        let alarms = it.json()["alarms"].to_string();
        alarms.contains("module-missing") && alarms.contains("`lost`")
    };
    pair.until(Side::B, "says which module is missing", told).await?;
    let tries = pair.events(Side::B).await?.len() + pair.events(Side::A).await?.len() - before;
    ensure!(tries < 100, "{tries} changes of state while nothing could come of it");
    add(&pair, "lost", bytes).await?;
    pair.until_roles(Side::A).await?;
    pair.until(Side::B, "the alarm ends", |it| !told(it)).await?;
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn added_to_a_level_pair(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    let before = [pair.events(Side::A).await?.len(), pair.events(Side::B).await?.len()];
    // Larger than one message between the nodes.
    let filling = "x".repeat(900_000);
    for name in ["mix", "fill"] {
        let bytes = [module(name), custom_section(filling.as_bytes())].concat();
        let request = Request::new("PUT", &format!("/api/v1/modules/{name}"));
        let request = request.body("application/wasm", bytes.clone());
        let answer = pair.ask(Side::A, request).await?.ok()?;
        ensure!(answer["degraded"] == false, "not degraded: {answer}");
        ensure!(answer["acknowledged"] == "durable", "on both disks: {answer}");
        let at_b = blobs(&pair.node(Side::B).data_dir(), &bytes)?;
        ensure!(!at_b.is_empty(), "the standby has {name} when the answer is there");
    }
    for (side, before) in Side::BOTH.into_iter().zip(before) {
        let after = pair.events(side).await?;
        let new = &after[before.min(after.len())..];
        ensure!(new.is_empty(), "{side} changed its state: {new:?}");
    }
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn refused(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.until_roles(Side::A).await?;
    let mut cut = TOTALISER.to_vec();
    cut.truncate(TOTALISER.len() / 2);
    let foreign: Vec<u8> = {
        // Imports of `hotpair_v1` become imports of `somewhere!`, of the same length.
        let text = String::from_utf8_lossy(TOTALISER);
        ensure!(text.contains("hotpair_v1"), "the example imports");
        let mut bytes = TOTALISER.to_vec();
        let at = bytes.windows(10).position(|it| it == b"hotpair_v1").context("imports")?;
        bytes[at..at + 10].copy_from_slice(b"somewhere!");
        bytes
    };
    let cases: [(Vec<u8>, &str); 4] = [
        (b"#!/bin/sh\n".to_vec(), "not-a-module"),
        (cut, "not-a-module"),
        (b"\0asm\x01\0\0\0".to_vec(), "no-scan"),
        (foreign, "foreign-import"),
    ];
    for (bytes, reason) in cases {
        let request = Request::new("PUT", "/api/v1/modules/bad");
        let answer = pair.ask(Side::A, request.body("application/wasm", bytes)).await?;
        ensure!(answer.status == 422, "{reason}: {}", answer.status);
        let problem = answer.json();
        ensure!(problem["type"] == "urn:hotpair:problem:module-refused", "{reason}: {problem}");
        ensure!(problem["reasons"][0]["id"] == reason, "{reason}: {problem}");
    }
    ensure!(names(&pair, Side::A).await?.is_empty(), "nothing is recorded");
    ensure!(blobs(&pair.node(Side::A).data_dir(), b"#!/bin/sh\n")?.is_empty(), "nothing is kept");
    add(&pair, "good", module("good")).await?;
    pair.until_roles(Side::A).await?;
    for side in Side::BOTH {
        let listed = pair.ask(side, Request::get("/api/v1/modules")).await?.ok()?;
        ensure!(listed["modules"][0]["refused"] == serde_json::json!([]), "{side}: {listed}");
    }
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn spoiled(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    let bytes = module("sound");
    add(&pair, "sound", bytes.clone()).await?;
    pair.until_roles(Side::A).await?;
    pair.node(Side::B).stop().await?;
    let at_b = pair.node(Side::B).data_dir();
    let stored = blobs(&at_b, &bytes)?;
    ensure!(!stored.is_empty(), "the module is a file of the standby");
    for path in &stored {
        let mut spoiled = bytes.clone();
        *spoiled.last_mut().context("not empty")? ^= 1;
        std::fs::write(path, spoiled)?;
    }
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    ensure!(!blobs(&at_b, &bytes)?.is_empty(), "the sound bytes are there again");
    Audit::of(&pair).run().await?;
    Ok(())
}
