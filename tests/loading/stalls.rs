//! A target that asks for patience: the source waits, the status says why, and nothing is lost.

use millrace_standin::faults::{Point, Rule};
use millrace_tests::{Process, wait_until};
use serde_json::Value;

use super::input::Changes;
use super::scene::{Case, Scene, side_by_side};
use super::tailored::{rewrite, status};

/// More than fits between the source and a sink that stands still.
const ROWS: u64 = 20_000;

/// The status of a pipeline as another process reads it.
fn look(scene: &Scene) -> Value {
    status(scene, &["--json"]).json()["pipelines"][0].clone()
}

#[test]
fn the_source_waits_while_the_target_has_too_many_versions() {
    side_by_side(&Case::KEYED, |case| {
        let changes = Changes::inserts(61, usize::try_from(ROWS).expect("small"));
        let scene = Scene::new(*case, &changes);
        // Fewer and larger checkpoints, so that all goes through quickly then.
        rewrite(&scene, "checkpoint = { rows = 100", "checkpoint = { rows = 4000");
        rewrite(&scene, "load = { rows = 40", "load = { rows = 4000");
        rewrite(&scene, "batch = { rows = 32", "batch = { rows = 128");
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
