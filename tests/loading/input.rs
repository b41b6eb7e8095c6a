//! Changes of a made-up table as Debezium messages, and the table that they come to by a model that
//! takes them one by one.

use std::collections::BTreeMap;
use std::fmt::Write;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// What Debezium writes for a large value that an update does not change.
const UNAVAILABLE: &str = "__debezium_unavailable_value";

/// Words that bodies must carry unharmed.
const WORDS: [&str; 8] =
    ["plain", "", "two\\nlines", "a \\\"quote\\\"", "back\\\\slash", "tab\\t", "ümläut €", "\\\\N"];

/// One row of the table, as the target shows it; `None` is null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub amount: Option<String>,
    pub name: Option<String>,
    pub note: String,
    pub active: bool,
}

/// The messages, and what the table holds behind them.
pub struct Changes {
    pub lines: String,
    /// By id.
    pub table: BTreeMap<i64, Row>,
}

/// A word as JSON writes it, and as it is.
fn word(random: &mut StdRng) -> (String, String) {
    let escaped = WORDS[random.random_range(0..WORDS.len())];
    let number: u16 = random.random();
    let text = format!("{escaped}{number}");
    let plain: String = serde_json::from_str(&format!("\"{text}\"")).expect("a string");
    (text, plain)
}

fn values(random: &mut StdRng) -> (Row, String, String) {
    let amount = random.random_bool(0.9).then(|| {
        format!("{}.{:02}", random.random_range(-9999..9999), random.random_range(0..100))
    });
    let (name_text, name) = word(random);
    let has_name = random.random_bool(0.9);
    let (note_text, note) = word(random);
    let active = random.random();
    let quoted = |text: &str| format!("\"{text}\"");
    let fields = format!(
        "\"amount\":{},\"name\":{},\"active\":{active}",
        amount.as_deref().map_or("null".to_owned(), quoted),
        if has_name { quoted(&name_text) } else { "null".to_owned() },
    );
    // A negative number below one has its sign before the zero.
    let amount = amount.map(|digits| if digits == "-0.00" { "0.00".to_owned() } else { digits });
    let row = Row { amount, name: has_name.then_some(name), note, active };
    (row, fields, note_text)
}

impl Changes {
    /// `count` changes of a table: inserts, updates (of which some leave the note out, if
    /// `unchanged`), deletes and new rows under old keys.
    pub fn random(seed: u64, count: usize, unchanged: bool) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut changes = Self { lines: String::new(), table: BTreeMap::new() };
        let mut next = 1;
        for place in 0..count {
            let some = changes.some_id(&mut random);
            match (some, random.random_range(0..10)) {
                (Some(id), 0..4) => changes.update(place, id, unchanged, &mut random),
                (Some(id), 4..5) => changes.delete(place, id),
                _ => {
                    // Now and then a key comes back that was deleted.
                    let id = if random.random_bool(0.1) { next / 2 + 1 } else { next };
                    let id = if changes.table.contains_key(&id) { next } else { id };
                    next = next.max(id + 1);
                    changes.insert(place, id, &mut random);
                }
            }
        }
        changes
    }

    /// Inserts alone.
    pub fn inserts(seed: u64, count: usize) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut changes = Self { lines: String::new(), table: BTreeMap::new() };
        for place in 0..count {
            changes.insert(place, i64::try_from(place).expect("small") + 1, &mut random);
        }
        changes
    }

    fn some_id(&self, random: &mut StdRng) -> Option<i64> {
        let ids = self.table.len();
        if ids == 0 {
            return None;
        }
        // Mostly one of the last few, so that one checkpoint has several changes of a key.
        let back = if random.random_bool(0.7) { ids.min(8) } else { ids };
        self.table.keys().rev().nth(random.random_range(0..back)).copied()
    }

    fn message(&mut self, place: usize, op: char, before: &str, after: &str) {
        let lsn = 1000 + place;
        writeln!(
            self.lines,
            "{{\"before\":{before},\"after\":{after},\"op\":\"{op}\",\
             \"source\":{{\"connector\":\"postgresql\",\"lsn\":{lsn},\"schema\":\"public\",\"table\":\"bets\",\
             \"ts_ms\":1700000000000}},\"ts_ms\":1700000000000}}"
        )
        .expect("a text grows");
    }

    fn insert(&mut self, place: usize, id: i64, random: &mut StdRng) {
        let (row, fields, note) = values(random);
        let after = format!("{{\"id\":{id},{fields},\"note\":\"{note}\"}}");
        self.message(place, 'c', "null", &after);
        self.table.insert(id, row);
    }

    fn update(&mut self, place: usize, id: i64, unchanged: bool, random: &mut StdRng) {
        let (mut row, fields, note) = values(random);
        let keeps = unchanged && random.random_bool(0.5);
        if keeps {
            row.note.clone_from(&self.table[&id].note);
        }
        let note = if keeps { UNAVAILABLE } else { note.as_str() };
        let after = format!("{{\"id\":{id},{fields},\"note\":\"{note}\"}}");
        self.message(place, 'u', "null", &after);
        self.table.insert(id, row);
    }

    fn delete(&mut self, place: usize, id: i64) {
        let before = format!("{{\"id\":{id}}}");
        self.message(place, 'd', &before, "null");
        self.table.remove(&id);
    }
}
