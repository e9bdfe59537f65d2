//! Decides when one address is asked for, claimed, announced and defended. No clock, no socket: times and
//! what was heard come in, effects go out.
//!
//! The rule for a duplicate. Before it claims, a node asks three times within 60 ms who has the address. If
//! it is the partner's host (the hardware address that also answers for an address of the partner's
//! channels), the address is claimed all the same: that host has lost the role and does not know it yet.
//! If it is anybody else, the address is left to him, and asked for again every two seconds. Who turns up
//! after it was claimed is answered with one announcement in ten seconds (RFC 5227, 2.4 b) and no more.
use crate::Hardware;
use crate::frame::Holder;
use std::net::IpAddr;
use std::time::Duration;

/// How often it is asked before a claim …
const PROBES: u32 = 3;
/// … and how long each time is waited for an answer.
const PROBE_PAUSE: Duration = Duration::from_millis(20);
/// After a claim that did not come about.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// When an address is announced, after it was claimed. Switches and hosts may miss some.
const ANNOUNCEMENTS: [Duration; 8] = [
    Duration::ZERO,
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];
/// … and from then on so often: for whoever believed another host meanwhile.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(30);
/// One announcement against another holder in so long (RFC 5227, DEFEND_INTERVAL).
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);
/// A holder who was not heard for so long is gone.
const REMEMBERED: Duration = Duration::from_secs(30);
/// Holders that are remembered at a time.
const HOLDERS_MAX: usize = 16;

/// What is to be done, now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask who has this address.
    Probe(IpAddr),
    /// Put the address on the interface; `failed` if that did not work.
    Add,
    /// Tell everybody that it is here.
    Announce,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not claimed: this node may not have it, or a claim waits.
    Absent,
    /// It is asked who has it.
    Asking,
    /// It stands on the interface.
    Held,
}

/// Somebody else answers for the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicate {
    /// Not the partner: the address is not claimed.
    Stranger(Hardware),
    /// The partner's host, before the claim: the address was claimed all the same.
    Partner(Hardware),
    /// Somebody, after the claim.
    Conflict(Hardware),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent { again_at: Duration },
    Asking { asked: u32, next: Duration },
    Held { since: Duration, announced: usize, next: Duration },
}

/// One address. A moment is the time since some start.
#[derive(Clone, Debug)]
pub struct Claim {
    address: IpAddr,
    /// Addresses of the partner's host.
    partner: Vec<IpAddr>,
    /// Whether there is anybody to ask.
    asks: bool,
    state: State,
    holders: Vec<Hardware>,
    partners: Vec<Hardware>,
    duplicate: Option<(Duplicate, Duration)>,
    defended_at: Option<Duration>,
}

impl Claim {
    /// Of an address that stands nowhere on this host. `asks`: its interface can ask.
    #[must_use]
    pub const fn new(address: IpAddr, partner: Vec<IpAddr>, asks: bool) -> Self {
        Self {
            address,
            partner,
            asks,
            state: State::Absent { again_at: Duration::ZERO },
            holders: Vec::new(),
            partners: Vec::new(),
            duplicate: None,
            defended_at: None,
        }
    }

