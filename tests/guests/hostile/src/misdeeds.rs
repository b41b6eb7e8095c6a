//! Answers that are right but for one thing.

use crate::bindings::millrace::transform::host::{self, Place, TimerPlace};
use crate::bindings::millrace::transform::types::{
    Column, Emitted, Fired, Images, Mapped, Outcome, Output, Rejection, StateChunk, Times, Values,
    Varying,
};

/// Goes on for ever.
pub(crate) fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        // Kept from being seen as a loop that does nothing.
        turns = std::hint::black_box(turns.wrapping_add(1));
    }
}

/// Deeds that never come to an answer.
pub(crate) fn commit(misdeed: &str, row: u32) {
    match misdeed {
        "trap" => {
            host::panicked(&Place::Row(row), "this row is poison");
            unreachable!("the host was told of row {row}");
        }
        "trap: timer" => {
            let timer = TimerPlace { time: 42, key: b"key".to_vec() };
            host::panicked(&Place::Timer(timer), "this timer is poison");
            unreachable!("the host was told of the timer");
        }
        "trap: elsewhere" => {
            host::panicked(&Place::Elsewhere, "this is poison");
            unreachable!("the host was told of no row");
        }
        "trap: silent" => panic!("nobody tells the host"),
        "loop" => spin(),
        "grow" | "open: grow" => grow(),
        "recurse" => {
            std::hint::black_box(recurse(std::hint::black_box(1)));
        }
        "count: trap" => {
            host::count("rows_seen", 1);
            panic!("after having counted");
        }
        _ => {}
    }
}

/// Takes memory until there is none.
fn grow() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
}

fn recurse(depth: u64) -> u64 {
    if depth == 0 {
        return 0;
    }
    std::hint::black_box(recurse(std::hint::black_box(depth + 1))).wrapping_add(depth)
}

/// The answer to a batch of `rows` rows.
pub(crate) fn answer(misdeed: &str, row: u32, rows: usize) -> Outcome {
    let mut columns = columns(rows);
    let mut rejected = Vec::new();
    spoil(misdeed, &mut columns);
    match misdeed {
        "columns" => columns.truncate(2),
        "row" => rejected.push(rejection(rows as u32)),
        "row: twice" => rejected = vec![rejection(row), rejection(row)],
        "reason" => rejected.push(unreadable(row)),
        _ => {}
    }
    let kept = match misdeed {
        "kept: short" => Some(Vec::new()),
        "kept: tail" => Some(vec![u8::MAX; rows.div_ceil(8)]),
        _ => None,
    };
    let emits = misdeed.starts_with("emit") != misdeed.ends_with(": mode");
    let output = if emits {
        Output::Emitted(vec![emitted(misdeed, columns, rows)])
    } else {
        let before = (misdeed == "unasked before")
            .then(|| Images { kept: None, columns: self::columns(rows) });
        Output::Mapped(Mapped { after: Images { kept, columns }, before })
    };
    Outcome { output, rejected }
}

/// The right columns: `n` counts, `t` is `x`, `d` is 12.34.
fn columns(rows: usize) -> Vec<Column> {
    let column = |values| Column { values, validity: None, unchanged: None };
    vec![
        column(Values::Int64s((0..rows as i64).collect())),
        column(Values::Varying(Varying {
            offsets: (0..=rows as i32).collect(),
            bytes: vec![b'x'; rows],
        })),
        column(Values::Int64s(vec![1234; rows])),
    ]
}

