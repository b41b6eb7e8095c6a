//! The MySQL port.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opensrv_mysql::{
    AsyncMysqlIntermediary, AsyncMysqlShim, Column, ColumnFlags, ColumnType as Wire, ErrorKind,
    InitWriter, OkResponse, ParamParser, QueryResultWriter, StatementMetaWriter, ValueInner,
};
use rustls::ServerConfig;
use tokio::io::{AsyncWrite, duplex, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

use super::binary::{Cell, announced};
use super::error::SqlError;
use super::login::{Meant, Output};
use super::packets::Input;
use super::secure::relay;
use super::token::{self, Kind};
use super::{Outcome, Session, execute, run, variables};
use crate::catalog::ColumnType;
use crate::world::World;

/// How many statements one connection may have prepared.
const MAX_PREPARED: usize = 1024;
/// Bytes that wait between the library and the relay of TLS.
const RELAY_BUFFER: usize = 64 << 10;
/// How long a failed accept is followed by silence.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The port; dropping it ends its connections.
pub struct Serving {
    runtime: Option<Runtime>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Serves the MySQL protocol at a listener, and offers TLS if it can.
pub fn serve(
    world: Arc<World>,
    listener: std::net::TcpListener,
    tls: Option<Arc<ServerConfig>>,
) -> io::Result<Serving> {
    let runtime =
        Builder::new_multi_thread().worker_threads(2).thread_name("mysql").enable_all().build()?;
    listener.set_nonblocking(true)?;
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener)?
    };
    runtime.spawn(accept(world, listener, tls));
    Ok(Serving { runtime: Some(runtime) })
}

async fn accept(world: Arc<World>, listener: TcpListener, tls: Option<Arc<ServerConfig>>) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(connection(Arc::clone(&world), stream, tls.clone(), number));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection(
    world: Arc<World>,
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    number: u32,
) {
    // A connection that cannot be set up or breaks concerns its client alone.
    let _ = stream.set_nodelay(true);
    let peer = stream.peer_addr().map_or_else(|_| String::new(), |peer| peer.ip().to_string());
    let meant = Meant::default();
    let shim = Shim {
        world,
        session: Session { connection: number, ..Session::default() },
        user: OnceLock::new(),
        peer,
        salt: salt(),
        meant: meant.clone(),
        prepared: HashMap::new(),
        next: 0,
    };
    let Some(tls) = tls else {
        let (reader, writer) = stream.into_split();
        let output = Output::new(writer, meant);
        let _ = AsyncMysqlIntermediary::run_on(shim, Input::new(reader), output).await;
        return;
    };
    let (library, relayed) = duplex(RELAY_BUFFER);
    tokio::spawn(relay(tls, stream, relayed));
    let (reader, writer) = split(library);
    let output = Output::new(writer, meant);
    let _ = AsyncMysqlIntermediary::run_on(shim, Input::new(reader), output).await;
}

/// Twenty printable bytes that are no other connection's.
fn salt() -> [u8; 20] {
    let random: [u8; 20] = rand::random();
    random.map(|byte| b'0' + byte % 64)
}

struct Shim {
    world: Arc<World>,
    session: Session,
    /// Who has logged in.
    user: OnceLock<String>,
    peer: String,
    salt: [u8; 20],
    meant: Meant,
    prepared: HashMap<u32, String>,
    next: u32,
}

impl Shim {
    fn run(&mut self, sql: &str) -> Result<Outcome, SqlError> {
        let user = self.user.get().cloned().unwrap_or_default();
        let (world, session) = (&self.world, &mut self.session);
        tokio::task::block_in_place(|| execute(world, &user, session, sql))
    }

