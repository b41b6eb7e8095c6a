//! Every fault point, alone: after it the table is what the input says.

use millrace_standin::System;
use millrace_standin::faults::{Point, Rule};
use millrace_tests::Process;

use super::input::Changes;
use super::scene::{Case, Scene, side_by_side};

/// How often a pipeline may end with an error and be started again.
const STARTS: usize = 4;

/// Runs until a run ends well; a run that ends with an error is started again, as a supervisor would.
pub fn run_to_the_end(scene: &Scene, what: &str) {
    let mut endings = Vec::new();
    for _ in 0..STARTS {
        let ending = Process::start(&mut scene.command()).finish();
        if ending.code == Some(0) {
            return;
        }
        endings.push(format!("{:?}: {}", ending.code, ending.stderr));
    }
    panic!("{what}: it does not come to an end:\n{}", endings.join("\n"));
}

/// The points that a pipeline of this case gets over. Where rows are only added, a label that the
/// target has forgotten halts it: that has a test of its own.
pub fn points(case: Case) -> Vec<Point> {
    let fits = |point: &Point| match point {
        Point::Fe200Unauthorized => case.system == System::Doris,
        Point::DropContext => case.system == System::StarRocks,
        Point::ForgetLabel => case.upsert,
        _ => true,
    };
    Point::all().filter(fits).collect()
}

fn struck(case: Case, point: Point, rule: Rule) {
    let what = format!("{case:?}, {point:?}, skip {}", rule.skip);
    let changes =
        if case.upsert { Changes::random(7, 350, true) } else { Changes::inserts(7, 350) };
    let scene = Scene::new(case, &changes);
    scene.standin.world().faults.arm(rule);
    run_to_the_end(&scene, &what);
    scene.standin.world().faults.clear();
    scene.assert_whole(&changes, &what);
}

/// Each fault, in both systems and with both promises, at its first hit and in the middle of things.
fn each(cases: &[Case]) {
    let mut turns = Vec::new();
    for case in cases {
        for point in points(*case) {
            turns.extend([0, 3].map(|skip| (*case, point, skip)));
        }
    }
    side_by_side(&turns, |(case, point, skip)| {
        struck(*case, *point, Rule { skip: *skip, ..Rule::once(*point) });
    });
}

#[test]
fn each_fault_alone_loses_and_doubles_nothing_in_keyed_tables() {
    each(&Case::KEYED);
}

#[test]
fn each_fault_alone_loses_and_doubles_nothing_in_tables_that_are_added_to() {
    each(&Case::APPENDING);
}
