//! Frozen summaries.
use hotpair_fsm as fsm;
use hotpair_protocol as wire;

pub(super) fn to_wire(summary: &fsm::Summary) -> wire::Summary {
    let fsm::Summary {
        designation,
        instance,
        active,
        sole,
        unverified,
        stale,
        storage_ok,
        promoted_by_person,
        last_used,
        epoch,
        active_for_ms,
        history,
        partner_seen,
    } = summary.clone();
    let partner_seen = partner_seen
        .map(|fsm::PartnerSeen { instance, positions }| wire::PartnerSeen { instance, positions });
    wire::Summary {
        designation,
        instance,
        active,
        sole,
        unverified,
        stale,
        storage_ok,
        promoted_by_person,
        last_used,
        epoch,
        active_for_ms,
        history,
        partner_seen,
    }
}

pub(super) fn from_wire(summary: wire::Summary) -> fsm::Summary {
    let wire::Summary {
        designation,
        instance,
        active,
        sole,
        unverified,
        stale,
        storage_ok,
        promoted_by_person,
        last_used,
        epoch,
        active_for_ms,
        history,
        partner_seen,
    } = summary;
    let partner_seen = partner_seen
        .map(|wire::PartnerSeen { instance, positions }| fsm::PartnerSeen { instance, positions });
    fsm::Summary {
        designation,
        instance,
        active,
        sole,
        unverified,
        stale,
        storage_ok,
        promoted_by_person,
        last_used,
        epoch,
        active_for_ms,
        history,
        partner_seen,
    }
}
