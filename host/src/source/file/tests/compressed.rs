//! Compressed files: resuming within them, several members, and streams that break off.

use super::*;

type Pack = fn(&[u8]) -> Vec<u8>;

fn content(rows: usize) -> String {
    (0..rows).map(|row| format!("{{\"id\":\"{row}\"}}\n")).collect()
}

fn folder_of(name: &str, content: &[u8]) -> (TempDir, FileConfig) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), content).unwrap();
    let config = files(folder.path(), &[name]);
    (folder, config)
}

#[test]
fn resuming_anywhere_in_compressed_files_gives_exactly_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
    write("a.jsonl", content(3).as_bytes());
    // Several members, of which one ends within a line.
    let cut = |at: usize| (content(4)[..at].to_owned(), content(4)[at..].to_owned());
    let (head, tail) = cut(17);
    write("b.jsonl.gz", &[gzip(head.as_bytes()), gzip(b""), gzip(tail.as_bytes())].concat());
    write("c.jsonl.zst", &[zstd(head.as_bytes()), zstd(tail.trim_end().as_bytes())].concat());
    write("d.jsonl.gz", &gzip(b""));
    write("e.jsonl.ZST", &zstd(b"{\"id\":\"last\"}\n"));
    let config = files(folder.path(), &["*.jsonl", "*.jsonl.*"]);
    let row = |order: i64, file: &str, line: i64| {
        read(order, &format!("{file}:{line}"), &(line - 1).to_string())
    };
    let mut expected: Vec<_> = (1..=3).map(|line| row(line, "a.jsonl", line)).collect();
    expected.extend((1..=4).map(|line| row(3 + line, "b.jsonl.gz", line)));
    expected.extend((1..=4).map(|line| row(7 + line, "c.jsonl.zst", line)));
    expected.push(read(12, "e.jsonl.ZST:1", "last"));
    for chunk in [1, 16, 1 << 20] {
        let sizes = Sizes { chunk, line: 1 << 20, skip: 1 << 20 };
        for rows in [1, 3, 100] {
            check_files(&config, sizes, rows, &expected);
        }
    }
}

#[test]
fn members_that_were_added_are_read_behind_what_was() {
    for (name, pack) in [("a.gz", gzip as Pack), ("a.zst", zstd as Pack)] {
        let (folder, config) = folder_of(name, &pack(content(2).as_bytes()));
        let end = end_of(&config);
        let mut file = fs::OpenOptions::new().append(true).open(folder.path().join(name)).unwrap();
        file.write_all(&pack(b"{\"id\":\"new\"}\n")).unwrap();
        let mut source = open_files(&config, Some(&end), SIZES).unwrap();
        let (rest, _) = read_files(&mut source, &budget(10));
        assert_eq!(rest, [read(3, &format!("{name}:3"), "new")]);
    }
}

#[test]
fn another_content_is_another_file_however_it_is_packed() {
    let (folder, config) = folder_of("a.gz", &gzip(content(5).as_bytes()));
    let mut source = open_files(&config, None, SIZES).unwrap();
    source.next(&budget(2)).unwrap();
    let within = source.position();
    let path = folder.path().join("a.gz");
    fs::write(&path, gzip(content(5).replace('0', "x").as_bytes())).unwrap();
    let error = open_files(&config, Some(&within), SIZES).unwrap_err();
    assert!(matches!(error, SourceError::Changed { line: 2, .. }), "{error}");
    fs::write(&path, gzip(content(1).as_bytes())).unwrap();
    let error = open_files(&config, Some(&within), SIZES).unwrap_err();
    assert!(matches!(error, SourceError::Shorter { .. }), "{error}");
    // Packed anew, with more in it.
    fs::write(&path, [gzip(content(2).as_bytes()), gzip(b"{\"id\":\"n\"}\n")].concat()).unwrap();
    let mut source = open_files(&config, Some(&within), SIZES).unwrap();
    assert_eq!(read_files(&mut source, &budget(10)).0, [read(3, "a.gz:3", "n")]);
}

#[test]
fn a_last_line_without_newline_halts_once_it_goes_on() {
    let (folder, config) = folder_of("a.gz", &gzip(b"{\"id\":\"a\"}"));
    let end = end_of(&config);
    let with = |content: &[u8]| {
        fs::write(folder.path().join("a.gz"), gzip(content)).unwrap();
        open_files(&config, Some(&end), SIZES)
    };
    assert!(with(b"{\"id\":\"a\"}").is_ok());
    let error = with(b"{\"id\":\"a\"}\n{}\n").unwrap_err();
    assert!(matches!(error, SourceError::LineWentOn { line: 1, whole: true, .. }), "{error}");
    let error = with(b"{\"id\":\"a\"}  ").unwrap_err();
    assert!(matches!(error, SourceError::LineWentOn { whole: false, .. }), "{error}");
}

#[test]
fn a_stream_that_breaks_off_halts_behind_the_rows_before_it() {
    let numbers: String = (0..20_000_u64)
        .map(|row| format!("{{\"id\":\"{:x}\"}}\n", row.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let (gz, zst) = (gzip(numbers.as_bytes()), zstd(numbers.as_bytes()));
    // Damage shows in gzip's checksum at the latest, and zstd need not have one.
    let mut damaged = gz.clone();
    for byte in &mut damaged[gz.len() / 2..][..8] {
        *byte ^= 0xff;
    }
    let broken =
        [("a.gz", &gz[..gz.len() / 2]), ("a.zst", &zst[..zst.len() / 2]), ("b.gz", &damaged[..])];
    for (name, content) in broken {
        let (_folder, config) = folder_of(name, content);
        let mut source = open_files(&config, None, Sizes { chunk: 256, ..SIZES }).unwrap();
        let mut rows = 0;
        let error = loop {
            match source.next(&budget(1_000)) {
                Ok(Next::Rows(batch)) => rows += batch.batch.rows,
                Ok(other) => panic!("it does not end: {other:?}"),
                Err(error) => break error,
            }
        };
        assert!(rows > 1_000, "{name}: {rows}");
        assert!(matches!(error, SourceError::Corrupt { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("`{name}` cannot be unpacked")), "{error}");
    }
}

#[test]
fn names_and_content_must_agree() {
    let open = |name: &str, content: &[u8], compression: Compression| {
        let (_folder, config) = folder_of(name, content);
        open_files(&FileConfig { compression, ..config }, None, SIZES).map(drop)
    };
    let (plain, gz, zst) = (content(1), gzip(b""), zstd(b""));
    assert!(open("a", &gz, Compression::Gzip).is_ok());
    assert!(open("a.gz", plain.as_bytes(), Compression::None).is_ok());
    for (name, content, compression) in [
        ("a.gz", plain.as_bytes(), Compression::Auto),
        ("a.zst", &gz[..], Compression::Auto),
        ("a.gz", &b""[..], Compression::Auto),
        ("a", plain.as_bytes(), Compression::Zstd),
    ] {
        let error = open(name, content, compression).unwrap_err();
        assert!(matches!(error, SourceError::NotCompressed { .. }), "{error}");
    }
    let error = open("a.jsonl", &zst, Compression::Auto).unwrap_err().to_string();
    assert!(error.ends_with("set compression = \"zstd\""), "{error}");
}