    /// Writes what a statement gave.
    async fn answer<W: AsyncWrite + Send + Unpin>(
        &self,
        outcome: Result<Outcome, SqlError>,
        results: QueryResultWriter<'_, W>,
    ) -> io::Result<()> {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                let message = error.message.clone();
                self.meant.set(error);
                return results.error(ErrorKind::ER_UNKNOWN_ERROR, message.as_bytes()).await;
            }
        };
        if outcome.columns.is_empty() {
            let affected_rows = outcome.affected;
            return results.completed(OkResponse { affected_rows, ..OkResponse::default() }).await;
        }
        let columns: Vec<Column> = outcome
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| Column {
                table: String::new(),
                column: column.name.clone(),
                coltype: announced(wire(&column.column_type), &outcome.rows, at),
                colflags: ColumnFlags::empty(),
            })
            .collect();
        let mut rows = results.start(&columns).await?;
        for row in &outcome.rows {
            let cells: Vec<Option<Cell<'_>>> =
                row.iter().map(|value| value.as_deref().map(Cell)).collect();
            rows.write_row(cells).await?;
        }
        rows.finish().await
    }
}

/// How a type is announced.
fn wire(column_type: &ColumnType) -> Wire {
    match column_type {
        ColumnType::Boolean | ColumnType::TinyInt => Wire::MYSQL_TYPE_TINY,
        ColumnType::SmallInt => Wire::MYSQL_TYPE_SHORT,
        ColumnType::Int => Wire::MYSQL_TYPE_LONG,
        ColumnType::BigInt => Wire::MYSQL_TYPE_LONGLONG,
        ColumnType::Float => Wire::MYSQL_TYPE_FLOAT,
        ColumnType::Double => Wire::MYSQL_TYPE_DOUBLE,
        ColumnType::Decimal { .. } => Wire::MYSQL_TYPE_NEWDECIMAL,
        ColumnType::Date => Wire::MYSQL_TYPE_DATE,
        ColumnType::DateTime(_) => Wire::MYSQL_TYPE_DATETIME,
        _ => Wire::MYSQL_TYPE_VAR_STRING,
    }
}

/// A parameter as a literal.
fn literal(value: ValueInner<'_>) -> String {
    let time = |bytes: &[u8]| {
        let part = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let year = u16::from_le_bytes([part(0), part(1)]);
        let micros = u32::from_le_bytes([part(7), part(8), part(9), part(10)]);
        let date = format!("{year:04}-{:02}-{:02}", part(2), part(3));
        if bytes.len() <= 4 {
            return format!("'{date}'");
        }
        format!("'{date} {:02}:{:02}:{:02}.{micros:06}'", part(4), part(5), part(6))
    };
    match value {
        ValueInner::NULL => "NULL".to_owned(),
        ValueInner::Int(number) => number.to_string(),
        ValueInner::UInt(number) => number.to_string(),
        ValueInner::Double(number) => format!("{number:?}"),
        ValueInner::Bytes(bytes) => {
            let text = String::from_utf8_lossy(bytes).replace('\\', "\\\\").replace('\'', "\\'");
            format!("'{}'", text.replace('\0', "\\0"))
        }
        ValueInner::Date(bytes) | ValueInner::Datetime(bytes) => time(bytes),
        ValueInner::Time(_) => "NULL".to_owned(),
    }
}

/// A prepared statement with its parameters put in.
fn filled(sql: &str, parameters: &[String]) -> Result<String, SqlError> {
    let mut filled = String::new();
    let mut from = 0;
    let mut parameters = parameters.iter();
    for token in token::tokens(sql).map_err(SqlError::syntax)? {
        if token.kind == Kind::Symbol && token.text == "?" {
            let missing = || SqlError::new(1210, "Incorrect arguments to EXECUTE");
            filled.push_str(sql.get(from..token.start).unwrap_or_default());
            filled.push_str(parameters.next().ok_or_else(missing)?);
            from = token.end;
        }
    }
    filled.push_str(sql.get(from..).unwrap_or_default());
    Ok(filled)
}

