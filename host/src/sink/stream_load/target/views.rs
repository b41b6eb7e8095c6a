//! The statements that make the views of a wagers dashboard over a sink's table: revenue by hour
//! and by day and game, return to player by game, and segments of players. Each as a view, and as a
//! materialised one that the target refreshes.
//!
//! *Invariants*: money is summed as decimals; running the statements twice does nothing.

use super::column_type::{ColumnType, column_type};
use super::ddl::replicas;
use super::mapping::is_key;
use super::sql;
use crate::record::{DataType, Schema};
use crate::sink::stream_load::config::{Deletes, StreamLoadConfig, System};
use crate::sink::stream_load::error::StreamLoadError;

/// Columns that say when a wager was, in the order of preference.
const TIMES: [&str; 6] =
    ["end_time", "last_update_time", "event_time", "begin_time", "processed_at", "op_time"];
/// How often a materialised view is made anew.
const REFRESH_MINUTES: u32 = 5;
/// From which sum of bets on a player is in which segment.
const SEGMENTS: [(&str, u32); 2] = [("high", 10_000), ("regular", 1_000)];
/// The segment of all other players.
const LOWEST_SEGMENT: &str = "casual";
/// Digits of a return to player behind the point.
const RTP_DIGITS: u32 = 6;

/// One view: what its name ends with, what it is for, what it groups by, whether that is text of
/// any length, and the query.
struct View {
    suffix: &'static str,
    comment: &'static str,
    group: &'static str,
    is_text: bool,
    query: String,
}

/// The statements that make the views, in order.
///
/// # Errors
/// [`StreamLoadError::Unfit`] if the input lacks columns that they need; each is named.
pub(in crate::sink::stream_load) fn views(
    config: &StreamLoadConfig,
    schema: &Schema,
    table: &str,
) -> Result<Vec<String>, StreamLoadError> {
    let columns = Columns::of(config, schema)
        .map_err(|differences| StreamLoadError::Unfit { table: table.to_owned(), differences })?;
    let from = sql::table_name(&config.database, table);
    let all = [
        columns.revenue("hour", &from),
        columns.revenue("day", &from),
        columns.rtp(&from),
        columns.segments(&from),
    ];
    let plain = all.iter().map(|view| plain(config, table, view));
    let materialised = all.iter().map(|view| materialised(config, table, view));
    Ok(plain.chain(materialised).collect())
}

fn plain(config: &StreamLoadConfig, table: &str, view: &View) -> String {
    let name = sql::table_name(&config.database, &format!("{table}_{}", view.suffix));
    format!(
        "CREATE VIEW IF NOT EXISTS {name}\nCOMMENT {}\nAS {}",
        sql::text(view.comment),
        view.query
    )
}

fn materialised(config: &StreamLoadConfig, table: &str, view: &View) -> String {
    let name = sql::table_name(&config.database, &format!("{table}_{}_mv", view.suffix));
    let mut statement = format!("CREATE MATERIALIZED VIEW IF NOT EXISTS {name}\n");
    let comment = sql::text(view.comment);
    let distributed = if view.is_text && config.system == System::Doris {
        // Doris distributes by no STRING, which is what text is there.
        "DISTRIBUTED BY RANDOM".to_owned()
    } else {
        format!("DISTRIBUTED BY HASH{}", sql::names([view.group]))
    };
    statement.push_str(&match config.system {
        System::StarRocks => format!(
            "COMMENT {comment}\n{distributed}\n\
             REFRESH ASYNC EVERY (INTERVAL {REFRESH_MINUTES} MINUTE)\n"
        ),
        System::Doris => format!(
            "BUILD IMMEDIATE REFRESH COMPLETE ON SCHEDULE EVERY {REFRESH_MINUTES} MINUTE\n\
             COMMENT {comment}\n{distributed} BUCKETS AUTO\n"
        ),
    });
    if let Some(replicas) = replicas(config, 0) {
        let property = sql::text("replication_num");
        statement.push_str(&format!("PROPERTIES ({property} = \"{replicas}\")\n"));
    }
    statement.push_str("AS ");
    statement.push_str(&view.query);
    statement
}

/// The columns of the input that the views are made of, as SQL names them.
struct Columns {
    system: System,
    game: String,
    user: String,
    bet: String,
    win: String,
    net: String,
    time: String,
    /// Whether games and users are text of any length.
    is_text: [bool; 2],
    /// Which rows count, as a WHERE clause; may be empty.
    filter: String,
}

impl Columns {
    fn of(config: &StreamLoadConfig, schema: &Schema) -> Result<Self, Vec<String>> {
        let (mut lacks, mut missing) = (Vec::new(), Vec::new());
        let mut column = |name: &str, money: bool| {
            let field = schema.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
            match field.map(|field| field.data_type) {
                None => missing.push(format!("`{name}`")),
                Some(DataType::Decimal { .. }) if money => {}
                Some(other) if money => lacks
                    .push(format!("the views sum `{name}`, which is {other} and not a decimal")),
                Some(_) => {}
            }
            sql::name(name)
        };
        let (game, user) = (column("game_id", false), column("user_id", false));
        let [bet, win, net] =
            ["total_bet", "total_win", "net_amount"].map(|name| column(name, true));
        let time = time(schema).map(sql::name);
        if time.is_none() {
            missing.push(format!("a timestamp, such as `{}`", TIMES[0]));
        }
        if !missing.is_empty() {
            lacks.insert(
                0,
                format!("the views need what the input does not have: {}", missing.join(", ")),
            );
        }
        match time {
            Some(time) if lacks.is_empty() => Ok(Self {
                system: config.system,
                game,
                user,
                bet,
                win,
                net,
                time,
                is_text: ["game_id", "user_id"].map(|name| is_text(config, schema, name)),
                filter: filter(config, schema),
            }),
            _ => Err(lacks),
        }
    }

