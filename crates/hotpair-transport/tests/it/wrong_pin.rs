//! A wrong key is pinned on one side or on both: whoever dials by the rule then, both hear of it.
use crate::pair::{Side, start_four};
use hotpair_transport::{By, Identity, Refusal, TransportEvent};
use hotpair_types::Channel;

/// Every way in which the two can be wrong about who dials: the wrong key is below or above.
const WRONG: [usize; 2] = [0, 3];

fn refused(event: TransportEvent) -> Option<(Channel, Refusal)> {
    match event {
        TransportEvent::Refused { channel, refusal, .. } => Some((channel, refusal)),
        _ => None,
    }
}

/// Waits until both channels were refused for the reason that is looked for.
async fn on_both_channels(side: &mut Side, what: &str, fits: impl Fn(&Refusal) -> bool) {
    let mut missing = Channel::ALL.to_vec();
    while !missing.is_empty() {
        let fit = |event| refused(event).filter(|it| fits(&it.1));
        let (channel, _) = side.until(what, fit).await;
        missing.retain(|it| *it != channel);
    }
    for channel in Channel::ALL {
        assert!(side.handle.counters()[channel].refused > 0, "{channel} is counted");
        assert_eq!(side.handle.counters()[channel].ups, 0, "{channel}: nobody got in");
    }
}

/// Whoever is pinned wrongly is a stranger: nothing that it shows is proof of anything.
fn sees_a_stranger(refusal: &Refusal, other: &Identity) -> bool {
    assert!(!refusal.proven, "a stranger proves nothing: {refusal:?}");
    refusal.by == By::Us && refusal.key == Some(other.key())
}

#[tokio::test]
async fn one_wrong_pin_is_seen_on_both_sides_whoever_dials() {
    // The side that pins wrongly has the lower key of the two, or the higher.
    for (mistaken, right) in [(1, 2), (2, 1)] {
        for wrong in WRONG {
            let ids = start_four();
            let mut a = Side::start(&ids[mistaken], ids[wrong].key());
            let mut b = Side::start(&ids[right], ids[mistaken].key());
            a.look_at(&b);
            b.look_at(&a);
            on_both_channels(&mut a, "a stranger", |it| sees_a_stranger(it, &ids[right])).await;
            // The other knows more: the pinned key spoke, so its partner is alive.
            let alive = |it: &Refusal| it.proven && it.by == By::Them;
            on_both_channels(&mut b, "the partner refuses and is alive", alive).await;
        }
    }
}

#[tokio::test]
async fn two_wrong_pins_are_seen_on_both_sides_whoever_dials() {
    for wrong_here in WRONG {
        for wrong_there in WRONG {
            let ids = start_four();
            let mut a = Side::start(&ids[1], ids[wrong_here].key());
            let mut b = Side::start(&ids[2], ids[wrong_there].key());
            a.look_at(&b);
            b.look_at(&a);
            on_both_channels(&mut a, "a stranger", |it| sees_a_stranger(it, &ids[2])).await;
            on_both_channels(&mut b, "a stranger", |it| sees_a_stranger(it, &ids[1])).await;
        }
    }
}

#[tokio::test]
async fn a_knock_of_the_right_partner_brings_the_dialer_and_no_second_connection() {
    let ids = start_four();
    let mut dialer = Side::start(&ids[1], ids[2].key());
    let mut waiting = Side::start(&ids[2], ids[1].key());
    // The dialer does not know the way: only who waits can be heard, and is let in when it asks.
    waiting.look_at(&dialer);
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    for side in [&dialer, &waiting] {
        for channel in Channel::ALL {
            assert_eq!(side.handle.counters()[channel].ups, 0, "a knock is no connection");
            assert_eq!(side.handle.counters()[channel].refused, 0, "and nothing wrong");
        }
    }
    dialer.look_at(&waiting);
    dialer.both_up().await;
    waiting.both_up().await;
    for channel in Channel::ALL {
        assert_eq!(waiting.handle.counters()[channel].ups, 1);
    }
}