    /// How it stands.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match self.state {
            State::Absent { .. } => Phase::Absent,
            State::Asking { .. } => Phase::Asking,
            State::Held { .. } => Phase::Held,
        }
    }

    /// Who else answers for it.
    #[must_use]
    pub fn duplicate(&self) -> Option<Duplicate> {
        self.duplicate.map(|it| it.0)
    }

    /// This node may have it, at this moment. What is to be done, in its order.
    pub fn step(&mut self, now: Duration) -> Vec<Effect> {
        if self.duplicate.is_some_and(|(_, at)| now.saturating_sub(at) >= REMEMBERED) {
            self.duplicate = None;
        }
        if let State::Absent { again_at } = self.state
            && now >= again_at
        {
            self.holders.clear();
            self.partners.clear();
            self.state = State::Asking { asked: 0, next: now };
        }
        match self.state {
            State::Absent { .. } => Vec::new(),
            State::Asking { next, .. } if now < next && self.asks => Vec::new(),
            State::Asking { asked, .. } if asked < PROBES && self.asks => {
                self.state = State::Asking { asked: asked + 1, next: now + PROBE_PAUSE };
                let all = std::iter::once(&self.address).chain(&self.partner);
                all.map(|it| Effect::Probe(*it)).collect()
            }
            State::Asking { .. } => self.decide(now),
            State::Held { next, .. } if now < next => Vec::new(),
            State::Held { since, announced, .. } => {
                let announced = ANNOUNCEMENTS.len().min(announced + 1);
                let following = ANNOUNCEMENTS.get(announced).map(|it| since + *it);
                let next = following.unwrap_or(now + ANNOUNCE_EVERY);
                self.state = State::Held { since, announced, next };
                vec![Effect::Announce]
            }
        }
    }

    fn decide(&mut self, now: Duration) -> Vec<Effect> {
        let stranger = self.holders.iter().find(|it| !self.partners.contains(it)).copied();
        if let Some(stranger) = stranger {
            self.duplicate = Some((Duplicate::Stranger(stranger), now));
            self.state = State::Absent { again_at: now + AGAIN_AFTER };
            return Vec::new();
        }
        self.duplicate = self.holders.first().map(|it| (Duplicate::Partner(*it), now));
        self.state = State::Held { since: now, announced: 1, next: now + ANNOUNCEMENTS[1] };
        vec![Effect::Add, Effect::Announce]
    }

    /// Somebody else said to have an address.
    pub fn heard(&mut self, now: Duration, holder: Holder) -> Option<Effect> {
        let about = holder.address == self.address;
        match self.state {
            State::Absent { .. } => None,
            State::Asking { .. } => {
                if about {
                    note(&mut self.holders, holder.hardware);
                } else if self.partner.contains(&holder.address) {
                    note(&mut self.partners, holder.hardware);
                }
                None
            }
            State::Held { .. } if about => {
                self.duplicate = Some((Duplicate::Conflict(holder.hardware), now));
                let due = self.defended_at.is_none_or(|at| now >= at + DEFEND_INTERVAL);
                due.then(|| {
                    self.defended_at = Some(now);
                    Effect::Announce
                })
            }
            State::Held { .. } => None,
        }
    }

    /// The kernel did not add it: tried again later.
    pub fn failed(&mut self, now: Duration) {
        self.state = State::Absent { again_at: now + AGAIN_AFTER };
    }

    /// It was taken off: this node may not have it any more.
    pub fn removed(&mut self) {
        self.state = State::Absent { again_at: Duration::ZERO };
        self.duplicate = None;
        self.defended_at = None;
    }

    /// Whether something may be due within milliseconds.
    #[must_use]
    pub const fn is_urgent(&self) -> bool {
        matches!(self.state, State::Asking { .. })
    }
}

