//! S13: every change of state is told, once and in order: what was told last is the state that holds.
use crate::world::World;
use hotpair_types::StateId;

/// What was told last, by node and engine; `None`: no process.
#[derive(Debug)]
pub(crate) struct Told {
    last: [Vec<Option<StateId>>; 2],
    broken: Option<String>,
}

impl Told {
    pub(crate) fn new(engines: usize) -> Self {
        Self { last: [vec![None; engines], vec![None; engines]], broken: None }
    }

    /// A process begins where every process begins.
    pub(crate) fn started(&mut self, node: usize, engine: usize, undeployed: bool) {
        let first = if undeployed { StateId::Unknown } else { StateId::DeterminingFailoverStatus };
        self.last[node][engine] = Some(first);
    }

    pub(crate) fn changed(&mut self, node: usize, engine: usize, from: StateId, to: StateId) {
        let last = self.last[node][engine].replace(to);
        if last != Some(from) {
            let last = last.map(|it| it.to_string());
            self.broken.get_or_insert_with(|| {
                format!("node {node}, engine {engine}: told {from} -> {to} after {last:?}")
            });
        }
    }

    pub(crate) fn died(&mut self, node: usize) {
        self.last[node].fill(None);
    }
}

pub(super) fn check(world: &World) -> Result<(), String> {
    let told = &world.watch.told;
    if let Some(text) = &told.broken {
        return Err(text.clone());
    }
    for (host, last) in world.nodes.iter().zip(&told.last) {
        let Some(core) = &host.core else { continue };
        for (engine, last) in core.engines().iter().zip(last) {
            let state = engine.machine().state();
            if *last != Some(state) {
                let last = last.map(|it| it.to_string());
                return Err(format!("{} is in {state}, and {last:?} was told", host.instance));
            }
        }
    }
    Ok(())
}
