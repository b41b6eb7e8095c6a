//! Pages of proxies, portals and broken lines in place of answers: from servers that have answered
//! before they pass, from others they halt.

use millrace_standin::faults::{Point, Rule};
use millrace_tests::{Process, wait_until};

use super::faults::run_to_the_end;
use super::input::Changes;
use super::scene::{Case, Scene, side_by_side};
use super::tailored::{ending, struck};

/// Requests of a kind before the first garbled answer: behind them each server has answered once,
/// since fewer are under way at once.
const HEARD: u32 = 8;

/// What somebody else says in place of a frontend.
const STRANGE: [Point; 4] = [Point::FeHtml, Point::Fe404, Point::FePortal, Point::FeNotHttp];

/// Answers that say nothing, though the work is done.
const SAYING_NOTHING: [Point; 5] = [
    Point::BeGarbledReply,
    Point::BeTruncatedReply,
    Point::BeHtmlReply,
    Point::BeEmptyReply,
    Point::BeBlankReply,
];

fn changes(case: Case, seed: u64) -> Changes {
    if case.upsert { Changes::random(seed, 1200, true) } else { Changes::inserts(seed, 1200) }
}

#[test]
fn garbled_answers_in_the_middle_of_a_run_neither_end_it_nor_lose_or_double_rows() {
    let points: Vec<Point> =
        STRANGE.into_iter().chain([Point::FeEmptyReply]).chain(SAYING_NOTHING).collect();
    let cases = Case::KEYED.into_iter().chain(Case::APPENDING);
    let turns: Vec<(Case, Point)> =
        cases.flat_map(|case| points.iter().map(move |point| (case, *point))).collect();
    side_by_side(&turns, |(case, point)| {
        let changes = changes(*case, 81);
        let scene = Scene::new(*case, &changes);
        let rule = Rule { skip: HEARD, times: 2, ..Rule::once(*point) };
        scene.standin.world().faults.arm(rule);
        scene.run();
        let what = format!("{case:?}, {point}");
        assert!(!struck(&scene, *point).is_empty(), "{what}: nothing was garbled");
        scene.assert_whole(&changes, &what);
    });
}

#[test]
fn a_page_before_every_frontend_is_waited_for() {
    side_by_side(&Case::KEYED, |case| {
        let changes = changes(*case, 82);
        let scene = Scene::new(*case, &changes);
        let faults = &scene.standin.world().faults;
        faults.arm(Rule { skip: HEARD, times: u32::MAX, ..Rule::once(Point::FeHtml) });
        let process = Process::start(&mut scene.command());
        wait_until("both frontends are tried again and again", || {
            let places = struck(&scene, Point::FeHtml);
            let of = |node: &str| places.iter().filter(|place| place.starts_with(node)).count();
            of("fe0") >= 3 && of("fe1") >= 3
        });
        faults.clear();
        drop(process.finish().with_code(0));
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}

#[test]
fn what_answers_so_from_the_first_is_no_frontend_and_ends_the_run() {
    let turns: Vec<(Case, Point)> =
        Case::KEYED.into_iter().flat_map(|case| STRANGE.map(|point| (case, point))).collect();
    side_by_side(&turns, |(case, point)| {
        let what = format!("{case:?}, {point}");
        let changes = Changes::random(83, 200, true);
        let scene = Scene::new(*case, &changes);
        let faults = &scene.standin.world().faults;
        faults.arm(Rule { times: u32::MAX, ..Rule::once(*point) });
        let halted = ending(&scene);
        faults.clear();
        assert_eq!(halted.code, Some(1), "{what}: {}", halted.stderr);
        let words = match point {
            Point::FePortal => "points to portal.invalid:80, which neither",
            _ => "is not a frontend",
        };
        assert!(halted.stderr.contains(words), "{what}: {}", halted.stderr);
        run_to_the_end(&scene, &what);
        scene.assert_whole(&changes, &what);
    });
}
