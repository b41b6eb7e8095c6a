use super::super::SourceKind;
use super::super::lines::testing::{Line, budget, config, lines, read_all};
use super::*;

const CLOCK: Clock = Clock::Fixed(7_000_000);

fn open(
    generator: GeneratorConfig,
    position: Option<&Position>,
) -> Result<GeneratorSource, SourceError> {
    let config = config(SourceKind::Generator(generator), "payload._id", "payload.lastUpdateTime");
    GeneratorSource::open(&config, &generator, position, CLOCK)
}

fn of(count: u64) -> GeneratorConfig {
    GeneratorConfig { count: Some(count), seed: 42, ..GeneratorConfig::default() }
}

fn all(count: u64) -> Vec<Line> {
    read_all(&mut open(of(count), None).unwrap(), &budget(8_192, 4 << 20)).0
}

#[test]
fn rows_are_those_of_the_generator_and_fewer_are_a_prefix() {
    let rows = all(300);
    assert_eq!(rows.len(), 300);
    let mut wagers = WagerGenerator::new(42, GeneratorConfig::DEFAULT_START);
    for (number, (line, id)) in (1..).zip(&rows) {
        let mut text = Vec::new();
        wagers.append_line(&mut text);
        let wager: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!((*line, id.as_deref()), (number, wager["payload"]["_id"].as_str()));
    }
    assert_eq!(all(77), rows[..77]);
    assert!(all(0).is_empty());
}

#[test]
fn resuming_anywhere_gives_exactly_the_rest() {
    let expected = all(60);
    for (rows, bytes) in [(1, 1 << 20), (7, 1 << 20), (100, 1), (100, 1_000), (100, 1 << 20)] {
        let mut source = open(of(60), None).unwrap();
        let (read, positions) = read_all(&mut source, &budget(rows, bytes));
        assert_eq!(read, expected);
        for (position, handed) in positions {
            let mut rest = open(of(60), Some(&position)).unwrap();
            assert_eq!(rest.position(), position);
            assert_eq!(read_all(&mut rest, &budget(11, 1 << 20)).0, expected[handed..]);
        }
    }
}

#[test]
fn budgets_may_change_from_batch_to_batch() {
    let expected = all(40);
    let mut source = open(of(40), None).unwrap();
    let mut read = Vec::new();
    for (rows, bytes) in
        [(20, 1_000), (2, 1 << 20), (1, 1), (100, 700), (3, 1 << 20), (100, 1 << 20)]
    {
        let Next::Rows(batch) = source.next(&budget(rows, bytes)).unwrap() else {
            panic!("rows are left")
        };
        assert!(batch.batch.rows <= rows && (batch.bytes <= bytes || batch.batch.rows == 1));
        read.extend(lines(&batch));
    }
    assert_eq!(read, expected);
    assert!(matches!(source.next(&budget(1, 1)).unwrap(), Next::Finished));
}

#[test]
fn rows_keep_to_the_rate() {
    // No second row is due for ages, and there is no linger to wait for.
    let slow = GeneratorConfig { rate: Some(1e-9), ..of(10) };
    let mut source = open(slow, None).unwrap();
    let Next::Rows(first) = source.next(&budget(100, 1 << 20)).unwrap() else {
        panic!("the first row is due at once")
    };
    assert_eq!(first.batch.rows, 1);
    let position = source.position();
    assert!(matches!(source.next(&budget(100, 1 << 20)).unwrap(), Next::Idle));
    assert_eq!(source.position(), position);

    let fast = GeneratorConfig { rate: Some(1e18), ..of(10) };
    let mut source = open(fast, Some(&position)).unwrap();
    assert_eq!(read_all(&mut source, &budget(100, 1 << 20)).0, all(10)[1..]);
}

#[test]
fn other_settings_halt_and_are_named() {
    let mut source = open(of(10), None).unwrap();
    read_all(&mut source, &budget(100, 1 << 20));
    let end = source.position();
    assert!(open(of(20), Some(&end)).is_ok());
    for (other, name) in [
        (GeneratorConfig { seed: 43, ..of(10) }, "seed"),
        (GeneratorConfig { start: 0, ..of(10) }, "start"),
        (of(9), "count"),
    ] {
        match open(other, Some(&end)) {
            Err(SourceError::GeneratorChanged { line: 10, setting, .. }) => {
                assert_eq!(setting, name)
            }
            other => panic!("{other:?}"),
        }
    }
}
