//! Many forks, on all cores.
use hotpair_sim::{ForkReport, run_fork};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs forks until one fails.
#[allow(
    clippy::disallowed_methods,
    reason = "how fast the simulator is, measured from outside the worlds"
)]
pub(crate) fn run_all(from: u64, count: u64, threads: usize) -> ExitCode {
    let began = std::time::Instant::now();
    let (next, failed) = (AtomicU64::new(from), AtomicU64::new(u64::MAX));
    let sum = Mutex::new(ForkReport::default());
    let work = || {
        let mut own = ForkReport::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + count || failed.load(Ordering::Relaxed) < seed {
                break;
            }
            match std::panic::catch_unwind(|| run_fork(seed)) {
                Ok(it) => add(&mut own, it),
                Err(_) => {
                    failed.fetch_min(seed, Ordering::Relaxed);
                }
            }
        }
        add(&mut sum.lock().expect("nobody panics while it holds this"), own);
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner();
    if failed != u64::MAX {
        println!("fork {failed} fails; again: cargo xtask sim forks --from {failed} --count 1");
        return ExitCode::FAILURE;
    }
    let ForkReport { writes, crashes, commits, kept, taken } =
        *sum.lock().expect("nobody panics while it holds this");
    println!(
        "{count} forks from {from}: {writes} writes apart, {crashes} crashes at {commits} commits, {taken} \
         losing entries taken or known, {kept} kept; converged, nothing lost, no key twice; {:.1?}",
        began.elapsed()
    );
    ExitCode::SUCCESS
}

const fn add(sum: &mut ForkReport, it: ForkReport) {
    sum.writes += it.writes;
    sum.crashes += it.crashes;
    sum.commits += it.commits;
    sum.kept += it.kept;
    sum.taken += it.taken;
}
