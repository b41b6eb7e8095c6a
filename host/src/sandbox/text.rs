//! Words of guests: cut to what errors and logs should carry, and kept on one line of the log.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a log line, a message or a reason that are kept.
pub(super) const MAX_TEXT: usize = 4 << 10;

/// Bytes of a name.
pub(super) const MAX_NAME: usize = 256;

/// Lines that one call may log.
pub(super) const MAX_LINES: u64 = 100;

/// The beginning of a text, `max` bytes or less, cut between characters.
pub(super) fn clip(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// The beginning of a text, in memory of its own size.
pub(super) fn clipped(text: String, max: usize) -> String {
    if text.len() > max { clip(&text, max).to_owned() } else { text }
}

/// What a line of the log takes of a text: its beginning, with all that could end the line or steer
/// a terminal escaped, so that no guest writes lines that look like the host's.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    let text = clip(text, MAX_TEXT).trim_end();
    let steers = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers(c) { line.extend(c.escape_default()) } else { line.push(c) }
    }
    Cow::Owned(line)
}

/// The lines that an instance logs in one call, however it does so.
#[derive(Debug, Default)]
pub(super) struct LineBudget(AtomicU64);

impl LineBudget {
    /// Counts a line; whether it may be logged.
    pub(super) fn take(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) < MAX_LINES
    }

    /// Starts anew, and answers how many lines were too many.
    pub(super) fn renew(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed).saturating_sub(MAX_LINES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "é".repeat(MAX_TEXT);
        assert_eq!(clip(&long, MAX_TEXT).len(), MAX_TEXT);
        assert_eq!(clipped(format!("a{long}"), MAX_TEXT).len(), MAX_TEXT - 1);
        assert_eq!(clipped("short".to_owned(), MAX_TEXT), "short");
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(one_line("häuser {} \"x\"\n"), "häuser {} \"x\"");
        assert_eq!(one_line("a\r\nb\u{1b}[2Jc\u{2028}d"), "a\\r\\nb\\u{1b}[2Jc\\u{2028}d");
    }

    #[test]
    fn what_is_beyond_the_budget_is_counted() {
        let budget = LineBudget::default();
        let allowed = (0..MAX_LINES + 7).filter(|_| budget.take()).count();
        assert_eq!(allowed as u64, MAX_LINES);
        assert_eq!(budget.renew(), 7);
        assert!(budget.take());
        assert_eq!(budget.renew(), 0);
    }
}
