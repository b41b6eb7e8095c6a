//! What the tests of the line sources share.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;

use crate::format::TimeUnit;
use crate::record::{DataType, Position};
use crate::source::{
    Budget, ColumnOrigin, EventTime, MetaColumn, Next, Source, SourceBatch, SourceColumn,
    SourceConfig, SourceKind,
};

/// A line's number, and the id of its row; `None` when the line was rejected.
pub(in crate::source) type Line = (i64, Option<String>);

pub(in crate::source) fn column(name: &str, data_type: DataType, path: &str) -> SourceColumn {
    SourceColumn {
        name: name.into(),
        data_type,
        origin: ColumnOrigin::Path(path.split('.').map(str::to_owned).collect()),
        key: false,
        required: false,
        unit: (data_type == DataType::Timestamp).then_some(TimeUnit::Ms),
    }
}

pub(in crate::source) fn meta(meta: MetaColumn) -> SourceColumn {
    let (name, _) = MetaColumn::NAMES.into_iter().find(|(_, of)| *of == meta).unwrap();
    SourceColumn {
        origin: ColumnOrigin::Meta(meta),
        unit: None,
        ..column(name, meta.data_type(), name)
    }
}

/// A source of an id at `id_path`, the event time at `time_path` and all metadata.
pub(in crate::source) fn config(kind: SourceKind, id_path: &str, time_path: &str) -> SourceConfig {
    SourceConfig {
        name: "wagers".to_owned(),
        columns: vec![
            meta(MetaColumn::Line),
            SourceColumn { key: true, ..column("id", DataType::Text, id_path) },
            meta(MetaColumn::File),
            column("at", DataType::Timestamp, time_path),
            meta(MetaColumn::Timestamp),
        ],
        event_time: Some(EventTime {
            column: "at".into(),
            disorder: std::time::Duration::ZERO,
            idle: None,
        }),
        kind,
    }
}

pub(in crate::source) fn budget(rows: usize, bytes: usize) -> Budget {
    Budget { rows, bytes, linger: std::time::Duration::ZERO }
}

/// The lines of a batch of a source of [`config`], in order.
pub(in crate::source) fn lines(batch: &SourceBatch) -> Vec<Line> {
    let numbers = batch.batch.columns[0].values.as_primitive::<Int64Type>();
    let ids = batch.batch.columns[1].values.as_string::<i32>();
    assert_eq!((numbers.len(), ids.len()), (batch.batch.rows, batch.batch.rows));
    assert_eq!(numbers.values(), &batch.batch.meta.majors);
    let rows = numbers.values().iter().zip(ids).map(|(line, id)| (*line, id.map(str::to_owned)));
    let rejected = batch.rejected.iter().map(|letter| (letter.sequence.0, None));
    let mut all: Vec<Line> = rows.chain(rejected).collect();
    all.sort();
    all
}

/// Reads a source to its end; the lines, and after each step the position and how many lines were
/// handed out until then.
pub(in crate::source) fn read_all(
    source: &mut dyn Source,
    budget: &Budget,
) -> (Vec<Line>, Vec<(Position, usize)>) {
    let (mut all, mut bytes) = (Vec::new(), 0);
    let mut positions = vec![(source.position(), 0)];
    loop {
        match source.next(budget).unwrap() {
            Next::Finished => break,
            Next::Idle => {}
            Next::Rows(batch) => {
                assert!(batch.batch.rows + batch.rejected.len() <= budget.rows);
                let fresh = lines(&batch);
                assert!(batch.bytes <= budget.bytes || fresh.len() <= 1);
                bytes += batch.bytes;
                all.extend(fresh);
            }
        }
        positions.push((source.position(), all.len()));
    }
    assert!(bytes > 0 || all.is_empty());
    assert!(matches!(source.next(budget).unwrap(), Next::Finished), "an end stays one");
    (all, positions)
}
