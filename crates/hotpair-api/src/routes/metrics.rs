//! `/metrics` in OpenMetrics text, made anew from the node's figures at each scrape.
use super::board::Board;
use crate::answer::Answer;
use crate::face::{
    AddressState, EngineMeasures, Fencing, HistogramValue, HistoryMeasures, Measures,
    ObjectMeasures, OutputsStatus, Problem, ProblemKind, ServiceState, ServiceStatus,
};
use crate::gate::{Api, Shared};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use hotpair_types::{Channel, JournalKind, StateId};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt::Error;
use std::sync::atomic::Ordering;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn routes(board: Board) -> Board {
    board.add("get", "/metrics", metrics)
}

async fn metrics(State(api): State<Shared>) -> Answer {
    let measures = api.ask(api.face.measures()).await?;
    let status = api.status();
    let mut registry = Registry::with_prefix("hotpair");
    let scrape = Scrape {
        measures,
        version: status.version.clone(),
        node: status.node.clone(),
        outputs: status.outputs.clone(),
        services: status.services.clone(),
        answered: answered(&api),
        refused: api.refused.counts().map(|it| (format!("api-{}", it.0), it.1)).into(),
    };
    registry.register_collector(Box::new(scrape));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)
        .map_err(|_| Problem::new(ProblemKind::Internal, "the figures cannot be written"))?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

fn answered(api: &Api) -> Vec<(String, u64)> {
    let classes = api.answered.iter().enumerate();
    classes.map(|(at, it)| (format!("{}xx", at + 1), it.load(Ordering::Relaxed))).collect()
}

#[derive(Debug)]
struct Scrape {
    measures: Measures,
    version: String,
    node: String,
    outputs: OutputsStatus,
    services: Vec<ServiceStatus>,
    answered: Vec<(String, u64)>,
    refused: Vec<(String, u64)>,
}

/// Writes one family: a name and its values with their labels.
struct Family<'a> {
    encoder: MetricEncoder<'a>,
}

type Labels<'a> = &'a [(&'a str, &'a str)];

impl<'a> Family<'a> {
    fn new(
        to: &'a mut DescriptorEncoder<'_>,
        name: &'a str,
        help: &str,
        kind: MetricType,
    ) -> Result<Self, Error> {
        let encoder = to.encode_descriptor(name, help, None, kind)?;
        Ok(Self { encoder })
    }

    fn gauge(&mut self, labels: Labels<'_>, value: f64) -> Result<(), Error> {
        self.encoder.encode_family(&labels)?.encode_gauge(&value)
    }

    fn whole(&mut self, labels: Labels<'_>, value: u64) -> Result<(), Error> {
        self.encoder.encode_family(&labels)?.encode_gauge(&value)
    }

    fn counter(&mut self, labels: Labels<'_>, value: u64) -> Result<(), Error> {
        let mut encoder = self.encoder.encode_family(&labels)?;
        encoder.encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    fn histogram(&mut self, labels: Labels<'_>, value: &HistogramValue) -> Result<(), Error> {
        let HistogramValue { sum, count, buckets } = value;
        // A histogram without its last bucket is none.
        let only = [(f64::INFINITY, *count)];
        let buckets = if buckets.is_empty() { &only[..] } else { buckets };
        let mut encoder = self.encoder.encode_family(&labels)?;
        encoder.encode_histogram::<NoLabelSet>(*sum, *count, buckets, None)
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let to = &mut encoder;
        let build = &[("version", self.version.as_str()), ("node", self.node.as_str())][..];
        to.encode_descriptor("build", "The release", None, MetricType::Info)?
            .encode_info(&build)?;
        self.states(to)?;
        self.journals(to)?;
        self.objects(to)?;
        self.alarms(to)?;
        self.history(to)?;
        self.channels(to)?;
        self.outputs(to)?;
        self.services(to)?;
        self.rest(to)
    }
}

impl Scrape {
    fn engines(&self) -> impl Iterator<Item = (&EngineMeasures, &str)> {
        self.measures.engines.iter().map(|it| (it, it.name.as_str()))
    }

