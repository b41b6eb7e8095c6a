//! What a save writes and names, and what a restore takes up or refuses.

use std::fs;

use super::*;

#[test]
fn a_save_writes_what_is_new_and_names_what_still_waits() {
    let folder = TempDir::new().unwrap();
    let mut buffer = OrderBuffer::new(ROOMY);
    assert!(buffer.save(folder.path(), "s-0", 1).unwrap().is_empty());
    buffer.push(0, batch(PLAIN, &rows(0, &[3, 4]))).unwrap();
    let first = buffer.save(folder.path(), "s-0", 2).unwrap();
    assert!(first[0].file.starts_with("s-0-00000000000000000002-"), "{}", first[0].file);
    assert_eq!(buffer.save(folder.path(), "s-0", 3).unwrap(), first);
    buffer.push(0, batch(PLAIN, &rows(2, &[5, 6]))).unwrap();
    let both = buffer.save(folder.path(), "s-0", 4).unwrap();
    assert_eq!((both.len(), &both[0], both[1].rows), (2, &first[0], 2));
    assert_eq!(release(&mut buffer, 4), [0, 1]);
    assert_eq!(buffer.save(folder.path(), "s-0", 5).unwrap(), both[1..]);
    assert_eq!(release(&mut restored(&folder, &both, 2), 9), [0, 1, 2, 3]);
    assert_eq!(release(&mut buffer, 9), [2, 3]);
    assert!(buffer.save(folder.path(), "s-0", 6).unwrap().is_empty());
    // Nothing but the files that were named.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn many_files_and_files_of_mostly_dead_rows_are_written_anew_as_one() {
    let folder = TempDir::new().unwrap();
    let mut buffer = OrderBuffer::new(ROOMY);
    let mut segments = Vec::new();
    for epoch in 1..=17 {
        let id = i64::try_from(epoch).unwrap();
        buffer.push(0, batch(PLAIN, &rows(id, &[100]))).unwrap();
        segments = buffer.save(folder.path(), "s-0", epoch).unwrap();
        assert_eq!(segments.len() as u64, if epoch == 17 { 1 } else { epoch });
    }
    assert_eq!(segments[0].rows, 17);
    let expected: Vec<i64> = (1..=17).collect();
    assert_eq!(release(&mut restored(&folder, &segments, 99), 100), expected);

    let times: Vec<i64> = (0..100).collect();
    let mut buffer = OrderBuffer::new(ROOMY);
    buffer.push(0, batch(PLAIN, &rows(0, &times))).unwrap();
    let whole = buffer.save(folder.path(), "s-1", 1).unwrap();
    release(&mut buffer, 74);
    assert_eq!(buffer.save(folder.path(), "s-1", 2).unwrap(), whole);
    release(&mut buffer, 75);
    let anew = buffer.save(folder.path(), "s-1", 3).unwrap();
    assert_eq!((anew.len(), anew[0].rows), (1, 24));
    assert_eq!(release(&mut restored(&folder, &anew, 75), 200).len(), 24);
}

#[test]
fn a_restore_keeps_the_rows_that_it_is_told_to() {
    let folder = TempDir::new().unwrap();
    let mut buffer = OrderBuffer::new(ROOMY);
    let second = Lane { input: 1, ..PLAIN };
    buffer.push(0, batch(PLAIN, &rows(0, &[1, 2, 3, 4]))).unwrap();
    buffer.push(1, batch(second, &rows(4, &[1, 2, 3, 4]))).unwrap();
    let segments = buffer.save(folder.path(), "s-0", 1).unwrap();
    let mut part = OrderBuffer::new(ROOMY);
    part.restore(folder.path(), &segments, &schemas(), 1, |input, batch| {
        assert_eq!(batch.rows, 3, "rows that were released are not asked for");
        let ids: Vec<i64> = read(input, batch).iter().map(|row| row.id).collect();
        Some(BooleanBuffer::collect_bool(batch.rows, |row| ids[row] % 2 == 1))
    })
    .unwrap();
    assert_eq!(release(&mut part, 9), [1, 5, 3, 7]);
    part.restore(folder.path(), &segments, &schemas(), 0, |_, batch| {
        Some(BooleanBuffer::new_unset(batch.rows))
    })
    .unwrap();
    assert_eq!(part.rows(), 0);
    assert!(part.save(folder.path(), "s-0", 2).unwrap().is_empty());
}

