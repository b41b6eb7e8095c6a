//! The transforms again, row by row and in plain Rust: what stages must come to.

use millrace::record::{DeadLetter, Operation, format_timestamp};
use millrace::stage::Missing;

use super::support::{NOW, Row};

/// Digits of a decimal that fits an `i64`.
const MOST: i128 = 999_999_999_999_999_999;

/// A row on its way: its members as JSON so far, without braces.
#[derive(Clone, Debug)]
pub(super) struct Made {
    row: Row,
    operation: Operation,
    members: String,
}

/// A row that was refused: position, stage, reason, column, input.
pub(super) type Letter = (String, String, String, Option<String>, String);

/// What becomes of a row.
pub(super) enum Verdict {
    /// It goes on with these members more.
    Keep(String),
    /// It is left out.
    Drop,
    /// It is refused: why, and by which column.
    Refuse(&'static str, Option<&'static str>),
}

/// The living rows as the source gave them.
pub(super) fn source(rows: &[Row]) -> Vec<Made> {
    let living = rows.iter().filter(|row| row.living);
    living
        .map(|row| Made { row: row.clone(), operation: row.operation, members: members(row) })
        .collect()
}

/// One stage over all rows.
pub(super) fn stage(
    name: &str,
    append_only: bool,
    rows: Vec<Made>,
    letters: &mut Vec<Letter>,
    verdict: impl Fn(&Row) -> Verdict,
) -> Vec<Made> {
    let mut out = Vec::new();
    for made in rows {
        if matches!(made.operation, Operation::Delete | Operation::Truncate) {
            out.push(made);
            continue;
        }
        match verdict(&made.row) {
            Verdict::Keep(more) => {
                out.push(Made { members: format!("{},{more}", made.members), ..made });
            }
            Verdict::Drop if made.operation == Operation::Update && !append_only => {
                out.push(Made { operation: Operation::Delete, ..made });
            }
            Verdict::Drop => {}
            Verdict::Refuse(reason, column) => letters.push((
                format!("test:{}", made.row.number),
                name.to_owned(),
                reason.to_owned(),
                column.map(str::to_owned),
                format!("{{{}}}", made.members),
            )),
        }
    }
    out
}

/// The rows as `support::shown` shows them.
pub(super) fn shown(rows: &[Made]) -> Vec<String> {
    let show = |made: &Made| {
        let (number, name) = (made.row.number, made.operation.name());
        match made.operation {
            Operation::Delete | Operation::Truncate => format!("{name} test:{number} {number}"),
            _ => format!("{name} test:{number} {{{}}}", made.members),
        }
    };
    rows.iter().map(show).collect()
}

/// Real dead letters to compare, by position: a join's come before the guest's.
pub(super) fn letters(real: Vec<DeadLetter>) -> Vec<Letter> {
    let letter = |letter: DeadLetter| {
        (letter.position, letter.stage, letter.reason, letter.column, letter.input)
    };
    sorted(real.into_iter().map(letter).collect())
}

/// Letters by position.
pub(super) fn sorted(mut letters: Vec<Letter>) -> Vec<Letter> {
    letters.sort();
    letters
}

/// `wager_revenue` with its default params.
pub(super) fn revenue(row: &Row) -> Verdict {
    let Some(version) = row.version.filter(|version| *version >= 1) else { return Verdict::Drop };
    if version > i64::from(i32::MAX) {
        return Verdict::Refuse("version exceeds an i32", Some("event_count"));
    }
    let net = match (row.bet, row.win) {
        (Some(bet), Some(win)) => Some(i128::from(bet) - i128::from(win)),
        _ => None,
    };
    if net.is_some_and(|net| net.abs() > MOST) {
        return Verdict::Refuse("decimal overflow", Some("net_amount"));
    }
    Verdict::Keep(format!(
        "\"is_completed\":{},\"event_count\":{version},\"net_amount\":{},\"processed_at\":\"{}\"",
        row.end.is_some(),
        decimal(net, 2),
        format_timestamp(NOW + row.number),
    ))
}

/// `rtp_enrichment` joined to the games that are known.
pub(super) fn rtp(row: &Row, missing: Missing) -> Verdict {
    let (provider, theory) = match row.game {
        Some("g-1") => ("\"Acme\"", Some(9_650)),
        Some("g-2") => ("null", None),
        _ => match missing {
            Missing::Null => ("null", None),
            Missing::Reject => {
                let reason = match row.game {
                    Some("g-9") => "no row of table `games` has game_id = \"g-9\"",
                    _ => "no row of table `games` has game_id = null",
                };
                return Verdict::Refuse(reason, None);
            }
            Missing::Drop => return Verdict::Drop,
        },
    };
    let rate = match (row.bet, row.win) {
        (Some(bet), Some(win)) if bet != 0 => Some(rounded(i128::from(win) * 10_000, bet.into())),
        _ => None,
    };
    if rate.is_some_and(|rate| rate.abs() > MOST) {
        return Verdict::Refuse("decimal overflow", Some("rtp"));
    }
    let difference = match (rate, theory) {
        (Some(rate), Some(theory)) => Some(rate - theory),
        _ => None,
    };
    if difference.is_some_and(|difference| difference.abs() > MOST) {
        return Verdict::Refuse("decimal overflow", Some("rtp_difference"));
    }
    Verdict::Keep(format!(
        "\"provider\":{provider},\"theoretical_rtp\":{},\"rtp\":{},\"rtp_difference\":{}",
        decimal(theory, 4),
        decimal(rate, 4),
        decimal(difference, 4),
    ))
}

/// A quotient, rounded half away from zero.
fn rounded(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    if rest.abs() * 2 < divisor.abs() {
        quotient
    } else {
        quotient + dividend.signum() * divisor.signum()
    }
}

/// The members of a wager as JSON.
fn members(row: &Row) -> String {
    let or_null = |text: Option<String>| text.unwrap_or_else(|| "null".to_owned());
    format!(
        "\"id\":{},\"game_id\":{},\"version\":{},\"total_bet\":{},\"total_win\":{},\"end_time\":{}",
        row.number,
        or_null(row.game.map(|game| format!("\"{game}\""))),
        or_null(row.version.map(|version| version.to_string())),
        decimal(row.bet.map(i128::from), 2),
        decimal(row.win.map(i128::from), 2),
        or_null(row.end.map(|end| format!("\"{}\"", format_timestamp(end)))),
    )
}

fn decimal(units: Option<i128>, scale: usize) -> String {
    let Some(units) = units else { return "null".to_owned() };
    let digits = format!("{:0width$}", units.abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{}{whole}.{fraction}", if units < 0 { "-" } else { "" })
}