    fn states(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut family =
            Family::new(to, "state", "1 for the state this node is in", MetricType::Gauge)?;
        for (engine, name) in self.engines() {
            for state in StateId::ALL.into_iter().filter(|it| it.number() <= 11) {
                let labels = [("engine", name), ("state", state.id())];
                family.whole(&labels, u64::from(engine.state == Some(state)))?;
            }
        }
        let help = "1 for the state the partner is in";
        let mut family = Family::new(to, "partner_state", help, MetricType::Gauge)?;
        for (engine, name) in self.engines() {
            for state in StateId::ALL {
                let labels = [("engine", name), ("state", state.id())];
                family.whole(&labels, u64::from(engine.partner_state == state))?;
            }
        }
        let mut family = Family::new(to, "epoch", "The adopted epoch", MetricType::Gauge)?;
        for (engine, name) in self.engines() {
            family.whole(&[("engine", name)], engine.epoch)?;
        }
        let help = "1 while automatic changes of role are off";
        let mut family = Family::new(to, "paused", help, MetricType::Gauge)?;
        for (engine, name) in self.engines() {
            family.whole(&[("engine", name)], u64::from(engine.paused))?;
        }
        self.grants(to)?;
        let help = "Changes of role by cause";
        let mut family = Family::new(to, "role_changes", help, MetricType::Counter)?;
        for (engine, name) in self.engines() {
            for (cause, count) in &engine.role_changes {
                family.counter(&[("engine", name), ("cause", cause)], *count)?;
            }
        }
        let help = "From the loss of the old active to the opened gate";
        let mut family = Family::new(to, "takeover_seconds", help, MetricType::Histogram)?;
        for (engine, name) in self.engines() {
            family.histogram(&[("engine", name)], &engine.takeover_seconds)?;
        }
        Ok(())
    }

    /// Of mode `arbiter`: without one there are no such families.
    fn grants(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let grants = || self.engines().filter_map(|(it, name)| Some((it.grant?, name)));
        if grants().next().is_none() {
            return Ok(());
        }
        let help = "1 while the third party answers this node";
        let mut family = Family::new(to, "arbiter_reachable", help, MetricType::Gauge)?;
        for (grant, name) in grants() {
            family.whole(&[("engine", name)], u64::from(grant.reachable))?;
        }
        let help = "How long the grant is held without another renewal; 0: not held";
        let mut family = Family::new(to, "grant_left_seconds", help, MetricType::Gauge)?;
        for (grant, name) in grants() {
            family.gauge(&[("engine", name)], grant.left_seconds)?;
        }
        Ok(())
    }

    fn journals(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "Entries that the partner does not have";
        let mut family = Family::new(to, "replication_lag_entries", help, MetricType::Gauge)?;
        for (engine, name) in self.engines() {
            for kind in JournalKind::ALL {
                let (journal, lag) = match kind {
                    JournalKind::Config => ("config", engine.config_lag_entries),
                    JournalKind::Runtime => ("runtime", engine.runtime_lag_entries),
                };
                family.whole(&[("engine", name), ("journal", journal)], lag)?;
            }
        }
        let help = "Age of the oldest entry that the partner does not have";
        let mut family = Family::new(to, "replication_lag_seconds", help, MetricType::Gauge)?;
        for (engine, name) in self.engines() {
            family.gauge(&[("engine", name)], engine.lag_seconds)?;
        }
        type Figure = fn(&EngineMeasures) -> u64;
        let figures: [(&str, &str, Figure); 3] = [
            ("sync_bytes_done", "Bytes of the sync that have arrived", |it| it.sync_bytes_done),
            ("sync_bytes_total", "Bytes of the sync in all", |it| it.sync_bytes_total),
            ("divergence_entries", "Losing entries that are kept", |it| it.divergence_entries),
        ];
        for (name, help, figure) in figures {
            let mut family = Family::new(to, name, help, MetricType::Gauge)?;
            for (engine, name) in self.engines() {
                family.whole(&[("engine", name)], figure(engine))?;
            }
        }
        let help = "How long commits take";
        let mut family = Family::new(to, "commit_seconds", help, MetricType::Histogram)?;
        for (engine, name) in self.engines() {
            family.histogram(&[("engine", name)], &engine.commit_seconds)?;
        }
        Ok(())
    }

    fn objects(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let objects =
            || self.engines().flat_map(|(it, name)| it.objects.iter().map(move |it| (it, name)));
        type Figure = fn(&ObjectMeasures) -> &HistogramValue;
        let figures: [(&str, &str, Figure); 2] = [
            ("scan_seconds", "How long scans take", |it| &it.scan_seconds),
            ("scan_jitter_seconds", "How long after their slots scans begin", |it| {
                &it.jitter_seconds
            }),
        ];
        for (name, help, figure) in figures {
            let mut family = Family::new(to, name, help, MetricType::Histogram)?;
            for (object, engine) in objects() {
                let labels = [("engine", engine), ("object", object.name.as_str())];
                family.histogram(&labels, figure(object))?;
            }
        }
        let help = "Slots that were left out";
        let mut family = Family::new(to, "scan_overruns", help, MetricType::Counter)?;
        for (object, engine) in objects() {
            let labels = [("engine", engine), ("object", object.name.as_str())];
            family.counter(&labels, object.overruns)?;
        }
        Ok(())
    }