#[async_trait::async_trait]
impl<W: AsyncWrite + Send + Unpin> AsyncMysqlShim<W> for Shim {
    type Error = io::Error;

    fn version(&self) -> String {
        variables::server_version(&self.world)
    }

    fn connect_id(&self) -> u32 {
        self.session.connection
    }

    fn salt(&self) -> [u8; 20] {
        self.salt
    }

    async fn authenticate(
        &self,
        _plugin: &str,
        username: &[u8],
        salt: &[u8],
        answer: &[u8],
    ) -> bool {
        let user = String::from_utf8_lossy(username).into_owned();
        let fits = self.world.catalog.read().users.answer_fits(&user, salt, answer);
        if fits {
            // A connection logs in once.
            let _ = self.user.set(user);
        } else {
            let given = if answer.is_empty() { "NO" } else { "YES" };
            let message = format!(
                "Access denied for user '{user}'@'{}' (using password: {given})",
                self.peer
            );
            self.meant.set(SqlError::new(1045, message));
        }
        fits
    }

    async fn on_prepare<'a>(
        &'a mut self,
        query: &'a str,
        info: StatementMetaWriter<'a, W>,
    ) -> Result<(), io::Error> {
        let marks = token::tokens(query).map(|tokens| {
            tokens.iter().filter(|token| token.kind == Kind::Symbol && token.text == "?").count()
        });
        match marks {
            Ok(_) if self.prepared.len() >= MAX_PREPARED => {
                self.meant.set(SqlError::new(1461, "Can't create more prepared statements"));
                info.error(ErrorKind::ER_UNKNOWN_ERROR, &b"prepared"[..]).await
            }
            Ok(count) => {
                self.next += 1;
                self.prepared.insert(self.next, query.to_owned());
                let parameter = Column {
                    table: String::new(),
                    column: "?".to_owned(),
                    coltype: Wire::MYSQL_TYPE_VAR_STRING,
                    colflags: ColumnFlags::empty(),
                };
                let parameters = vec![parameter; count];
                info.reply(self.next, parameters.iter(), [].iter()).await
            }
            Err(reason) => {
                self.meant.set(SqlError::syntax(reason));
                info.error(ErrorKind::ER_UNKNOWN_ERROR, &b"syntax"[..]).await
            }
        }
    }

    async fn on_execute<'a>(
        &'a mut self,
        id: u32,
        params: ParamParser<'a>,
        results: QueryResultWriter<'a, W>,
    ) -> Result<(), io::Error> {
        let values: Vec<String> =
            params.into_iter().map(|param| literal(param.value.into_inner())).collect();
        let unknown = || SqlError::new(1243, "Unknown prepared statement handler");
        let sql = self.prepared.get(&id).ok_or_else(unknown).and_then(|sql| filled(sql, &values));
        let outcome = match sql {
            Ok(sql) => self.run(&sql),
            Err(error) => Err(error),
        };
        self.answer(outcome, results).await
    }

    async fn on_close<'a>(&'a mut self, statement: u32)
    where
        W: 'async_trait,
    {
        self.prepared.remove(&statement);
    }

    async fn on_query<'a>(
        &'a mut self,
        query: &'a str,
        results: QueryResultWriter<'a, W>,
    ) -> Result<(), io::Error> {
        let outcome = self.run(query);
        self.answer(outcome, results).await
    }

    async fn on_init<'a>(
        &'a mut self,
        database: &'a str,
        writer: InitWriter<'a, W>,
    ) -> Result<(), io::Error> {
        // Some clients name a database always, and have none to name.
        if database.is_empty() {
            self.session.database.clear();
            return writer.ok().await;
        }
        match run::choose(&self.world, &mut self.session, database) {
            Ok(_) => writer.ok().await,
            Err(error) => {
                let message = error.message.clone();
                self.meant.set(error);
                writer.error(ErrorKind::ER_BAD_DB_ERROR, message.as_bytes()).await
            }
        }
    }
}
