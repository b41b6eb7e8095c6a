//! The labels that may be open at the target, in a file: written down before they are used, so that
//! a restart finds and ends every transaction of a dead run. Plain loads, which commit by
//! themselves, are written down, too: one that a dead run has left under way must not land behind a
//! later change of its keys.
//!
//! The file is a list of lines in JSON that only grows, synced before a new label is used; opening
//! writes it anew, and so does a run in which it has become long. What stands behind the last line
//! break was cut off by a crash, before it could mean anything.
//!
//! *Invariants*: `run` rises with every opening; a label is in the file before the target hears of
//! it, and until its end is known; a table is in the file before the first row of this store is in
//! the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::checkpoint::sync_folder;
use crate::sink::SinkError;

const FILE: &str = "intents.jsonl";
/// Lines after which the file is written anew, so that a long run does not fill the disk.
const LINES_MAX: usize = 10_000;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Note {
    /// The number of the run.
    Run(u64),
    /// This incarnation of the store fills this table.
    Table(String),
    /// A label is about to be used for a table.
    Begin { label: String, table: String },
    /// The same, for a load that commits by itself.
    Send { label: String, table: String },
    /// Labels whose transactions have ended.
    End(Vec<String>),
}

/// The open labels of a sink. Both halves have it: one begins what the other ends.
#[derive(Debug)]
pub(in crate::sink::stream_load) struct Intents {
    sink: String,
    path: PathBuf,
    run: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    lines: usize,
    /// Whether a write failed half way: what comes behind it could not be read.
    broken: bool,
    /// Labels, each with its table.
    open: BTreeMap<String, String>,
    /// Labels of loads that commit by themselves, each with its table.
    sent: BTreeMap<String, String>,
    /// Labels that have ended, though the file does not say so yet.
    ended: Vec<String>,
    tables: BTreeSet<String>,
}

impl Intents {
    /// Opens the file of `folder`, which exists, and raises the run.
    pub(in crate::sink::stream_load) fn open(sink: &str, folder: &Path) -> Result<Self, SinkError> {
        let path = folder.join(FILE);
        let found = read(sink, &path)?;
        let run = found.run + 1;
        let (file, lines) = write(sink, &path, run, &found)?;
        let state = State {
            file,
            lines,
            broken: false,
            open: found.open,
            sent: found.sent,
            ended: Vec::new(),
            tables: found.tables,
        };
        Ok(Self { sink: sink.to_owned(), path, run, state: Mutex::new(state) })
    }

    /// The number of this run, from 1.
    pub(in crate::sink::stream_load) const fn run(&self) -> u64 {
        self.run
    }

    /// Writes down the labels that are about to be used, each with its table, and what has ended.
    pub(in crate::sink::stream_load) fn begin(
        &self,
        labels: &[(String, String)],
    ) -> Result<(), SinkError> {
        let mut state = self.state();
        let ended = std::mem::take(&mut state.ended);
        if labels.is_empty() && ended.is_empty() {
            return Ok(());
        }
        for (label, table) in labels {
            state.open.insert(label.clone(), table.clone());
        }
        if state.lines >= LINES_MAX {
            return self.rewrite(&mut state);
        }
        let mut notes = Vec::with_capacity(labels.len() + 1);
        if !ended.is_empty() {
            notes.push(Note::End(ended));
        }
        notes.extend(
            labels
                .iter()
                .map(|(label, table)| Note::Begin { label: label.clone(), table: table.clone() }),
        );
        self.append(&mut state, &notes)
    }

    /// Writes down the label of a load that is about to be sent and commits by itself, and what has
    /// ended.
    pub(in crate::sink::stream_load) fn send(
        &self,
        label: &str,
        table: &str,
    ) -> Result<(), SinkError> {
        let mut state = self.state();
        let ended = std::mem::take(&mut state.ended);
        state.sent.insert(label.to_owned(), table.to_owned());
        if state.lines >= LINES_MAX {
            return self.rewrite(&mut state);
        }
        let nothing_ended = ended.is_empty();
        let send = Note::Send { label: label.to_owned(), table: table.to_owned() };
        let notes = [Note::End(ended), send];
        self.append(&mut state, &notes[usize::from(nothing_ended)..])
    }

    /// Takes note that a label's transaction has ended. The file says so from the next label on.
    pub(in crate::sink::stream_load) fn ended(&self, label: &str) {
        let mut state = self.state();
        if state.open.remove(label).or_else(|| state.sent.remove(label)).is_some() {
            state.ended.push(label.to_owned());
        }
    }

    /// The labels that may be open, each with its table.
    pub(in crate::sink::stream_load) fn all(&self) -> Vec<(String, String)> {
        list(&self.state().open)
    }

    /// The labels of loads that commit by themselves and may be under way, each with its table.
    pub(in crate::sink::stream_load) fn sent(&self) -> Vec<(String, String)> {
        list(&self.state().sent)
    }