fn note(list: &mut Vec<Hardware>, hardware: Hardware) {
    if list.len() < HOLDERS_MAX && !list.contains(&hardware) {
        list.push(hardware);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use std::fmt::Write as _;

    /// Lines of a script: a moment in milliseconds, then `step`, `heard ADDRESS LAST-BYTE`, `failed` or `removed`.
    fn check(script: &str, expect: Expect) {
        let address = "192.0.2.9".parse().unwrap();
        let mut claim = Claim::new(address, vec!["10.0.0.2".parse().unwrap()], true);
        let mut told = String::new();
        for line in script.lines().map(str::trim).filter(|it| !it.is_empty()) {
            let words: Vec<_> = line.split(' ').collect();
            let now = Duration::from_millis(words[0].parse().unwrap());
            let effects = match words[1] {
                "step" => claim.step(now),
                "heard" => {
                    let hardware = Hardware([2, 0, 0, 0, 0, words[3].parse().unwrap()]);
                    let holder = Holder { address: words[2].parse().unwrap(), hardware };
                    claim.heard(now, holder).into_iter().collect()
                }
                "failed" => {
                    claim.failed(now);
                    Vec::new()
                }
                "removed" => {
                    claim.removed();
                    Vec::new()
                }
                other => panic!("{other}?"),
            };
            let names: Vec<_> = effects.iter().map(|it| format!("{it:?}")).collect();
            let duplicate = match claim.duplicate() {
                None => String::new(),
                Some(Duplicate::Stranger(it)) => format!(" stranger {it}"),
                Some(Duplicate::Partner(it)) => format!(" partner {it}"),
                Some(Duplicate::Conflict(it)) => format!(" conflict {it}"),
            };
            let (phase, names) = (claim.phase(), names.join(" "));
            writeln!(told, "{line}: {phase:?}{duplicate} [{names}]").unwrap();
        }
        expect.assert_eq(&told);
    }

    #[test]
    fn a_free_address_is_asked_for_three_times_then_claimed_and_announced() {
        check(
            "0 step
             10 step
             20 step
             40 step
             60 step
             61 step
             110 step
             260 step",
            expect![[r#"
                0 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                10 step: Asking []
                20 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                40 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                60 step: Held [Add Announce]
                61 step: Held []
                110 step: Held [Announce]
                260 step: Held [Announce]
            "#]],
        );
    }

    #[test]
    fn a_stranger_keeps_it_and_it_is_asked_for_again() {
        check(
            "0 step
             1 heard 192.0.2.9 7
             1 heard 10.0.0.2 5
             20 step
             40 step
             60 step
             1000 step
             2060 step
             2080 step
             2100 step
             2120 step
             33000 step",
            expect![[r#"
                0 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                1 heard 192.0.2.9 7: Asking []
                1 heard 10.0.0.2 5: Asking []
                20 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                40 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                60 step: Absent stranger 02:00:00:00:00:07 []
                1000 step: Absent stranger 02:00:00:00:00:07 []
                2060 step: Asking stranger 02:00:00:00:00:07 [Probe(192.0.2.9) Probe(10.0.0.2)]
                2080 step: Asking stranger 02:00:00:00:00:07 [Probe(192.0.2.9) Probe(10.0.0.2)]
                2100 step: Asking stranger 02:00:00:00:00:07 [Probe(192.0.2.9) Probe(10.0.0.2)]
                2120 step: Held [Add Announce]
                33000 step: Held [Announce]
            "#]],
        );
    }

    #[test]
    fn the_partners_host_that_lost_the_role_is_not_waited_for() {
        check(
            "0 step
             1 heard 192.0.2.9 5
             2 heard 10.0.0.2 5
             20 step
             40 step
             60 step",
            expect![[r#"
                0 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                1 heard 192.0.2.9 5: Asking []
                2 heard 10.0.0.2 5: Asking []
                20 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                40 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                60 step: Held partner 02:00:00:00:00:05 [Add Announce]
            "#]],
        );
    }

    #[test]
    fn who_turns_up_later_is_answered_once_in_ten_seconds() {
        check(
            "0 step
             20 step
             40 step
             60 step
             20000 heard 192.0.2.9 7
             20001 heard 192.0.2.9 7
             29999 heard 192.0.2.9 7
             30000 heard 192.0.2.9 7
             60001 step",
            expect![[r#"
                0 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                20 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                40 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                60 step: Held [Add Announce]
                20000 heard 192.0.2.9 7: Held conflict 02:00:00:00:00:07 [Announce]
                20001 heard 192.0.2.9 7: Held conflict 02:00:00:00:00:07 []
                29999 heard 192.0.2.9 7: Held conflict 02:00:00:00:00:07 []
                30000 heard 192.0.2.9 7: Held conflict 02:00:00:00:00:07 [Announce]
                60001 step: Held [Announce]
            "#]],
        );
    }

    #[test]
    fn what_the_kernel_refused_or_was_taken_off_begins_anew() {
        check(
            "0 step
             20 step
             40 step
             60 step
             60 failed
             1000 step
             2060 step
             2061 removed
             2062 step",
            expect![[r#"
                0 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                20 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                40 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                60 step: Held [Add Announce]
                60 failed: Absent []
                1000 step: Absent []
                2060 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
                2061 removed: Absent []
                2062 step: Asking [Probe(192.0.2.9) Probe(10.0.0.2)]
            "#]],
        );
    }

    #[test]
    fn announcements_are_few() {
        let mut claim = Claim::new("192.0.2.9".parse().unwrap(), Vec::new(), false);
        let count = |claim: &mut Claim, from: u64, to: u64| {
            (from..to).flat_map(|it| claim.step(Duration::from_millis(it))).count()
        };
        assert_eq!(count(&mut claim, 0, 10_001), 9, "claimed at once, and eight announcements");
        assert_eq!(count(&mut claim, 10_001, 130_000), 3, "then one in thirty seconds");
    }
}