    /// The start of the hour or day.
    fn start(&self, unit: &str) -> String {
        match self.system {
            System::StarRocks => format!("date_trunc('{unit}', {})", self.time),
            System::Doris => format!("date_trunc({}, '{unit}')", self.time),
        }
    }

    fn revenue(&self, unit: &'static str, from: &str) -> View {
        let Self { game, bet, win, net, filter, .. } = self;
        let start = self.start(unit);
        let (suffix, comment) = match unit {
            "hour" => ("revenue_hourly", "platform revenue by hour and game, UTC"),
            _ => ("revenue_daily", "platform revenue by day and game, UTC"),
        };
        let query = format!(
            "SELECT\n  {start} AS `{unit}_start`,\n  {game},\n  COUNT(*) AS `wager_count`,\n  \
             SUM({bet}) AS `total_bet`,\n  SUM({win}) AS `total_win`,\n  \
             SUM({net}) AS `platform_revenue`\nFROM {from}\n{filter}GROUP BY {start}, {game}"
        );
        View { suffix, comment, group: "game_id", is_text: self.is_text[0], query }
    }

    fn rtp(&self, from: &str) -> View {
        let Self { game, bet, win, net, filter, .. } = self;
        let query = format!(
            "SELECT\n  {game},\n  COUNT(*) AS `wager_count`,\n  SUM({bet}) AS `total_bet`,\n  \
             SUM({win}) AS `total_win`,\n  SUM({net}) AS `platform_revenue`,\n  \
             ROUND(SUM({win}) / NULLIF(SUM({bet}), 0), {RTP_DIGITS}) AS `rtp`\n\
             FROM {from}\n{filter}GROUP BY {game}"
        );
        View {
            suffix: "rtp",
            comment: "return to player by game",
            group: "game_id",
            is_text: self.is_text[0],
            query,
        }
    }

    fn segments(&self, from: &str) -> View {
        let Self { user, bet, win, net, time, filter, .. } = self;
        let mut cases = String::new();
        for (segment, least) in SEGMENTS {
            cases.push_str(&format!(" WHEN SUM({bet}) >= {least} THEN '{segment}'"));
        }
        let query = format!(
            "SELECT\n  {user},\n  COUNT(*) AS `wager_count`,\n  SUM({bet}) AS `total_bet`,\n  \
             SUM({win}) AS `total_win`,\n  SUM({net}) AS `platform_revenue`,\n  \
             MAX({time}) AS `last_seen`,\n  CASE{cases} ELSE '{LOWEST_SEGMENT}' END AS `segment`\n\
             FROM {from}\n{filter}GROUP BY {user}"
        );
        View {
            suffix: "player_segments",
            comment: "players by what they bet",
            group: "user_id",
            is_text: self.is_text[1],
            query,
        }
    }
}

/// Whether a column is text without a length in the table: one of the key has a length.
fn is_text(config: &StreamLoadConfig, schema: &Schema, name: &str) -> bool {
    let is_long = |data_type| {
        column_type(config.system, data_type, is_key(config, name)) == ColumnType::String
    };
    let mut fields = schema.fields.iter();
    let field = fields.find(|field| field.name.eq_ignore_ascii_case(name));
    field.is_some_and(|field| is_long(field.data_type))
}

/// When a wager was: a column of a usual name, or else the first timestamp.
fn time(schema: &Schema) -> Option<&str> {
    let times = || schema.fields.iter().filter(|field| field.data_type == DataType::Timestamp);
    TIMES
        .iter()
        .find_map(|name| times().find(|field| field.name.eq_ignore_ascii_case(name)))
        .or_else(|| times().next())
        .map(|field| &*field.name)
}

/// Rows that are complete, where a column says so, and that the source has not deleted.
fn filter(config: &StreamLoadConfig, schema: &Schema) -> String {
    let is_flag = |name: &str| {
        schema.fields.iter().any(|field| &*field.name == name && field.data_type == DataType::Bool)
    };
    let mut conditions = Vec::new();
    if is_flag("is_completed") {
        conditions.push("`is_completed` = TRUE".to_owned());
    }
    if let (Deletes::Soft, Some(deleted)) = (config.deletes, &config.audit.deleted) {
        let deleted = sql::name(deleted);
        conditions.push(format!("({deleted} IS NULL OR {deleted} = FALSE)"));
    }
    match conditions.as_slice() {
        [] => String::new(),
        conditions => format!("WHERE {}\n", conditions.join(" AND ")),
    }
}