    /// Forgets every label: all of them have ended.
    pub(in crate::sink::stream_load) fn forget(&self) -> Result<(), SinkError> {
        let mut state = self.state();
        state.open.clear();
        state.sent.clear();
        state.ended.clear();
        self.rewrite(&mut state)
    }

    /// Whether this store fills the table already.
    pub(in crate::sink::stream_load) fn fills(&self, table: &str) -> bool {
        self.state().tables.contains(table)
    }

    /// Writes down that this store fills the table.
    pub(in crate::sink::stream_load) fn note_table(&self, table: &str) -> Result<(), SinkError> {
        let mut state = self.state();
        if !state.tables.insert(table.to_owned()) {
            return Ok(());
        }
        self.append(&mut state, &[Note::Table(table.to_owned())])
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, state: &mut State, notes: &[Note]) -> Result<(), SinkError> {
        if state.broken {
            return self.rewrite(state);
        }
        let text = lines(notes);
        state.broken = true;
        state
            .file
            .write_all(text.as_bytes())
            .and_then(|()| state.file.sync_data())
            .map_err(SinkError::io(&self.sink, "write", &self.path))?;
        state.broken = false;
        state.lines += notes.len();
        Ok(())
    }

    fn rewrite(&self, state: &mut State) -> Result<(), SinkError> {
        let State { tables, open, sent, .. } = &*state;
        let (tables, open, sent) = (tables.clone(), open.clone(), sent.clone());
        let said = Found { run: self.run, tables, open, sent };
        let (file, lines) = write(&self.sink, &self.path, self.run, &said)?;
        (state.file, state.lines, state.broken) = (file, lines, false);
        Ok(())
    }
}

/// What a file says.
#[derive(Default)]
struct Found {
    run: u64,
    tables: BTreeSet<String>,
    open: BTreeMap<String, String>,
    sent: BTreeMap<String, String>,
}

fn list(labels: &BTreeMap<String, String>) -> Vec<(String, String)> {
    labels.iter().map(|(label, table)| (label.clone(), table.clone())).collect()
}

fn read(sink: &str, path: &Path) -> Result<Found, SinkError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::default()),
        Err(error) => return Err(SinkError::io(sink, "read", path)(error)),
    };
    let mut found = Found::default();
    let mut torn = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        // Without its line break, even a line that reads well may be half of another.
        let text = line.strip_suffix(b"\n").unwrap_or_default();
        match serde_json::from_slice(text) {
            Err(error) => torn = torn.or(Some(error)),
            Ok(note) => match torn {
                None => found.note(note),
                // A crash leaves nothing that can be read behind what cannot.
                Some(source) => {
                    let (sink, path) = (sink.to_owned(), path.to_owned());
                    return Err(SinkError::NoteDamaged { sink, path, source });
                }
            },
        }
    }
    Ok(found)
}

impl Found {
    fn note(&mut self, note: Note) {
        match note {
            Note::Run(run) => self.run = self.run.max(run),
            Note::Table(table) => drop(self.tables.insert(table)),
            Note::Begin { label, table } => drop(self.open.insert(label, table)),
            Note::Send { label, table } => drop(self.sent.insert(label, table)),
            Note::End(labels) => {
                for label in labels {
                    self.open.remove(&label);
                    self.sent.remove(&label);
                }
            }
        }
    }
}

/// Writes the file anew with what it said, and answers it, open at its end, with its number of
/// lines.
fn write(
    sink: &str,
    path: &Path,
    run: u64,
    Found { tables, open, sent, .. }: &Found,
) -> Result<(File, usize), SinkError> {
    let mut notes = vec![Note::Run(run)];
    notes.extend(tables.iter().cloned().map(Note::Table));
    notes.extend(list(open).into_iter().map(|(label, table)| Note::Begin { label, table }));
    notes.extend(list(sent).into_iter().map(|(label, table)| Note::Send { label, table }));
    let unfinished = path.with_extension("tmp");
    let io = |action| SinkError::io(sink, action, path);
    let mut file = File::create(&unfinished).map_err(io("create"))?;
    file.write_all(lines(&notes).as_bytes()).map_err(io("write"))?;
    file.sync_all().map_err(io("sync"))?;
    fs::rename(&unfinished, path).map_err(io("rename"))?;
    if let Some(folder) = path.parent() {
        sync_folder(folder).map_err(io("sync"))?;
    }
    let file = OpenOptions::new().append(true).open(path).map_err(io("open"))?;
    Ok((file, notes.len()))
}

fn lines(notes: &[Note]) -> String {
    let mut text = String::new();
    for note in notes {
        text.push_str(&serde_json::to_string(note).expect("numbers and texts are JSON"));
        text.push('\n');
    }
    text
}
