//! A few worlds and a few forks; `cargo xtask sim` runs many.
use hotpair_sim::{Plan, Tell, run, run_fork};

const PLAN: Plan = Plan { mode: None, tell: Tell::Nothing };

#[test]
fn some_worlds_hold() {
    for seed in 0..40 {
        if let Err(failure) = run(seed, PLAN) {
            panic!("seed {seed} breaks {}: {}", failure.name, failure.text);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_world_whoever_listens() {
    let trace = |tell| run(7, Plan { tell, ..PLAN }).map(|it| it.trace).ok();
    assert!(trace(Tell::Nothing).is_some());
    assert_eq!(trace(Tell::Nothing), trace(Tell::Last));
}

#[test]
fn some_forks_come_together() {
    let (mut crashes, mut kept, mut taken) = (0, 0, 0);
    for seed in 0..400 {
        let report = run_fork(seed);
        crashes += report.crashes;
        kept += report.kept;
        taken += report.taken;
    }
    assert!(crashes > 100 && kept > 100 && taken > 100, "{crashes} {kept} {taken}");
}
