//! What a person should do now, from a node's status. Pure.

use hotpair_api::face::{ArbiterReach, ChannelHealth, EngineStatus, NodeStatus};
use hotpair_types::StateId;

/// At least one sentence, the most urgent first.
pub(super) fn advice(status: &NodeStatus, partner_has_alarms: bool) -> Vec<String> {
    let alarms = partner_has_alarms || !status.alarms.is_empty();
    let mut advice: Vec<String> = Vec::new();
    let mut say = |text: String| {
        if !advice.contains(&text) {
            advice.push(text);
        }
    };
    for engine in &status.engines {
        for text in of_engine(status, engine) {
            say(text);
        }
    }
    for (channel, it) in status.channels.iter() {
        let [local, remote] = [&it.local, &it.remote];
        match it.health {
            ChannelHealth::Up | ChannelHealth::Missing => {}
            ChannelHealth::Connecting => {
                say(format!(
                    "{channel} never connected: is {} running, and does {remote} answer from here?",
                    status.partner
                ));
            }
            ChannelHealth::Down => {
                say(format!(
                    "{channel} is down: look at the cable and the network between {local} and {remote}."
                ));
            }
            ChannelHealth::NotHeard => {
                say(format!(
                    "{channel} works in one direction only: {} does not hear this node. Look at firewall and switch.",
                    status.partner
                ));
            }
            ChannelHealth::Refused => {
                say(format!(
                    "{channel}: the partner lives but they refuse each other; `hotpair check` says why."
                ));
            }
        }
    }
    let other = status.alarms.iter().any(|it| it.id != "divergence-kept");
    if !advice.is_empty() && is_whole(status) && (other || partner_has_alarms) {
        advice.push("Look at the alarms above.".to_owned());
    }
    if advice.is_empty() {
        let text = if !is_whole(status) {
            "Wait a moment; the two are settling their roles."
        } else if alarms {
            "The pair is whole; look at the alarms above."
        } else {
            "Nothing. The pair is whole."
        };
        advice.push(text.to_owned());
    }
    advice
}

/// Every engine has one node that acts and one that is level with it.
fn is_whole(status: &NodeStatus) -> bool {
    status.engines.iter().all(|it| match (it.state, it.partner_state) {
        (Some(StateId::Active), partner) => partner == StateId::StandbyReady,
        (Some(own), StateId::Active) => own == StateId::StandbyReady,
        (_, _) => false,
    })
}

fn of_engine(status: &NodeStatus, engine: &EngineStatus) -> Vec<String> {
    let partner = &status.partner;
    let mut advice = Vec::new();
    if engine.isolated {
        advice.push(format!("Find out whether {partner} is active too; after the links heal one of the two wins and what loses is kept."));
    }
    if let Some(grant) = engine.grant.as_ref().filter(|it| it.arbiter == ArbiterReach::Away) {
        advice.push(format!(
            "The arbiter does not answer this node ({}): look at etcd and the way to it. Roles stay as they are until it does.",
            grant.away_why.as_deref().unwrap_or("no reason is known")
        ));
    }
    let acts = |it: StateId| {
        it.is_active() || matches!(it, StateId::SwitchingToActive | StateId::SwitchingToStandby)
    };
    let nobody = engine.state.is_some_and(|it| !acts(it)) && !acts(engine.partner_state);
    if engine.paused && nobody {
        advice.push("Nobody is active: the pair is paused and the active is gone. `hotpair resume` lets a node that is ready take over; or `hotpair promote`.".to_owned());
    } else if engine.paused {
        advice.push("Maintenance is on: `hotpair resume` when it is over.".to_owned());
    }
    if engine.suspended.is_some() {
        advice.push("Too many changes of role: find out why (`hotpair why --last 20`), then `hotpair resume`.".to_owned());
    }
    let Some(state) = engine.state else {
        advice.push(format!(
            "Engine {} is not deployed here: `hotpair engine deploy {}`.",
            engine.name, engine.name
        ));
        return advice;
    };
    match state {
        StateId::Active | StateId::StandbyReady => {}
        StateId::ActiveStandbyNotAvailable => match engine.partner_state {
            StateId::Failed => advice.push(format!("The process on {partner} died; its guard starts it again. If it does not come back, look at its log.")),
            StateId::Unknown => advice.push(format!("{partner} is silent or stopped: start it, or look at its power and network.")),
            StateId::StandbyNotReady => advice.push(match &status.partner_api {
                Some(api) => format!("{partner} is there but not ready; ask it why: hotpair status --api {api}"),
                None => format!("{partner} is there but not ready; ask it why: `hotpair status` on that host."),
            }),
            StateId::StandbySyncingWithActive
            | StateId::StandbySyncingCode
            | StateId::StandbySyncingData => advice.push(format!("{partner} is being brought level; wait.")),
            StateId::DeterminingFailoverStatus
            | StateId::Active
            | StateId::ActiveStandbyNotAvailable
            | StateId::StandbyReady
            | StateId::StandbyMissedHeartbeats
            | StateId::SwitchingToActive
            | StateId::SwitchingToStandby => advice.push("Wait a moment; the two are settling their roles.".to_owned()),
        },
        StateId::DeterminingFailoverStatus => {
            let text = match &engine.waiting_for {
                Some(_) => "If nobody is active and the waiting does not end by itself: `hotpair why-not promote`, then `hotpair promote` on the node with the newer data.",
                None => "Wait a moment; the roles are being worked out.",
            };
            advice.push(text.to_owned());
        }
        StateId::StandbyNotReady => {
            advice.push("This node cannot take over now; the reasons stand above.".to_owned());
            if !engine.partner_state.is_active() && !engine.paused {
                advice.push("Nobody is active: start the other node, or `hotpair promote` (it shows what would be lost first).".to_owned());
            }
        }
        StateId::StandbySyncingWithActive
        | StateId::StandbySyncingCode
        | StateId::StandbySyncingData => advice.push("This node is being brought level; wait.".to_owned()),
        StateId::StandbyMissedHeartbeats => {
            advice.push(format!("{partner} is not heard as it should be; this node is finding out whether it failed."));
        }
        StateId::SwitchingToActive | StateId::SwitchingToStandby => {
            advice.push("Wait a moment; a change of role is under way.".to_owned());
        }
        StateId::Failed | StateId::Unknown => {
            advice.push(format!("This node has left and ends; if nobody means to stop it, look at its log, and at {partner}."));
        }
    }
    if engine.divergence_entries > 0 {
        advice.push(
            "Entries that lost a conflict wait for you: `hotpair divergence list`.".to_owned(),
        );
    }
    advice
}
