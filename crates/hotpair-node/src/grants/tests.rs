//! The test is the arbiter: it sees each question and answers it.
#![allow(clippy::wildcard_enum_match_arm, reason = "what is not expected is shown and fails")]

use super::{Orders, Report, Said, ThirdParty};
use crate::clock::Clock;
use hotpair_arbiter::{
    Answer, Arbiter, ArbiterError, Ask, EngineKey, Grant, Holder, Renewed, Seen, Taken,
};
use hotpair_core::EngineIndex;
use hotpair_fsm::GrantAsk;
use hotpair_types::{Instance, NodeName};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Short, so that renewals come soon; nothing rests on when.
const LEASE: Duration = Duration::from_millis(300);
const SOON: Duration = Duration::from_secs(20);

type Reply<T> = oneshot::Sender<Result<T, ArbiterError>>;

#[derive(Debug)]
enum Question {
    Look(Reply<Seen>),
    Take(Ask, Reply<Taken>),
    Renew(Grant, Reply<Renewed>),
    GiveBack(Grant, Reply<()>),
    GoAlone(Reply<bool>),
    EndAlone(Reply<()>),
}

#[derive(Debug)]
struct Asked(mpsc::UnboundedSender<Question>);

impl Asked {
    fn put<T: Send + 'static>(&self, question: impl FnOnce(Reply<T>) -> Question) -> Answer<'_, T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(question(reply)).ok();
        Box::pin(async { answer.await.unwrap_or_else(|_| Err(away())) })
    }
}

impl Arbiter for Asked {
    fn look<'a>(&'a self, _: &'a EngineKey) -> Answer<'a, Seen> {
        self.put(Question::Look)
    }

    fn take<'a>(&'a self, ask: &'a Ask) -> Answer<'a, Taken> {
        self.put(|it| Question::Take(ask.clone(), it))
    }

    fn renew<'a>(&'a self, grant: &'a Grant) -> Answer<'a, Renewed> {
        self.put(|it| Question::Renew(grant.clone(), it))
    }

    fn give_back<'a>(&'a self, grant: &'a Grant) -> Answer<'a, ()> {
        self.put(|it| Question::GiveBack(grant.clone(), it))
    }

    fn go_alone<'a>(&'a self, _: &'a Grant) -> Answer<'a, bool> {
        self.put(Question::GoAlone)
    }

    fn end_alone<'a>(&'a self, _: &'a EngineKey, _: &'a str) -> Answer<'a, ()> {
        self.put(Question::EndAlone)
    }
}

fn away() -> ArbiterError {
    ArbiterError::Away { tried: vec!["nobody".to_owned()] }
}

struct Scene {
    orders: Orders,
    questions: mpsc::UnboundedReceiver<Question>,
    reports: mpsc::Receiver<Report>,
    clock: Clock,
    lease: Duration,
}

/// The next question, which is of this kind; looks in between are answered.
macro_rules! asked {
    ($scene:expr, $kind:pat => $what:expr) => {
        match $scene.question().await {
            $kind => $what,
            other => panic!("{other:?}"),
        }
    };
}

impl Scene {
    fn begin() -> Self {
        Self::with_lease(LEASE)
    }

    fn with_lease(lease: Duration) -> Self {
        let (sender, questions) = mpsc::unbounded_channel();
        let party = ThirdParty {
            arbiter: Arc::new(Asked(sender)),
            pair: "pair".to_owned(),
            own: Holder { node: "a".to_owned(), instance: "1-0".to_owned() },
            partner: NodeName::new("b").unwrap(),
            lease,
        };
        let (to, reports) = mpsc::channel(64);
        let clock = Clock::start();
        let name = hotpair_types::EngineName::new("main").unwrap();
        let orders = party.keep(EngineIndex(0), &name, clock, to);
        Self { orders, questions, reports, clock, lease }
    }

