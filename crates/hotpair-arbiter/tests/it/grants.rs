//! Who gets the grant, and when.
use crate::server::{Server, ask, engine, holder};
use hotpair_arbiter::{Arbiter, Ask, Etcd, Grant, Renewed, Seen, Taken};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(600);

async fn take(etcd: &Etcd, ask: &Ask) -> Grant {
    match etcd.take(ask).await.unwrap() {
        Taken::Held(grant) => grant,
        busy @ Taken::Busy(_) => panic!("{busy:?}"),
    }
}

fn busy(holder: Option<&str>, alone: Option<&str>) -> Taken {
    Taken::Busy(Seen { holder: holder.map(Into::into), alone: alone.map(Into::into) })
}

fn goes_on(alone: Option<&str>) -> Renewed {
    Renewed::Yes { alone: alone.map(Into::into) }
}

#[tokio::test]
async fn one_of_two_gets_it_and_the_other_when_it_is_given_back() {
    let Some(server) = Server::start() else { return };
    let (a, b) = (server.client(), server.client());
    let first = take(&a, &ask("a", LONG)).await;
    assert_eq!(b.take(&ask("b", LONG)).await.unwrap(), busy(Some("a 1"), None));
    assert_eq!(a.renew(&first).await.unwrap(), goes_on(None));
    a.give_back(&first).await.unwrap();
    assert_eq!(a.renew(&first).await.unwrap(), Renewed::Gone);
    let second = take(&b, &ask("b", LONG)).await;
    assert!(second.revision > first.revision, "grants are ordered");
    a.give_back(&first).await.unwrap();
    assert_eq!(b.renew(&second).await.unwrap(), goes_on(None), "an old grant gives nothing back");
}

#[tokio::test]
async fn a_grant_that_is_not_renewed_ends_by_itself_and_not_before() {
    let Some(server) = Server::start() else { return };
    let (a, b) = (server.client(), server.client());
    // Not a whole number of seconds: rounded down it would end before its holder stops counting.
    let lease = Duration::from_millis(2_900);
    let asked = Instant::now();
    let grant = take(&a, &ask("a", lease)).await;
    let taken = loop {
        match b.take(&ask("b", lease)).await.unwrap() {
            Taken::Held(grant) => break grant,
            Taken::Busy(_) => {}
        }
    };
    assert!(asked.elapsed() >= lease, "the holder may count from before it asked");
    assert_eq!(a.renew(&grant).await.unwrap(), Renewed::Gone);
    assert!(taken.revision > grant.revision);
}

#[tokio::test]
async fn of_many_that_ask_at_once_one_gets_it() {
    let Some(server) = Server::start() else { return };
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..20 {
        let client = server.client();
        asking.spawn(async move { client.take(&ask(&format!("n{number}"), LONG)).await.unwrap() });
    }
    let held = asking.join_all().await.into_iter().filter(|it| matches!(it, Taken::Held(_)));
    assert_eq!(held.count(), 1);
}

#[tokio::test]
async fn a_partner_that_went_on_alone_keeps_the_other_out_after_its_grant_ended() {
    let Some(server) = Server::start() else { return };
    let (a, b) = (server.client(), server.client());
    let grant = take(&a, &ask("a", LONG)).await;
    assert!(a.go_alone(&grant).await.unwrap());
    a.give_back(&grant).await.unwrap();
    assert_eq!(b.take(&ask("b", LONG)).await.unwrap(), busy(None, Some("a")));
    assert!(!a.go_alone(&grant).await.unwrap(), "without the grant nothing is written");
    // Not b's to take back.
    b.end_alone(&engine(), "b").await.unwrap();
    assert_eq!(b.take(&ask("b", LONG)).await.unwrap(), busy(None, Some("a")));
    // The one that went on comes back, as another process.
    let again = Ask { holder: holder("a", 2), ..ask("a", LONG) };
    let grant = take(&a, &again).await;
    a.end_alone(&engine(), "a").await.unwrap();
    a.give_back(&grant).await.unwrap();
    take(&b, &ask("b", LONG)).await;
}

#[tokio::test]
async fn a_person_passes_over_who_went_on_alone() {
    let Some(server) = Server::start() else { return };
    let (a, b) = (server.client(), server.client());
    let grant = take(&a, &ask("a", LONG)).await;
    assert!(a.go_alone(&grant).await.unwrap());
    a.give_back(&grant).await.unwrap();
    let promoted = Ask { over_alone: true, ..ask("b", LONG) };
    let grant = take(&b, &promoted).await;
    b.give_back(&grant).await.unwrap();
    let late = a.take(&ask("a", LONG)).await.unwrap();
    assert!(matches!(late, Taken::Held(_)), "it is forgotten: {late:?}");
}

