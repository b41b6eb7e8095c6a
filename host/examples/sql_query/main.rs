//! Runs queries over the MySQL protocol and prints their rows as tables: an ordinary client of StarRocks
//! and Doris for `scripts/demo`, where none is installed.

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Parser;
use comfy_table::{ContentArrangement, Table};
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, Row, Value};

/// Rules above, below and under the header; nothing else.
const PRESET: &str = "  ── ──      ──    ";

/// Run queries over the MySQL protocol and print their rows.
#[derive(Parser)]
struct Arguments {
    /// The server, as `host:port`
    #[arg(long)]
    mysql: String,
    /// The user
    #[arg(long)]
    user: String,
    /// The variable that holds the password
    #[arg(long, default_value = "MYSQL_PASSWORD")]
    password_env: String,
    /// Queries, each printed with its rows
    #[arg(required = true)]
    queries: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sql_query: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (host, port) = arguments.mysql.rsplit_once(':').context("--mysql takes host:port")?;
    let options = OptsBuilder::new()
        .ip_or_hostname(Some(host.trim_matches(['[', ']'])))
        .tcp_port(port.parse().context("the port is a number")?)
        .user(Some(&arguments.user))
        .pass(std::env::var(&arguments.password_env).ok())
        .prefer_socket(false);
    let mut connection = Conn::new(options)
        .map_err(told)
        .with_context(|| format!("cannot connect to {}", arguments.mysql))?;
    for query in &arguments.queries {
        println!("{}", query.trim());
        println!("{}\n", rows(&mut connection, query)?);
    }
    Ok(())
}

fn rows(connection: &mut Conn, query: &str) -> anyhow::Result<Table> {
    let rows: Vec<Row> = connection
        .query(query)
        .map_err(told)
        .with_context(|| format!("cannot run `{}`", query.trim()))?;
    let mut table = Table::new();
    table.load_preset(PRESET).set_content_arrangement(ContentArrangement::Disabled);
    if let Some(first) = rows.first() {
        let columns = first.columns();
        table.set_header(columns.iter().map(|column| column.name_str().into_owned()));
    }
    for row in rows {
        table.add_row(row.unwrap().into_iter().map(shown));
    }
    Ok(table)
}

/// The driver's error as people read it: it wraps what it says in the names of its types.
fn told(error: mysql::Error) -> anyhow::Error {
    match error {
        mysql::Error::MySqlError(refusal) => anyhow!("{refusal}"),
        mysql::Error::IoError(error) => error.into(),
        mysql::Error::DriverError(error) => error.into(),
        other => other.into(),
    }
}

fn shown(value: Value) -> String {
    match value {
        Value::NULL => "NULL".to_owned(),
        Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        other => other.as_sql(true).trim_matches('\'').to_owned(),
    }
}