fn spoil(misdeed: &str, columns: &mut [Column]) {
    let misdeed = misdeed.strip_prefix("emit: ").unwrap_or(misdeed);
    match (misdeed, &mut columns[1].values) {
        ("offsets: short", Values::Varying(texts)) => texts.offsets.truncate(1),
        ("offsets: start", Values::Varying(texts)) => texts.offsets[0] = 1,
        ("offsets: fall", Values::Varying(texts)) => texts.offsets[1] = 1_000,
        ("offsets: end", Values::Varying(texts)) => texts.bytes.push(b'x'),
        ("utf8", Values::Varying(texts)) => texts.bytes[0] = 0xff,
        _ => {}
    }
    let rows = columns[1].values.rows();
    match misdeed {
        "short" => columns[0].values = Values::Int64s(vec![0; rows.saturating_sub(1)]),
        "carrier" => columns[0].values = Values::Int32s(vec![0; rows]),
        "null" => columns[0].validity = Some(vec![0; rows.div_ceil(8)]),
        "validity" => columns[1].validity = Some(vec![0; rows.div_ceil(8) + 1]),
        "unchanged" => columns[1].unchanged = Some(vec![u8::MAX; rows.div_ceil(8)]),
        "range" => columns[2].values = Values::Int64s(vec![10_000; rows]),
        "flood" => columns[0].values = Values::Int64s(vec![0; 1 << 20]),
        _ => {}
    }
}

impl Values {
    /// The rows of a column of texts that may be spoilt already.
    fn rows(&self) -> usize {
        match self {
            Values::Varying(texts) => texts.bytes.len(),
            _ => 0,
        }
    }
}

fn emitted(misdeed: &str, columns: Vec<Column>, rows: usize) -> Emitted {
    let times = |time| Times { values: vec![time; rows], validity: None };
    Emitted {
        port: if misdeed == "emit: port" { 7 } else { 0 },
        rows: match misdeed {
            "emit: rows" => rows as u32 + 1,
            // No byte for any of them.
            "emit: many" => 1 << 24,
            _ => rows as u32,
        },
        columns,
        operations: match misdeed {
            "emit: operation" => Some(vec![5; rows]),
            "emit: operations" => Some(Vec::new()),
            _ => None,
        },
        event_times: match misdeed {
            "emit: time" => Some(times(i64::MAX)),
            "emit: times" => Some(Times { values: Vec::new(), validity: None }),
            _ => None,
        },
    }
}

/// The answer to a watermark or a tick.
pub(crate) fn fired(misdeed: &str) -> Fired {
    let emitted = match misdeed {
        "emit: many" => vec![emitted(misdeed, columns(3), 3)],
        _ => Vec::new(),
    };
    Fired { emitted, more: false, next_tick: None }
}

fn rejection(row: u32) -> Rejection {
    Rejection { row, reason: "no reason".to_owned(), column: None }
}

/// A rejection whose reason is no UTF-8, which no honest Rust could make.
#[expect(unsafe_code, reason = "guests in other languages can do this, so the host must stand it")]
fn unreadable(row: u32) -> Rejection {
    // SAFETY: there is none, which is the point; the text is handed over without being looked at.
    let reason = unsafe { String::from_utf8_unchecked(vec![0xff, 0xfe]) };
    Rejection { row, reason, column: None }
}

/// A chunk of one entry that is right but for one thing.
pub(crate) fn chunk(misdeed: &str) -> StateChunk {
    let varying =
        |bytes: &[u8]| Varying { offsets: vec![0, bytes.len() as i32], bytes: bytes.to_vec() };
    let mut chunk = StateChunk {
        states: vec![0],
        groups: vec![1],
        keys: varying(b"key"),
        sub_keys: varying(&[0; 8]),
        actions: vec![0],
        values: varying(b""),
        more: false,
    };
    match misdeed {
        "save: loop" => spin(),
        "save: state" => chunk.states[0] = 9,
        "save: group" => chunk.groups[0] = 1_024,
        "save: action" => chunk.actions[0] = 3,
        "save: timer" => chunk.sub_keys = varying(b"short"),
        "save: broadcast" => chunk.states[0] = 1,
        "save: length" => chunk.groups.clear(),
        "save: offsets" => chunk.keys.offsets[1] = 2,
        _ => {}
    }
    chunk
}
