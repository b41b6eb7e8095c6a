//! Faults at random and the process killed at random: nothing lost, nothing doubled, nothing left open.

use std::process::Stdio;

use millrace_tests::wait_until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::faults::{points, run_to_the_end};
use super::input::Changes;
use super::scene::{Case, Scene, side_by_side};

/// How many seeds each system and promise gets; `CHAOS_SEEDS` says otherwise.
const SEEDS: u64 = 20;
/// How often a process is killed at most.
const KILLS: u32 = 4;
/// How many requests a process lives for, less than this; a run without faults makes about as many.
const MOST_REQUESTS: u64 = 60;
/// The chance that a point strikes.
const RATE: f64 = 0.03;

fn seeds() -> u64 {
    std::env::var("CHAOS_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS)
}

/// What all servers of the scene were asked so far.
fn requests(scene: &Scene) -> u64 {
    scene.standin.world().stats.requests().values().sum()
}

/// Kills the process after some of its requests, a few times over, while faults strike.
fn storm(case: Case, seed: u64) {
    let what = format!("{case:?}, seed {seed}");
    let changes =
        if case.upsert { Changes::random(seed, 400, true) } else { Changes::inserts(seed, 400) };
    let mut random = StdRng::seed_from_u64(seed);
    let scene = Scene::new(case, &changes);
    scene.standin.world().faults.seed(seed, RATE, points(case));
    for _ in 0..random.random_range(1..=KILLS) {
        let life = random.random_range(0..MOST_REQUESTS);
        let before = requests(&scene);
        let mut child = scene
            .command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        wait_until("the process has come far enough to be killed, or to its end", || {
            requests(&scene) - before >= life || child.try_wait().expect("it is ours").is_some()
        });
        // It may have ended by itself.
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).ok();
        child.wait().expect("it is ours");
    }
    scene.standin.world().faults.clear();
    run_to_the_end(&scene, &what);
    scene.assert_whole(&changes, &what);
}

#[test]
fn faults_and_kills_at_random_lose_and_double_nothing() {
    let cases: Vec<Case> = Case::KEYED.into_iter().chain(Case::APPENDING).collect();
    let turns: Vec<(Case, u64)> =
        (0..seeds()).flat_map(|seed| cases.iter().map(move |case| (*case, seed))).collect();
    side_by_side(&turns, |(case, seed)| storm(*case, *seed));
}
