//! `millrace status`, of a pipeline that another process runs.

use millrace_tests::{Process, Workbench, wait_until};
use nix::sys::signal::Signal;

const PIPELINE: &str = r#"
[pipeline]
name = "observed"
checkpoint = { every = "20ms", store = "${OUT}/store" }
batch = { rows = 64, linger = "5ms" }

[sources.wagers]
type = "generator"
seed = 11
rate = 2000

[sources.wagers.columns]
wager_id = { path = "payload._id", type = "text", key = true }

[sinks.nowhere]
type = "blackhole"
input = "wagers"
"#;

#[test]
fn status_tells_what_runs_how_far_it_is_and_how_it_ended() {
    let bench = Workbench::new(PIPELINE);
    let never = bench.millrace(&["status", "pipeline.toml"]).with_code(1);
    assert!(never.stdout.contains("never run"), "{}", never.stdout);

    let run = ["run", "--progress", "never", "pipeline.toml"];
    let running = Process::start(&mut bench.command(&run));
    wait_until("it runs, is healthy, and has saved rows", || {
        let ending = bench.millrace(&["status", "--json", "pipeline.toml"]);
        let value = ending.json();
        let found = &value["pipelines"][0];
        let status = &found["status"];
        let rows = status["sinks"]["nowhere"]["rows_out"].as_u64().unwrap_or_default();
        ending.code == Some(0)
            && found["running"] == true
            && found["healthy"] == true
            && status["epoch"].as_u64().unwrap_or_default() > 0
            && status["sources"]["wagers"]["position"].as_str().is_some_and(|at| !at.is_empty())
            && rows > 0
    });
    let text = bench.millrace(&["status", "pipeline.toml"]).with_code(0).stdout;
    assert!(text.contains("observed: running, healthy"), "{text}");
    let again = bench.millrace(&run).with_code(3);
    assert!(again.stderr.contains("in use"), "{}", again.stderr);
    drop(bench.millrace(&["status", "pipeline.toml"]).with_code(0));

    running.signal(Signal::SIGTERM);
    drop(running.finish().with_code(0));
    let stopped = bench.millrace(&["status", "pipeline.toml"]).with_code(1);
    assert!(stopped.stdout.contains("not running"), "{}", stopped.stdout);
    assert!(stopped.stdout.contains("it was stopped at"), "{}", stopped.stdout);

    let killed = Process::start(&mut bench.command(&run));
    wait_until("it runs again", || bench.millrace(&["status", "pipeline.toml"]).code == Some(0));
    killed.signal(Signal::SIGKILL);
    let ending = killed.finish();
    assert_eq!(ending.code, None);
    let found = bench.millrace(&["status", "pipeline.toml"]).with_code(1).stdout;
    assert!(found.contains("ended without a word"), "{found}");
    drop(bench.millrace(&["status", "no-such-file.toml"]).with_code(2));
}
