//! Where records end, found without reading their fields.

use memchr::{memchr, memchr2, memrchr};

const BYTE_ORDER_MARK: &[u8; 3] = b"\xef\xbb\xbf";

/// What the next byte means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The input begins; so many bytes of a byte order mark have passed.
    Mark(usize),
    /// A field begins.
    Field,
    /// Within a field without quotes.
    Plain,
    /// Within quotes.
    Quoted,
    /// Right behind a quote within quotes: the last one, or the first of two.
    Quote,
}

/// Finds the ends of records in an input that comes piece by piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordEnds {
    delimiter: u8,
    state: State,
}

impl RecordEnds {
    /// Stands in front of an input's first byte.
    #[must_use]
    pub fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::Mark(0) }
    }

    /// Stands in front of a record that is not the input's first.
    #[must_use]
    pub fn between_records(delimiter: u8) -> Self {
        Self { delimiter, state: State::Field }
    }

    /// Passes over the next bytes of the input; where the last record that ends among them has
    /// ended, its line end included.
    pub fn last(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.is_unquoted() && memchr(b'"', bytes).is_none() {
            self.state = match bytes.last() {
                None => self.state,
                Some(last) if *last == b'\n' || *last == self.delimiter => State::Field,
                Some(_) => State::Plain,
            };
            return memrchr(b'\n', bytes).map(|end| end + 1);
        }
        let (mut at, mut end) = (0, None);
        while at < bytes.len() {
            let ended;
            (at, ended) = self.step(bytes, at);
            if ended {
                end = Some(at);
            }
        }
        end
    }

    /// Passes over the next bytes up to the first record's end among them, and answers where that
    /// is, its line end included; over all of them if there is none.
    pub fn first(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let ended;
            (at, ended) = self.step(bytes, at);
            if ended {
                return Some(at);
            }
        }
        None
    }

    /// Whether no quote is open, and none can be half of one.
    fn is_unquoted(&self) -> bool {
        matches!(self.state, State::Field | State::Plain)
    }

    /// Passes over one byte at `at`, or all up to the next that matters; where that leads, and
    /// whether a record has ended there.
    fn step(&mut self, bytes: &[u8], at: usize) -> (usize, bool) {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(&byte) = rest.first() else { return (bytes.len(), false) };
        match self.state {
            State::Mark(passed) if BYTE_ORDER_MARK.get(passed) == Some(&byte) => {
                let passed = passed + 1;
                self.state =
                    if passed < BYTE_ORDER_MARK.len() { State::Mark(passed) } else { State::Field };
                (at + 1, false)
            }
            // The byte is looked at again, in its own right.
            State::Mark(0) => {
                self.state = State::Field;
                (at, false)
            }
            State::Mark(_) => {
                self.state = State::Plain;
                (at, false)
            }
            State::Field if byte == b'"' => {
                self.state = State::Quoted;
                (at + 1, false)
            }
            State::Quote if byte == b'"' => {
                self.state = State::Quoted;
                (at + 1, false)
            }
            State::Field | State::Quote if byte != self.delimiter && byte != b'\n' => {
                self.state = State::Plain;
                (at + 1, false)
            }
            State::Field | State::Quote | State::Plain => {
                match memchr2(self.delimiter, b'\n', rest) {
                    Some(found) => {
                        self.state = State::Field;
                        (at + found + 1, rest.get(found) == Some(&b'\n'))
                    }
                    None => (bytes.len(), false),
                }
            }
            State::Quoted => match memchr(b'"', rest) {
                Some(found) => {
                    self.state = State::Quote;
                    (at + found + 1, false)
                }
                None => (bytes.len(), false),
            },
        }
    }
}
