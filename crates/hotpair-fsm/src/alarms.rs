//! What a person should know: each alarm holds as long as its cause.
use crate::election::is_rolled_back;
use crate::facts::Frozen;
use crate::{Alarm, Hint, Machine, Pulse};

impl Machine {
    /// What people should know now.
    #[must_use]
    pub fn alarms(&self) -> Vec<Alarm> {
        let cx = &self.cx;
        let marks = cx.record.marks;
        let active = self.state.id().is_active();
        let mut alarms = Vec::new();
        let mut add = |holds: bool, alarm: Alarm| {
            if holds {
                alarms.push(alarm);
            }
        };
        add(cx.facts.picture.refused, Alarm::PartnerRefused);
        add(cx.record.damping.suspended, Alarm::Suspended);
        add(marks.unverified, Alarm::Unverified);
        add(self.state.is_losing(), Alarm::EntriesLost);
        add(marks.stale, Alarm::Stale);
        add(!cx.facts.storage_ok, Alarm::StorageFailed);
        let reachable = cx.facts.picture.is_reachable();
        for (channel, &pulse) in cx.facts.picture.channels.iter() {
            add(reachable && pulse == Pulse::Silent, Alarm::ChannelDegraded(channel));
        }
        let rolled_back = |a: &Option<Frozen>, b: &Option<Frozen>| match (a, b) {
            (Some(a), Some(b)) => is_rolled_back(&a.summary, &b.summary),
            (Some(_) | None, _) => false,
        };
        let (own, partner) = (&cx.facts.summary, &cx.facts.partner_summary);
        add(rolled_back(own, partner) || rolled_back(partner, own), Alarm::RolledBack);
        add(cx.is_arbiter_away(), Alarm::ArbiterAway);
        // What it said before it was asked, and did not answer, is no word of one that acts.
        let mute = cx.facts.picture.hint == Hint::Unanswered;
        add(active && !mute && cx.heard_active().is_some(), Alarm::TwoActives);
        alarms
    }
}
