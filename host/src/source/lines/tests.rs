//! Changes as batches: what the source knows of them stands in both images, and inputs follow each
//! other.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};

use super::LineDecoder;
use super::testing::{budget, column, config, meta};
use crate::format::RecordFormat;
use crate::record::{DataType, Operation};
use crate::source::{Compression, FileConfig, MetaColumn, SourceConfig, SourceKind};
use crate::telemetry::Clock;

const LINES: &[u8] = br#"{"op":"u","before":{"id":"1","v":1},"after":{"id":"1","v":2},"source":{"ts_ms":5,"lsn":7,"table":"w"}}
null
{"op":"x"}
{"op":"d","before":{"id":"1","v":2},"source":{"ts_ms":6,"lsn":8,"table":"w"}}
"#;

fn of_debezium() -> SourceConfig {
    let kind = SourceKind::File(FileConfig {
        paths: Vec::new(),
        format: RecordFormat::DebeziumJson { tables: Vec::new() },
        compression: Compression::Auto,
    });
    let mut source = config(kind, "id", "at");
    source.columns.extend([
        column("v", DataType::Int64, "v"),
        meta(MetaColumn::Lsn),
        meta(MetaColumn::Table),
    ]);
    source
}

#[test]
fn what_is_known_of_a_change_stands_in_both_of_its_images() {
    let mut decoder = LineDecoder::new(&of_debezium(), "", Clock::Fixed(7_000_000)).unwrap();
    decoder.begin_input("in/w.jsonl", 10);
    let step = decoder.decode(LINES, &budget(100, 1 << 20));
    assert_eq!(step.bytes, LINES.len());
    let decoded = decoder.finish();
    let batch = decoded.batch;
    assert!(!batch.schema.append_only);
    assert_eq!(batch.schema.key, [1]);
    assert_eq!(batch.rows, 2);
    assert_eq!(batch.meta.operations.get(0), Operation::Update);
    assert_eq!(batch.meta.operations.get(1), Operation::Delete);
    assert_eq!(*batch.meta.majors, [11, 14], "lines of earlier inputs count");
    let before = batch.before.as_ref().expect("both changes have one");
    assert_eq!(before.columns.len(), batch.columns.len());
    assert_eq!(before.present.count_set_bits(), 2);
    for columns in [&batch.columns, &before.columns] {
        assert_eq!(columns[0].values.as_primitive::<Int64Type>().values(), &[1, 4]);
        assert_eq!(columns[2].values.as_string::<i32>().value(1), "in/w.jsonl");
        let times = columns[4].values.as_primitive::<TimestampMicrosecondType>();
        assert_eq!(times.values(), &[5_000, 6_000]);
        assert_eq!(columns[6].values.as_primitive::<Int64Type>().values(), &[7, 8]);
        assert_eq!(columns[7].values.as_string::<i32>().value(0), "w");
    }
    let (now, was) = (&batch.columns[5].values, &before.columns[5].values);
    assert_eq!(now.as_primitive::<Int64Type>().value(0), 2);
    assert!(now.is_null(1), "a row that is gone has a key only");
    assert_eq!(was.as_primitive::<Int64Type>().values(), &[1, 2]);
    let letter = &decoded.rejected[0];
    assert_eq!((letter.position.as_str(), letter.sequence), ("in/w.jsonl:3", (13, 0)));
}

#[test]
fn inserts_have_no_before_image_and_only_ever_add() {
    let mut source = of_debezium();
    let SourceKind::File(file) = &mut source.kind else { panic!("a file") };
    file.format = RecordFormat::Json;
    source.columns.truncate(6);
    let mut decoder = LineDecoder::new(&source, "w", Clock::Fixed(7_000_000)).unwrap();
    decoder.decode(b"{\"id\":\"1\",\"v\":2}\n", &budget(100, 1 << 20));
    let batch = decoder.finish().batch;
    assert!(batch.schema.append_only && batch.only_inserts() && batch.before.is_none());
    let times = batch.columns[4].values.as_primitive::<TimestampMicrosecondType>();
    assert_eq!(times.values(), &[7_000_000], "when the line was read");
}
