//! A target that asks for patience, or answers nothing at all: the source waits, the status says
//! what there is to say, and nothing is lost.

use std::fs;
use std::time::Duration;

use millrace_standin::faults::{Point, Rule};
use millrace_tests::{Process, wait_until};
use serde_json::{Value, json};

use super::input::Changes;
use super::scene::{Case, Scene, side_by_side};
use super::tailored::{rewrite, status};

/// More than fits between the source and a sink that stands still.
const ROWS: u64 = 20_000;

/// Statuses, one a second, that must say the same before nothing moves any more.
const STILL: usize = 3;

/// A pipeline with more rows than fit.
fn large(case: Case, seed: u64) -> (Changes, Scene) {
    let changes = Changes::inserts(seed, usize::try_from(ROWS).expect("small"));
    let scene = Scene::new(case, &changes);
    // Fewer and larger checkpoints, so that all goes through quickly then.
    rewrite(&scene, "checkpoint = { rows = 100", "checkpoint = { rows = 4000");
    rewrite(&scene, "load = { rows = 40", "load = { rows = 4000");
    rewrite(&scene, "batch = { rows = 32", "batch = { rows = 128");
    (changes, scene)
}

/// The status of a pipeline as another process reads it.
fn look(scene: &Scene) -> Value {
    status(scene, &["--json"]).json()["pipelines"][0].clone()
}

#[test]
fn the_source_waits_while_the_target_has_too_many_versions() {
    side_by_side(&Case::KEYED, |case| {
        let (changes, scene) = large(*case, 61);
        let never = status(&scene, &[]).with_code(1);
        assert!(never.stdout.contains("never run"), "{}", never.stdout);

        let faults = &scene.standin.world().faults;
        faults.arm(Rule { times: u32::MAX, ..Rule::once(Point::TooManyVersions) });
        let process = Process::start(&mut scene.command());
        let mut waiting = Value::Null;
        wait_until("the sink says that it waits", || {
            waiting = look(&scene);
            waiting["status"]["sinks"]["copy"]["load"]["waiting"].is_object()
        });
        // It has waited for so short a time that nothing is wrong yet.
        assert_eq!((&waiting["running"], &waiting["healthy"]), (&true.into(), &true.into()));
        let now = &waiting["status"];
        let load = &now["sinks"]["copy"]["load"];
        let reason = load["waiting"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("too many versions") || reason.contains("-235"), "{reason}");
        let retries = load["retries"]["too-many-versions"].as_u64();
        assert!(retries.is_some_and(|retries| retries > 0), "{load}");
        // Rows stay where they are: most of them have not been read.
        let read = now["sources"]["input"]["rows"].as_u64().expect("a count");
        assert!(read > 0 && read < ROWS * 3 / 4, "{read} rows are read");
        assert_eq!(now["sinks"]["copy"]["rows_out"], 0, "{now}");
        assert!(scene.table().is_empty());
        faults.clear();

        drop(process.finish().with_code(0));
        scene.assert_whole(&changes, &format!("{case:?}"));
        let ended = look(&scene);
        assert_eq!((&ended["running"], &ended["healthy"]), (&false.into(), &false.into()));
        assert_eq!(ended["status"]["state"], "finished");
        let load = &ended["status"]["sinks"]["copy"]["load"];
        assert_eq!(load["waiting"], Value::Null);
        assert_eq!((&load["rows"], &load["open_transactions"]), (&ROWS.into(), &0.into()));
        let text = status(&scene, &[]).with_code(1).stdout;
        assert!(text.contains("not running") && text.contains("it finished at"), "{text}");
    });
}

/// The status as the pipeline wrote it last: looking at it costs no process.
fn written(scene: &Scene) -> Option<Value> {
    let text = fs::read_to_string(scene.bench.path("store/status.json")).ok()?;
    serde_json::from_str(&text).ok()
}

#[test]
fn the_source_waits_while_the_target_stands_still() {
    side_by_side(&Case::KEYED, |case| {
        let (changes, scene) = large(*case, 63);
        // What waits for an answer waits on.
        rewrite(&scene, "connect_timeout = \"2s\"", "connect_timeout = \"20s\"");
        let stall = &scene.standin.world().stall;
        // It is ended below, and by itself where this test fails before.
        stall.begin(Duration::from_secs(60));
        let process = Process::start(&mut scene.command());
        wait_until("a request waits", || stall.held() > 0);

        let mut alike: Vec<Value> = Vec::new();
        let rows = |status: &Value| status["sources"]["input"]["rows"].as_u64();
        wait_until("no further row is read", || {
            let Some(now) = written(&scene) else { return false };
            if alike.last().is_none_or(|last| last["written"] != now["written"]) {
                alike.retain(|before| rows(before) == rows(&now));
                alike.push(now);
            }
            alike.len() >= STILL && rows(&alike[0]) > Some(0)
        });
        let read = rows(&alike[0]).expect("a count");
        assert!(read < ROWS * 3 / 4, "{read} rows are read");
        assert_eq!(alike[STILL - 1]["sinks"]["copy"]["rows_out"], 0, "{alike:#?}");
        assert!(stall.held() > 0 && scene.table().is_empty());
        stall.end();

        drop(process.finish().with_code(0));
        scene.assert_whole(&changes, &format!("{case:?}"));
        let ended = written(&scene).expect("a status");
        assert_eq!(ended["state"], "finished");
        assert_eq!(ended["sinks"]["copy"]["load"]["retries"], json!({}), "it was only waited for");
    });
}

#[test]
fn a_target_that_shuts_down_is_asked_again() {
    side_by_side(&Case::KEYED, |case| {
        let changes = Changes::random(62, 200, true);
        let scene = Scene::new(*case, &changes);
        let faults = &scene.standin.world().faults;
        // Apart, since each further failure of one load is waited for longer.
        for skip in [0, 3, 6] {
            faults.arm(Rule { skip, ..Rule::once(Point::ShuttingDown) });
        }
        scene.run();
        let retries = look(&scene)["status"]["sinks"]["copy"]["load"]["retries"].clone();
        assert!(retries["restarting"].as_u64() >= Some(1), "{case:?}: {retries}");
        scene.assert_whole(&changes, &format!("{case:?}"));
    });
}