#[test]
fn columns_are_found_by_name_and_others_are_refused() {
    let folder = TempDir::new().unwrap();
    let mut buffer = OrderBuffer::new(ROOMY);
    let mut unchanged = rows(0, &[1, 2]);
    unchanged[1].note = None;
    buffer.push(1, batch(Lane { input: 1, ..PLAIN }, &unchanged)).unwrap();
    let segments = buffer.save(folder.path(), "s-0", 1).unwrap();
    let restore = |fields: Vec<Field>| {
        let mut buffer = OrderBuffer::new(ROOMY);
        let schemas = [Arc::clone(&schemas()[0]), Arc::new(Schema::new(fields))];
        let done = buffer.restore(folder.path(), &segments, &schemas, 0, |_, _| None);
        done.map(|()| buffer.next_released(9, 9).unwrap().1).map_err(|error| error.to_string())
    };
    let id = || Field::new("id", DataType::Int64, false);
    let moved = restore(vec![Field::new("note", DataType::Text, true), id()]).unwrap();
    assert_eq!(moved.columns[1].values.as_primitive::<Int64Type>().values()[..], [0, 1]);
    assert!(moved.columns[0].unchanged.as_ref().unwrap().value(1));
    assert!(moved.columns[1].unchanged.is_none());

    let error = restore(vec![id(), Field::new("score", DataType::Int64, true)]).unwrap_err();
    assert!(error.contains("input 1") && error.contains("`score` is missing"), "{error}");
    let error = restore(vec![Field::new("id", DataType::Int32, false)]).unwrap_err();
    assert!(error.contains("`id` is Int64 in them and Int32 now"), "{error}");
    let mut buffer = OrderBuffer::new(ROOMY);
    let error = buffer.restore(folder.path(), &segments, &schemas()[..1], 0, |_, _| None);
    assert!(matches!(error, Err(OrderError::Input { input: 1, inputs: 1, .. })), "{error:?}");
}

#[test]
fn a_missing_a_cut_and_a_changed_file_are_errors() {
    let folder = TempDir::new().unwrap();
    let mut buffer = OrderBuffer::new(ROOMY);
    buffer.push(0, batch(PLAIN, &rows(0, &[1, 2, 3]))).unwrap();
    let segments = buffer.save(folder.path(), "s-0", 1).unwrap();
    let path = folder.path().join(&segments[0].file);
    let good = fs::read(&path).unwrap();
    let restore = |segment: OrderSegment| {
        let mut buffer = OrderBuffer::new(ROOMY);
        buffer.restore(folder.path(), &[segment], &schemas(), 0, |_, _| None)
    };
    let problem = |bytes: &[u8], sound: bool| {
        fs::write(&path, bytes).unwrap();
        let mut segment = segments[0].clone();
        if sound {
            segment.bytes = bytes.len() as u64;
            segment.checksum = format!("{:016x}", xxhash_rust::xxh64::xxh64(bytes, 0));
        }
        match restore(segment) {
            Err(OrderError::Damaged { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    };
    assert!(problem(&good[..good.len() - 1], false).contains("were written"));
    for at in [0, 8, good.len() / 2, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        assert_eq!(problem(&bytes, false), "the checksum differs");
    }
    // With a checksum that fits: what reads the frames must stand on its own feet.
    let mut other = good.clone();
    other[7] ^= 1;
    assert!(problem(&other, true).contains("does not begin"));
    let mut long = good.clone();
    long[15] = 0xff;
    assert!(problem(&long, true).contains("are left"));
    assert!(problem(&good[..4], true).contains("ends within"));
    assert!(problem(&good[..12], true).contains("ends within"));
    assert!(problem(&good[..8], true).contains("3 rows are missing"));
    assert!(problem(&[&good[..], &good[8..]].concat(), true).contains("more rows"));
    let empty_frame = [&good[..8], &[0_u8; 8][..]].concat();
    assert!(!problem(&empty_frame, true).is_empty());

    fs::remove_file(&path).unwrap();
    let error = restore(segments[0].clone()).unwrap_err();
    assert!(matches!(&error, OrderError::Io { action: "open", .. }), "{error:?}");
    assert!(error.to_string().contains("s-0-0000"), "{error}");
}

#[test]
fn large_batches_are_saved_in_frames_and_small_ones_together() {
    let folder = TempDir::new().unwrap();
    let mut buffer = OrderBuffer::new(ROOMY);
    let times: Vec<i64> = (0..20_000).map(|row| (row * 7_919) % 1_000).collect();
    buffer.push(0, batch(PLAIN, &rows(0, &times))).unwrap();
    for id in 20_000..20_010 {
        buffer.push(0, batch(PLAIN, &rows(id, &[500]))).unwrap();
    }
    let segments = buffer.save(folder.path(), "s-0", 1).unwrap();
    assert_eq!(segments[0].rows, 20_010);
    let mut again = restored(&folder, &segments, -1);
    assert_eq!(again.chunks.len(), 3);
    assert_eq!(release(&mut again, i64::MAX), release(&mut buffer, i64::MAX));
}