    async fn question(&mut self) -> Question {
        loop {
            let next = tokio::time::timeout(SOON, self.questions.recv()).await;
            match next.expect("a question comes").expect("the task lives") {
                Question::Look(reply) => drop(reply.send(Ok(Seen::default()))),
                other => return other,
            }
        }
    }

    /// What is said next, and whether it answers what is ordered now. `Reachable` is passed over.
    async fn said(&mut self) -> (Said, bool) {
        loop {
            let next = tokio::time::timeout(SOON, self.reports.recv()).await;
            let report = next.expect("a report comes").expect("the task lives");
            if !matches!(report.said, Said::Reachable(_)) {
                return (report.said.clone(), self.orders.is_current(&report));
            }
        }
    }

    async fn held(&mut self, revision: u64) {
        let (said, current) = self.said().await;
        let Said::Held { revision: found, until } = said else { panic!("{said:?}") };
        assert!(current && found == revision, "{found}");
        assert!(until < self.clock.now() + self.lease, "it ends here before it ends there");
    }

    /// Asks, and gets it.
    async fn get(&mut self, revision: u64) {
        self.orders.ask(GrantAsk::default());
        asked!(self, Question::Take(ask, reply) => reply.send(held(&ask, revision)).unwrap());
        self.held(revision).await;
    }
}

fn held(ask: &Ask, revision: u64) -> Result<Taken, ArbiterError> {
    let (engine, holder) = (ask.engine.clone(), ask.holder.clone());
    Ok(Taken::Held(Grant { engine, holder, revision, lease_id: 1 }))
}

fn goes_on(alone: Option<&str>) -> Result<Renewed, ArbiterError> {
    Ok(Renewed::Yes { alone: alone.map(Into::into) })
}

#[tokio::test]
async fn it_is_asked_for_until_it_is_held_and_then_renewed() {
    let mut scene = Scene::begin();
    scene.orders.ask(GrantAsk::default());
    let seen = Seen { holder: Some("b 7".to_owned()), alone: None };
    for _ in 0..3 {
        let busy = Ok(Taken::Busy(seen.clone()));
        asked!(scene, Question::Take(_, reply) => reply.send(busy).unwrap());
    }
    assert_eq!(scene.said().await, (Said::Busy(seen), true), "said once");
    asked!(scene, Question::Take(ask, reply) => reply.send(held(&ask, 5)).unwrap());
    scene.held(5).await;
    for _ in 0..2 {
        asked!(scene, Question::Renew(_, reply) => reply.send(goes_on(None)).unwrap());
        scene.held(5).await;
    }
}

#[tokio::test]
async fn the_answer_to_an_order_that_is_over_is_not_taken_and_the_grant_given_back() {
    let mut scene = Scene::begin();
    scene.orders.ask(GrantAsk::default());
    let (ask, reply) = asked!(scene, Question::Take(ask, reply) => (ask, reply));
    scene.orders.release();
    reply.send(held(&ask, 5)).unwrap();
    let (said, current) = scene.said().await;
    assert!(matches!(said, Said::Held { .. }) && !current, "{said:?}");
    asked!(scene, Question::GiveBack(grant, reply) => {
        assert_eq!(grant.revision, 5);
        reply.send(Ok(())).unwrap();
    });
}

#[tokio::test]
async fn one_that_was_given_back_in_between_is_asked_for_anew() {
    let mut scene = Scene::begin();
    scene.get(5).await;
    // Both before the task looks: the partner may have taken it over on the word of the first.
    scene.orders.release();
    scene.orders.ask(GrantAsk::default());
    asked!(scene, Question::GiveBack(_, reply) => reply.send(Ok(())).unwrap());
    asked!(scene, Question::Take(ask, reply) => reply.send(held(&ask, 9)).unwrap());
    scene.held(9).await;
}

