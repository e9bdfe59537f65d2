//! Beats and views.
use hotpair_fsm as fsm;
use hotpair_protocol as wire;
use hotpair_protocol::Flags;
use hotpair_types::{Channel, PerChannel};

pub(super) fn beat_to_wire(beat: &fsm::BeatToSend, number: u64, views: &[fsm::View]) -> wire::Beat {
    let fsm::BeatToSend { channel: _, instance, sequence, of, heard, ask } = *beat;
    let heard = PerChannel::from_fn(|it| {
        let fsm::Heard { sequence, held_us, on_time } = heard[it];
        wire::Heard { sequence, held_us, on_time }
    });
    let views = wire::List::for_sending(views.iter().map(to_wire).collect());
    wire::Beat { instance, sequence, of, heard, ask, number, views }
}

pub(super) fn beat_from_wire(
    channel: Channel,
    beat: wire::Beat,
) -> (fsm::BeatHeard, u64, Vec<fsm::View>) {
    let wire::Beat { instance, sequence, of, heard, ask, number, views } = beat;
    let heard = PerChannel::from_fn(|it| {
        let wire::Heard { sequence, held_us, on_time } = heard[it];
        fsm::Heard { sequence, held_us, on_time }
    });
    let beat = fsm::BeatHeard { channel, instance, sequence, of, heard, ask };
    (beat, number, views.iter().map(from_wire).collect())
}

fn to_wire(view: &fsm::View) -> wire::View {
    let fsm::View {
        state,
        epoch,
        positions,
        about,
        sees,
        follows,
        has_all,
        serves,
        by_person,
        round,
        echo,
        outputs_open,
        sole,
        unverified,
        stale,
        in_sync,
        paused,
        suspended,
        level,
        drop,
        storage_ok,
        network_ok,
        leaving,
        undeployed,
        promotion_failed,
        wants_switchover,
        wants_pause,
        step,
        summary,
        pair,
    } = *view;
    let flags = Flags::default()
        .with(Flags::OUTPUTS_OPEN, outputs_open)
        .with(Flags::SOLE, sole)
        .with(Flags::UNVERIFIED, unverified)
        .with(Flags::STALE, stale)
        .with(Flags::IN_SYNC, in_sync)
        .with(Flags::PAUSED, paused)
        .with(Flags::SUSPENDED, suspended)
        .with(Flags::LEVEL, level)
        .with(Flags::DROP, drop)
        .with(Flags::STORAGE_OK, storage_ok)
        .with(Flags::NETWORK_OK, network_ok)
        .with(Flags::LEAVING, leaving)
        .with(Flags::UNDEPLOYED, undeployed)
        .with(Flags::PROMOTION_FAILED, promotion_failed)
        .with(Flags::WANTS_SWITCHOVER, wants_switchover)
        .with(Flags::WANTS_PAUSE, wants_pause == Some(true))
        .with(Flags::WANTS_RESUME, wants_pause == Some(false))
        .with(Flags::FOLLOWS, follows)
        .with(Flags::HAS_ALL, has_all)
        .with(Flags::BY_PERSON, by_person)
        .with(Flags::SERVES, serves);
    let step = match step {
        fsm::Step::None => wire::Step::None,
        fsm::Step::Offer { id } => wire::Step::Offer(id),
        fsm::Step::Accept { id } => wire::Step::Accept(id),
        fsm::Step::Released { id } => wire::Step::Released(id),
        fsm::Step::Withdrawn { id } => wire::Step::Withdrawn(id),
        fsm::Step::Declined { id } => wire::Step::Declined(id),
    };
    wire::View { state, epoch, positions, about, sees, round, echo, flags, step, summary, pair }
}

fn from_wire(view: &wire::View) -> fsm::View {
    let wire::View {
        state,
        epoch,
        positions,
        about,
        sees,
        round,
        echo,
        flags,
        step,
        summary,
        pair,
    } = *view;
    let step = match step {
        wire::Step::None => fsm::Step::None,
        wire::Step::Offer(id) => fsm::Step::Offer { id },
        wire::Step::Accept(id) => fsm::Step::Accept { id },
        wire::Step::Released(id) => fsm::Step::Released { id },
        wire::Step::Withdrawn(id) => fsm::Step::Withdrawn { id },
        wire::Step::Declined(id) => fsm::Step::Declined { id },
    };
    let wants_pause = match (flags.has(Flags::WANTS_PAUSE), flags.has(Flags::WANTS_RESUME)) {
        (false, false) => None,
        (wants_pause, _) => Some(wants_pause),
    };
    fsm::View {
        state,
        epoch,
        positions,
        about,
        sees,
        follows: flags.has(Flags::FOLLOWS),
        has_all: flags.has(Flags::HAS_ALL),
        by_person: flags.has(Flags::BY_PERSON),
        serves: flags.has(Flags::SERVES),
        round,
        echo,
        outputs_open: flags.has(Flags::OUTPUTS_OPEN),
        sole: flags.has(Flags::SOLE),
        unverified: flags.has(Flags::UNVERIFIED),
        stale: flags.has(Flags::STALE),
        in_sync: flags.has(Flags::IN_SYNC),
        paused: flags.has(Flags::PAUSED),
        suspended: flags.has(Flags::SUSPENDED),
        level: flags.has(Flags::LEVEL),
        drop: flags.has(Flags::DROP),
        storage_ok: flags.has(Flags::STORAGE_OK),
        network_ok: flags.has(Flags::NETWORK_OK),
        leaving: flags.has(Flags::LEAVING),
        undeployed: flags.has(Flags::UNDEPLOYED),
        promotion_failed: flags.has(Flags::PROMOTION_FAILED),
        wants_switchover: flags.has(Flags::WANTS_SWITCHOVER),
        wants_pause,
        step,
        summary,
        pair,
    }
}
