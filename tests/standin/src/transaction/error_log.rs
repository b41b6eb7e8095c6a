//! The logs of refused rows, kept for two days.

use std::collections::VecDeque;

use crate::world::System;

/// How many rows a log holds.
const ROWS: usize = 50;
/// How many logs are kept.
const LOGS: usize = 1000;
/// For how long a log is kept.
const KEPT_MS: i64 = 48 * 3_600_000;

/// The logs, oldest first.
#[derive(Debug, Default)]
pub(super) struct ErrorLogs(VecDeque<Log>);

#[derive(Debug)]
struct Log {
    file: String,
    text: String,
    until_ms: i64,
}

impl ErrorLogs {
    /// Writes a log and returns its name. `rows` are texts and reasons.
    pub(super) fn write(
        &mut self,
        system: System,
        rows: &[(String, String)],
        now_ms: i64,
    ) -> String {
        let number: u128 = rand::random();
        let (high, low) = ((number >> 64) as u64, number as u64);
        let file = match system {
            System::StarRocks => format!("error_log_{high:x}_{low:x}"),
            System::Doris => format!("__shard_0/error_log_insert_stmt_{high:x}-{low:x}"),
        };
        let lines = rows.iter().take(ROWS).map(|(row, reason)| match system {
            System::StarRocks => format!("Error: {reason}. Row: {row}\n"),
            System::Doris => format!("Reason: {reason}. src line [{row}]; \n"),
        });
        let text = lines.collect();
        self.0.push_back(Log {
            file: file.clone(),
            text,
            until_ms: now_ms.saturating_add(KEPT_MS),
        });
        if self.0.len() > LOGS {
            self.0.pop_front();
        }
        file
    }

    /// The lines of a log.
    pub(super) fn read(&self, file: &str, now_ms: i64) -> Option<String> {
        let log = self.0.iter().find(|log| log.file == file && log.until_ms > now_ms)?;
        Some(log.text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_kept_for_two_days_and_holds_the_first_rows() {
        let mut logs = ErrorLogs::default();
        let rows: Vec<_> = (0..60).map(|n| (format!("[{n}]"), "too long".to_owned())).collect();
        let file = logs.write(System::StarRocks, &rows, 0);
        let text = logs.read(&file, KEPT_MS - 1).unwrap();
        assert_eq!(text.lines().next(), Some("Error: too long. Row: [0]"));
        assert_eq!(text.lines().count(), ROWS);
        assert_eq!(logs.read(&file, KEPT_MS), None);
        assert_eq!(logs.read("other", 0), None);
    }

    #[test]
    fn old_logs_give_way() {
        let mut logs = ErrorLogs::default();
        let first = logs.write(System::Doris, &[], 0);
        for _ in 0..LOGS {
            logs.write(System::Doris, &[], 0);
        }
        assert_eq!(logs.read(&first, 0), None);
    }
}