    fn alarms(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "Alarms of objects by state";
        let mut family = Family::new(to, "object_alarms", help, MetricType::Gauge)?;
        for (engine, name) in self.engines() {
            for (state, count) in &engine.alarms {
                family.whole(&[("engine", name), ("state", state)], *count)?;
            }
        }
        Ok(())
    }

    /// Where history is kept: without it there are no such families.
    fn history(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let kept = || self.engines().filter_map(|(it, name)| Some((it.history?, name)));
        if kept().next().is_none() {
            return Ok(());
        }
        type Figure = fn(&HistoryMeasures) -> u64;
        let held: [(&str, &str, Figure); 2] = [
            ("history_held_bytes", "Bytes of history that wait for the sink", |it| it.held_bytes),
            ("history_held_records", "Samples that wait for the sink", |it| it.held_records),
        ];
        for (name, help, figure) in held {
            let mut family = Family::new(to, name, help, MetricType::Gauge)?;
            for (it, engine) in kept() {
                family.whole(&[("engine", engine)], figure(&it))?;
            }
        }
        let gone: [(&str, &str, Figure); 2] = [
            ("history_committed_records", "Samples in the sink", |it| it.committed_records),
            ("history_lost_records", "Samples dropped: no more could be held", |it| {
                it.lost_records
            }),
        ];
        for (name, help, figure) in gone {
            let mut family = Family::new(to, name, help, MetricType::Counter)?;
            for (it, engine) in kept() {
                family.counter(&[("engine", engine)], figure(&it))?;
            }
        }
        Ok(())
    }

    fn channels(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "Beats that did not arrive";
        let mut family = Family::new(to, "beat_missed", help, MetricType::Counter)?;
        for (channel, missed) in self.measures.beat_missed.iter() {
            family.counter(&[("channel", label(channel))], *missed)?;
        }
        let help = "Round trips of beats";
        let mut family = Family::new(to, "beat_round_trip_seconds", help, MetricType::Histogram)?;
        for (channel, trips) in self.measures.beat_round_trip_seconds.iter() {
            family.histogram(&[("channel", label(channel))], trips)?;
        }
        Ok(())
    }

    fn outputs(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "1 for how far the fence around this node reaches";
        let mut family = Family::new(to, "fencing", help, MetricType::Gauge)?;
        for level in Fencing::ALL {
            let is_it = u64::from(self.outputs.fencing == level);
            family.whole(&[("level", level.as_str())], is_it)?;
        }
        if self.outputs.addresses.is_empty() {
            return Ok(());
        }
        let help = "1 while this node has the virtual address";
        let mut family = Family::new(to, "address_held", help, MetricType::Gauge)?;
        for it in &self.outputs.addresses {
            let held = u64::from(it.state == AddressState::Held);
            family.whole(&[("address", &it.address)], held)?;
        }
        let help = "1 while something is wrong with the virtual address";
        let mut family = Family::new(to, "address_trouble", help, MetricType::Gauge)?;
        for it in &self.outputs.addresses {
            family.whole(&[("address", &it.address)], u64::from(it.trouble.is_some()))?;
        }
        Ok(())
    }

    /// Of programs that run on the active alone: without one there are no such families.
    fn services(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        if self.services.is_empty() {
            return Ok(());
        }
        let help = "1 while the service runs here";
        let mut family = Family::new(to, "service_up", help, MetricType::Gauge)?;
        for it in &self.services {
            let up = u64::from(it.state == ServiceState::Running);
            family.whole(&[("engine", &it.engine), ("service", &it.name)], up)?;
        }
        let help = "Starts of the service after it had failed";
        let mut family = Family::new(to, "service_restarts", help, MetricType::Counter)?;
        for it in &self.services {
            family.counter(&[("engine", &it.engine), ("service", &it.name)], it.restarts)?;
        }
        Ok(())
    }

    fn rest(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut family = Family::new(to, "queue_bytes", "Bytes that wait", MetricType::Gauge)?;
        for queue in &self.measures.queues {
            family.whole(&[("queue", &queue.name)], queue.bytes)?;
        }
        if let Some(seconds) = self.measures.certificate_expiry_seconds {
            let help = "Until this node's certificate expires";
            let name = "certificate_expiry_seconds";
            to.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&seconds)?;
        }
        let help = "Turned away: connections, tokens, messages";
        let mut family = Family::new(to, "refused", help, MetricType::Counter)?;
        for (what, count) in self.measures.refused.iter().chain(&self.refused) {
            family.counter(&[("what", what)], *count)?;
        }
        let help = "Answers of the API by class of status";
        let mut family = Family::new(to, "api_answers", help, MetricType::Counter)?;
        for (class, count) in &self.answered {
            family.counter(&[("class", class)], *count)?;
        }
        Ok(())
    }
}

const fn label(channel: Channel) -> &'static str {
    match channel {
        Channel::Redundancy => "redundancy",
        Channel::Primary => "primary",
    }
}
