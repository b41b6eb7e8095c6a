use tempfile::TempDir;

use super::*;

fn report(store: &Path) -> Report {
    let node = |name: &str| (name.to_owned(), Arc::new(NodeCounters::default()));
    let load = |name: &str| (name.to_owned(), Arc::new(LoadCounters::default()));
    let counters = PipelineCounters {
        sources: [node("wagers")].into(),
        transforms: [node("revenue")].into(),
        sinks: [node("copy"), node("ods")].into(),
        loads: [load("copy"), load("dead_letters"), load("ods")].into(),
        ..PipelineCounters::default()
    };
    Report {
        pipeline: "p".to_owned(),
        store: store.to_owned(),
        loading: vec!["ods".to_owned()],
        clock: Clock::Fixed(40_000_000),
        started: 0,
        counters: Arc::new(counters),
        watchdog: Watchdog::new(Some(Duration::from_secs(1))),
        failed: false,
    }
}

fn written(store: &TempDir) -> Status {
    Status::read(store.path()).unwrap().expect("it was written")
}

#[test]
fn what_is_counted_is_written_whole_and_read_again() {
    let store = TempDir::new().unwrap();
    assert_eq!(Status::read(store.path()).unwrap(), None);
    let mut report = report(store.path());
    let counters = Arc::clone(&report.counters);
    NodeCounters::add(&counters.sources["wagers"].rows_in, 7);
    counters.sources["wagers"].set_position("w.jsonl:7".to_owned());
    NodeCounters::add(&counters.transforms["revenue"].filtered, 2);
    NodeCounters::add(&counters.sinks["ods"].rows_out, 5);
    let ods = &counters.loads["ods"];
    NodeCounters::add(&ods.loads, 3);
    ods.spent(LoadPhase::Commit, Duration::from_millis(1_500));
    ods.retried("versions");
    counters.epoch.store(4, Ordering::Relaxed);
    counters.checkpoint_time.store(1_000_000, Ordering::Relaxed);

    report.write(RunState::Running, None, Vec::new());
    let status = written(&store);
    assert_eq!((status.pid, status.state), (std::process::id(), RunState::Running));
    assert!(status.healthy && status.epoch == 4);
    assert_eq!(status.checkpoint.as_deref(), Some("1970-01-01T00:00:01.000000Z"));
    let source = &status.sources["wagers"];
    assert_eq!((source.rows, source.position.as_str()), (7, "w.jsonl:7"));
    assert_eq!(status.transforms["revenue"].filtered, 2);
    assert_eq!((status.sinks["ods"].rows_out, &status.sinks["copy"].load), (5, &None));
    assert!(!status.sinks.contains_key("dead_letters"), "it loads nothing");
    let load = status.sinks["ods"].load.as_ref().expect("it loads a table");
    assert_eq!((load.loads, load.retries["versions"], load.seconds["commit"]), (3, 1, 1.5));
    assert!(!store.path().join(UNFINISHED).exists());
}

#[test]
fn a_sink_that_waits_is_told_with_its_reason_and_the_time() {
    let store = TempDir::new().unwrap();
    let mut report = report(store.path());
    let reason = "too many versions".to_owned();
    report.counters.loads["ods"].fares(LoadHealth::Waiting { reason, since: 2_000_000 });
    let look = report.look();
    let unhealthy = report.watchdog.look(&look);
    report.write(RunState::Running, None, unhealthy);
    let status = written(&store);
    assert!(!status.healthy);
    assert_eq!(status.unhealthy, ["sink `ods` has waited for 38 s: too many versions"]);
    let waiting = status.sinks["ods"].load.as_ref().and_then(|load| load.waiting.as_ref());
    assert_eq!(waiting.expect("it waits").since, "1970-01-01T00:00:02.000000Z");
}

#[test]
fn the_end_says_how_it_came() {
    let store = TempDir::new().unwrap();
    let mut report = report(store.path());
    let summary = |outcome| Summary {
        outcome,
        resumed_from: None,
        had_finished: false,
        elapsed: Duration::ZERO,
    };
    for (outcome, state) in [
        (Outcome::Finished, RunState::Finished),
        (Outcome::AlreadyFinished, RunState::Finished),
        (Outcome::Stopped, RunState::Stopped),
    ] {
        report.end(&Ok(summary(outcome)));
        assert_eq!((written(&store).state, written(&store).error), (state, None));
    }
    report.end(&Err(PipelineError::Injected("here".to_owned())));
    let status = written(&store);
    assert_eq!((status.state, status.healthy), (RunState::Failed, false));
    assert_eq!(status.error.as_deref(), Some("crash injected at here"));
}

#[test]
fn a_store_that_cannot_be_written_to_disturbs_nothing() {
    let store = TempDir::new().unwrap();
    let mut report = report(&store.path().join("gone"));
    report.write(RunState::Running, None, Vec::new());
    assert!(report.failed);
}
