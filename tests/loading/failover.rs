//! Servers that die: before a run, during it, in the middle of a load and between two phases.

use millrace_standin::faults::{Point, Rule};
use millrace_tests::{Process, wait_until};

use super::input::Changes;
use super::scene::{Case, Scene, side_by_side};
use super::tailored::{commit_of, load_of, struck};

/// Loads that backends have been sent.
fn loads(scene: &Scene) -> u64 {
    let requests = scene.standin.world().stats.requests();
    ["be load", "be txn-load"].iter().filter_map(|kind| requests.get(*kind)).sum()
}

#[test]
fn a_frontend_that_is_down_is_passed_over() {
    let cases: Vec<(Case, usize)> =
        Case::KEYED.into_iter().flat_map(|case| [(case, 0), (case, 1)]).collect();
    side_by_side(&cases, |(case, dead)| {
        let changes = Changes::random(41, 200, true);
        let scene = Scene::new(*case, &changes);
        scene.standin.kill_frontend(*dead);
        scene.run();
        scene.assert_whole(&changes, &format!("{case:?}, frontend {dead} is down"));
    });
}

#[test]
fn a_frontend_may_die_while_rows_flow_and_come_back() {
    side_by_side(&Case::KEYED, |case| {
        let changes = Changes::random(42, 3000, true);
        let scene = Scene::new(*case, &changes);
        let process = Process::start(&mut scene.command());
        wait_until("some loads are seen", || loads(&scene) >= 3);
        // It leads, so that another has to take over.
        scene.standin.kill_frontend(0);
        let before = loads(&scene);
        wait_until("loads go on without it", || loads(&scene) >= before + 3);
        scene.standin.revive_frontend(0).expect("its port is free");
        drop(process.finish().with_code(0));
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}

#[test]
fn a_backend_may_die_in_the_middle_of_a_load() {
    side_by_side(&Case::KEYED, |case| {
        let changes = Changes::random(43, 350, true);
        let scene = Scene::new(*case, &changes);
        // Its answer is held back, until it is dead.
        scene.standin.world().faults.arm(Rule {
            operation: Some(load_of(*case)),
            delay_ms: Some(30_000),
            skip: 2,
            ..Rule::once(Point::BeSlow)
        });
        let process = Process::start(&mut scene.command());
        wait_until("a load is held", || !struck(&scene, Point::BeSlow).is_empty());
        let place = struck(&scene, Point::BeSlow).remove(0);
        let backend = place.strip_prefix("be").and_then(|rest| rest.split(' ').next());
        let backend = backend.and_then(|index| index.parse().ok()).expect("a backend takes loads");
        scene.standin.kill_backend(backend);
        drop(process.finish().with_code(0));
        scene.assert_whole(&changes, &format!("{case:?}, {place}"));
    });
}

#[test]
fn frontends_may_start_anew_between_the_phases() {
    let cases = [Case::KEYED[0], Case::KEYED[1], Case::APPENDING[0], Case::APPENDING[1]];
    side_by_side(&cases, |case| {
        let changes = match case.upsert {
            true => Changes::random(44, 250, true),
            false => Changes::inserts(44, 250),
        };
        let scene = Scene::new(*case, &changes);
        // What is prepared waits, since the commit does not get its lock.
        scene.standin.world().faults.arm(Rule {
            operation: Some(commit_of(case.system)),
            times: u32::MAX,
            ..Rule::once(Point::CommitFails)
        });
        let process = Process::start(&mut scene.command());
        wait_until("a commit is tried", || !struck(&scene, Point::CommitFails).is_empty());
        scene.standin.restart_frontends();
        scene.standin.world().faults.clear();
        drop(process.finish().with_code(0));
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}