#[tokio::test]
async fn a_grant_of_the_proven_dead_is_taken_over_at_once() {
    let Some(server) = Server::start() else { return };
    let (a, b) = (server.client(), server.client());
    let old = take(&a, &ask("a", LONG)).await;
    let other = Ask { proven_dead: Some(holder("a", 7)), ..ask("b", LONG) };
    assert_eq!(b.take(&other).await.unwrap(), busy(Some("a 1"), None), "another process");
    let proven = Ask { proven_dead: Some(holder("a", 1)), ..ask("b", LONG) };
    let new = take(&b, &proven).await;
    assert!(new.revision > old.revision);
    // Its lease may live on; the key is not its any more.
    assert_eq!(a.renew(&old).await.unwrap(), Renewed::Gone);
    assert!(!a.go_alone(&old).await.unwrap());
    a.give_back(&old).await.unwrap();
    assert_eq!(b.renew(&new).await.unwrap(), goes_on(None));
}

#[tokio::test]
async fn engines_and_pairs_have_grants_of_their_own() {
    let Some(server) = Server::start() else { return };
    let etcd = server.client();
    take(&etcd, &ask("a", LONG)).await;
    let mut other = ask("b", LONG);
    other.engine.engine = "line-2".into();
    take(&etcd, &other).await;
    other.engine.pair = "pair-2".into();
    take(&etcd, &other).await;
}

#[tokio::test]
async fn who_asks_again_gets_what_it_got_without_hearing_of_it() {
    let Some(server) = Server::start() else { return };
    let etcd = server.client();
    let lost = take(&etcd, &ask("a", LONG)).await;
    let again = take(&etcd, &ask("a", LONG)).await;
    assert!(again.revision > lost.revision);
    etcd.give_back(&lost).await.unwrap();
    assert_eq!(etcd.renew(&again).await.unwrap(), goes_on(None), "the old lease has no key");
    // Another process of the same node is another holder.
    let other = Ask { holder: holder("a", 2), ..ask("a", LONG) };
    assert_eq!(etcd.take(&other).await.unwrap(), busy(Some("a 1"), None));
}

#[tokio::test]
async fn a_look_and_a_renewal_tell_who_went_on_alone() {
    let Some(server) = Server::start() else { return };
    let etcd = server.client();
    let nobody = Seen::default();
    assert_eq!(etcd.look(&engine()).await.unwrap(), nobody);
    let grant = take(&etcd, &ask("a", LONG)).await;
    assert!(etcd.go_alone(&grant).await.unwrap());
    let seen = etcd.look(&engine()).await.unwrap();
    assert_eq!(seen, Seen { holder: Some("a 1".into()), alone: Some("a".into()) });
    assert_eq!(etcd.renew(&grant).await.unwrap(), goes_on(Some("a")));
    etcd.end_alone(&engine(), "a").await.unwrap();
    assert_eq!(etcd.renew(&grant).await.unwrap(), goes_on(None));
}

#[tokio::test]
async fn an_asker_that_does_not_get_it_leaves_no_lease_behind() {
    let Some(server) = Server::start() else { return };
    let (a, b) = (server.client(), server.client());
    take(&a, &ask("a", LONG)).await;
    let before = server.leases();
    for _ in 0..10 {
        assert_eq!(b.take(&ask("b", LONG)).await.unwrap(), busy(Some("a 1"), None));
    }
    assert_eq!(server.leases(), before);
}

#[tokio::test]
async fn a_late_call_does_not_take_back_what_was_written_after_it() {
    let Some(server) = Server::start() else { return };
    let etcd = server.client();
    let grant = take(&etcd, &ask("a", LONG)).await;
    assert!(etcd.go_alone(&grant).await.unwrap());
    let (slow, mut held) = server.slow_client();
    let given_up = tokio::spawn(async move { slow.end_alone(&engine(), "a").await });
    // Its look is answered; what it does then is on its way when nobody waits for it any more.
    held.one().await;
    held.arrives().await;
    held.one().await;
    given_up.abort();
    assert!(etcd.go_alone(&grant).await.unwrap());
    held.arrives().await;
    let seen = etcd.look(&engine()).await.unwrap();
    assert_eq!(seen.alone, Some("a".into()));
}
