//! A driver module: what the first source's author wanted (docs/design/faults.md, P7 and P9).
use crate::site::{Site, start_pair};
use hotpair_types::StateId;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_and_live_state_survive_both_directions_of_a_switch() {
    let dir = tempfile::tempdir().unwrap();
    let (settings, master, mut backup) = start_pair(dir.path()).await;
    master.become_state(StateId::Active).await;
    backup.become_state(StateId::StandbyReady).await;
    master.records.put("pump", &"10.0.0.1".into()).await.unwrap();
    master.records.put("valve", &"10.0.0.2".into()).await.unwrap();
    master.post("pump", "1").await;
    backup.polls.become_like(&[("pump", "1")]).await;
    backup.records_become(&[("pump", "10.0.0.1"), ("valve", "10.0.0.2")]).await;

    // The service stops; the backup deletes and inserts records, and goes on polling.
    master.stop().await;
    backup.become_state(StateId::ActiveStandbyNotAvailable).await;
    backup.records.delete("valve").await.unwrap();
    backup.records.put("fan", &"10.0.0.3".into()).await.unwrap();
    backup.post("pump", "2").await;

    // It starts again, has everything, and takes over.
    let mut master = Site::start_again(&settings[0]).await;
    master.become_state(StateId::StandbyReady).await;
    master.polls.become_like(&[("pump", "2")]).await;
    master.records_become(&[("fan", "10.0.0.3"), ("pump", "10.0.0.1")]).await;
    master.take_over().await;
    master.polls.become_like(&[("pump", "2")]).await;
    master.records_become(&[("fan", "10.0.0.3"), ("pump", "10.0.0.1")]).await;

    // And the other way again.
    backup.become_state(StateId::StandbyReady).await;
    master.post("pump", "3").await;
    backup.polls.become_like(&[("pump", "3")]).await;
    backup.stop().await;
    master.become_state(StateId::ActiveStandbyNotAvailable).await;
    master.post("pump", "4").await;
    master.stop().await;
}
