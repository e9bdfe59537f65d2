//! The way from a level pair to somewhere rare, from where a walk goes on.
use crate::rules::Promises;
use crate::step::{Fault, Step};
use crate::walk::{Bounds, choices};
use crate::world::World;
use hotpair_types::StateId;

/// What is waited for has come by then, or never comes.
const TICKS_MAX: u8 = 40;
/// What can happen within one tick.
const STEPS_MAX: usize = 200;

/// A part of the way. Nothing that is merely possible happens on it, but what it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// A step that can be taken then.
    Take(Step),
    /// So many ticks of every clock that goes, with all that is due.
    Ticks(u8),
    /// What is due, until this host is in this state.
    Until(usize, StateId),
}

/// Why a way did not lead where it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Astray {
    /// A promise was broken on it.
    Broken(String),
    /// It ends before its end.
    NoWay(String),
}

impl World {
    /// Goes that way.
    pub(crate) fn lead(&mut self, way: &[Lead], promises: Promises) -> Result<(), Astray> {
        for (index, lead) in way.iter().enumerate() {
            let gone = match *lead {
                Lead::Take(step) => self.lead_by(step, promises)?,
                Lead::Ticks(ticks) => self.lead_on(ticks, None, promises)?,
                Lead::Until(host, state) => {
                    self.lead_on(TICKS_MAX, Some((host, state)), promises)?
                }
            };
            if !gone {
                let told = format!("no way on at part {index}, {lead:?}: {}", self.tell());
                return Err(Astray::NoWay(told));
            }
        }
        Ok(())
    }

    /// `false`: it cannot be taken now.
    fn lead_by(&mut self, step: Step, promises: Promises) -> Result<bool, Astray> {
        let mut bounds = Bounds {
            faults_max: u8::MAX,
            starts_max: u64::MAX,
            entries_max: u64::MAX,
            ..Bounds::calm(self.mode)
        };
        if let Step::Fault(_, fault) = step {
            bounds.faults.push(fault);
        }
        let mut steps = Vec::new();
        choices(self, &bounds, &mut steps);
        if !steps.contains(&step) {
            return Ok(false);
        }
        self.go_on(step, promises)?;
        Ok(true)
    }

    /// Goes on for so many ticks, or until a host is in a state. `false`: it never is.
    fn lead_on(
        &mut self,
        ticks: u8,
        until: Option<(usize, StateId)>,
        promises: Promises,
    ) -> Result<bool, Astray> {
        let mut gone = [0; 2];
        let mut steps = Vec::new();
        for _ in 0..STEPS_MAX * usize::from(ticks) {
            if until.is_some_and(|(host, state)| self.state(host) == state) {
                return Ok(true);
            }
            steps.clear();
            for host in 0..2 {
                self.due(host, &mut steps);
            }
            let ticking = (0..2).filter(|it| self.can_tick(*it)).min_by_key(|it| gone[*it]);
            let step = match (steps.first(), ticking) {
                (Some(&due), _) => due,
                (None, Some(host)) if gone[host] < ticks => {
                    gone[host] += 1;
                    Step::Tick(host)
                }
                (None, Some(_)) => return Ok(until.is_none()),
                (None, None) => return Ok(false),
            };
            self.go_on(step, promises)?;
        }
        Ok(false)
    }

    fn go_on(&mut self, step: Step, promises: Promises) -> Result<(), Astray> {
        self.take(step);
        let broken = self.broken(promises);
        self.changes.clear();
        broken.map_or(Ok(()), |it| Err(Astray::Broken(format!("{it}, at {step:?}"))))
    }
}

/// What goes wrong on a way.
pub(crate) fn faults(way: &[Lead]) -> Vec<Fault> {
    let fault = |it: &Lead| match it {
        Lead::Take(Step::Fault(_, fault)) => Some(*fault),
        Lead::Take(_) | Lead::Ticks(_) | Lead::Until(..) => None,
    };
    way.iter().filter_map(fault).collect()
}