#[tokio::test]
async fn who_asks_anew_is_told_what_is_so_now() {
    // So long that no renewal is due by itself.
    let mut scene = Scene::with_lease(Duration::from_secs(600));
    scene.get(5).await;
    scene.orders.ask(GrantAsk { over_alone: true, ..GrantAsk::default() });
    asked!(scene, Question::Renew(grant, reply) => {
        assert_eq!(grant.revision, 5);
        reply.send(goes_on(None)).unwrap();
    });
    scene.held(5).await;
}

#[tokio::test]
async fn what_a_lost_grant_rested_on_is_not_used_again() {
    let mut scene = Scene::begin();
    let dead = Instance { count: 3, tag: 0xfe };
    scene.orders.ask(GrantAsk { proven_dead: Some(dead), over_alone: true });
    let first = asked!(scene, Question::Take(ask, reply) => {
        reply.send(held(&ask, 5)).unwrap();
        ask
    });
    let dead = Holder { node: "b".to_owned(), instance: "3-00000000000000fe".to_owned() };
    assert_eq!((first.proven_dead, first.over_alone), (Some(dead), true));
    scene.held(5).await;
    asked!(scene, Question::Renew(_, reply) => reply.send(Ok(Renewed::Gone)).unwrap());
    assert_eq!(scene.said().await, (Said::Lost, true));
    let again = asked!(scene, Question::Take(ask, _reply) => ask);
    assert_eq!((again.proven_dead, again.over_alone), (None, false));
}

#[tokio::test]
async fn no_answer_is_said_once_and_asked_again() {
    let mut scene = Scene::begin();
    scene.get(5).await;
    for _ in 0..3 {
        asked!(scene, Question::Renew(_, reply) => reply.send(Err(away())).unwrap());
    }
    let (said, current) = scene.said().await;
    assert!(matches!(said, Said::Away { .. }) && current, "{said:?}");
    asked!(scene, Question::Renew(_, reply) => reply.send(goes_on(None)).unwrap());
    scene.held(5).await;
}

#[tokio::test]
async fn going_alone_needs_the_grant_and_is_repeated_until_done() {
    let mut scene = Scene::begin();
    scene.orders.alone(true);
    scene.get(5).await;
    let mut tries = 0;
    while tries < 2 {
        match scene.question().await {
            Question::GoAlone(reply) => {
                tries += 1;
                let answer = if tries == 1 { Err(away()) } else { Ok(true) };
                reply.send(answer).unwrap();
            }
            Question::Renew(_, reply) => reply.send(goes_on(None)).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    loop {
        match scene.said().await.0 {
            Said::AloneWritten => break,
            Said::Away { .. } | Said::Held { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn alone_that_was_written_late_is_taken_back_once_more() {
    let mut scene = Scene::begin();
    scene.get(5).await;
    scene.orders.alone(false);
    asked!(scene, Question::EndAlone(reply) => reply.send(Ok(())).unwrap());
    assert_eq!(scene.said().await, (Said::AloneEnded, true));
    asked!(scene, Question::Renew(_, reply) => reply.send(goes_on(Some("a"))).unwrap());
    scene.held(5).await;
    asked!(scene, Question::EndAlone(reply) => reply.send(Ok(())).unwrap());
}

#[tokio::test]
async fn who_wants_nothing_looks_all_the_same() {
    let mut scene = Scene::begin();
    let mut looks = 0;
    while looks < 2 {
        match scene.questions.recv().await.unwrap() {
            Question::Look(reply) => {
                looks += 1;
                let answer = if looks == 1 { Err(away()) } else { Ok(Seen::default()) };
                reply.send(answer).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    let said = scene.reports.recv().await.unwrap().said;
    assert!(matches!(said, Said::Away { .. }), "{said:?}");
    let said = scene.reports.recv().await.unwrap().said;
    assert_eq!(said, Said::Reachable(Seen::default()));
}

#[tokio::test]
async fn it_is_given_back_at_the_end() {
    let mut scene = Scene::begin();
    scene.get(5).await;
    scene.orders.close();
    asked!(scene, Question::GiveBack(_, reply) => reply.send(Ok(())).unwrap());
    scene.orders.closed().await;
}
