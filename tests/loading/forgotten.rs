//! Transactions that the target gives up after it has prepared them, and labels that it forgets.

use std::time::Duration;

use millrace_standin::faults::{Point, Rule};
use millrace_tests::{Process, wait_until};
use nix::sys::signal::Signal;

use super::faults::run_to_the_end;
use super::input::Changes;
use super::scene::{Case, Scene, side_by_side};
use super::tailored::{commit_of, ending, rewrite, struck};

/// Both systems and both kinds of tables, exactly once.
const CASES: [Case; 4] = [Case::KEYED[0], Case::KEYED[1], Case::APPENDING[0], Case::APPENDING[1]];

/// A scene with one part an epoch, so that no other label is asked about.
fn one_part(case: Case, changes: &Changes) -> Scene {
    let scene = Scene::new(case, changes);
    rewrite(&scene, "load = { rows = 40", "load = { rows = 1000");
    scene
}

/// Fails a point once, in the second phase.
fn at_commit(case: Case, point: Point) -> Rule {
    Rule { operation: Some(commit_of(case.system)), ..Rule::once(point) }
}

/// Forgets the next label that is asked about.
fn forget() -> Rule {
    Rule { operation: Some("state".to_owned()), ..Rule::once(Point::ForgetLabel) }
}

// A label that nobody knows is asked about ten times before it counts as forgotten, so that the two
// tests below take some seconds.

#[test]
fn a_forgotten_label_of_an_appended_table_halts_and_loses_nothing() {
    side_by_side(&Case::APPENDING, |case| {
        let changes = Changes::inserts(71, 250);
        let scene = one_part(*case, &changes);
        let faults = &scene.standin.world().faults;
        // The rows are there; the answer is not, nor will there be another.
        faults.arm(at_commit(*case, Point::BeBeforeReply));
        faults.arm(forget());
        let halted = ending(&scene);
        assert_ne!(halted.code, Some(0), "{}", halted.stderr);
        let choices = ["if_exists = \"append\"", "in upsert mode"];
        for words in ["no longer knows label `mr_", "in table `bets`"].into_iter().chain(choices) {
            assert!(halted.stderr.contains(words), "{words}: {}", halted.stderr);
        }
        assert_eq!(struck(&scene, Point::ForgetLabel).len(), 1);

        // What was committed is there, once and without a gap.
        let table = scene.table();
        assert!(!table.is_empty());
        for ((id, row), expected) in table.iter().zip(1..) {
            assert_eq!((*id, Some(row)), (expected, changes.table.get(id)), "{case:?}");
        }
        assert!(scene.standin.breaches().is_empty(), "{:#?}", scene.standin.breaches());
    });
}

#[test]
fn a_forgotten_label_of_a_keyed_table_is_loaded_again() {
    side_by_side(&[Case::KEYED[0], Case::KEYED[1]], |case| {
        let changes = Changes::inserts(72, 250);
        let scene = one_part(*case, &changes);
        let faults = &scene.standin.world().faults;
        // The rows are not there, and nobody knows.
        faults.arm(at_commit(*case, Point::ExpirePrepared));
        faults.arm(forget());
        run_to_the_end(&scene, &format!("{case:?}"));
        for point in [Point::ExpirePrepared, Point::ForgetLabel] {
            assert_eq!(struck(&scene, point).len(), 1, "{case:?}: {point}");
        }
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}

#[test]
fn what_expires_before_its_commit_comes_again() {
    side_by_side(&CASES, |case| {
        let changes = Changes::inserts(73, 250);
        let scene = one_part(*case, &changes);
        let expires = Rule { skip: 1, ..at_commit(*case, Point::ExpirePrepared) };
        scene.standin.world().faults.arm(expires);
        run_to_the_end(&scene, &format!("{case:?}"));
        assert_eq!(struck(&scene, Point::ExpirePrepared).len(), 1, "{case:?}");
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}

/// Lets a process die when an epoch of several parts is prepared and none of it is committed.
fn die_between_the_phases(case: Case, changes: &Changes) -> Scene {
    let scene = Scene::new(case, changes);
    let world = scene.standin.world();
    // No commit gets its lock.
    world.faults.arm(Rule { times: u32::MAX, ..at_commit(case, Point::CommitFails) });
    let process = Process::start(&mut scene.command());
    wait_until("a commit is tried", || !struck(&scene, Point::CommitFails).is_empty());
    process.signal(Signal::SIGKILL);
    assert_eq!(process.finish().code, None);
    world.faults.clear();
    assert!(scene.table().is_empty());
    let open = world.transactions.open();
    assert!(open.len() >= 2, "{case:?}: {open:?}");
    scene
}

#[test]
fn a_part_that_expires_after_a_kill_comes_again_and_the_others_stay() {
    side_by_side(&CASES, |case| {
        let changes = Changes::inserts(74, 350);
        let scene = die_between_the_phases(*case, &changes);
        scene.standin.world().faults.arm(at_commit(*case, Point::ExpirePrepared));
        run_to_the_end(&scene, &format!("{case:?}"));
        assert_eq!(struck(&scene, Point::ExpirePrepared).len(), 1, "{case:?}");
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}

#[test]
fn an_epoch_that_expires_while_nobody_runs_comes_again_whole() {
    side_by_side(&CASES, |case| {
        let changes = Changes::inserts(75, 350);
        let scene = die_between_the_phases(*case, &changes);
        // A day and an hour: more than a prepared transaction lives, in both systems.
        scene.standin.advance(Duration::from_secs(25 * 3600));
        run_to_the_end(&scene, &format!("{case:?}"));
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}
