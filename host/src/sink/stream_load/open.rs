//! From settings to a sink: the connections, the file of intents, and the two halves.

use std::sync::Arc;

use super::commit::{Statement, StreamLoadCommitter};
use super::config::{Address, StreamLoadConfig, TableName};
use super::error::StreamLoadError;
use super::greeting::greet;
use super::http::{AskCluster, Client};
use super::protocol::Protocol;
use super::tables::Tables;
use super::target::{self, Admin};
use super::transaction::{Intents, Labels, Loader, StreamLoadHandle, Waits};
use super::write::StreamLoadSink;
use crate::sink::{Handle, OpenSink, SinkContext, SinkError, WriteMode};

/// Readies the table for a new store: see [`crate::sink::SinkConfig::initialise`]. Tables that the
/// rows name are looked at when the first row for each comes.
pub(in crate::sink) fn initialise(
    config: &StreamLoadConfig,
    context: &SinkContext,
) -> Result<Handle, SinkError> {
    let intents = Intents::open(&context.sink, &context.segments)?;
    let (admin, _) = connect(config, context).map_err(|error| failed(context, error))?;
    let mut tables = Tables::new(Arc::new(config.clone()), context.clone(), admin)?;
    if let TableName::Fixed(table) = &config.table {
        tables.claim(&intents, table)?;
    }
    let keyed = config.mode == WriteMode::Upsert;
    let place = config.place();
    Ok(StreamLoadHandle { keyed, place, ..StreamLoadHandle::default() }.write())
}

/// Opens both halves: see [`crate::sink::SinkConfig::open`]. Every opening has labels of its own.
pub(in crate::sink) fn open(
    config: &StreamLoadConfig,
    context: &SinkContext,
    last: &Handle,
) -> Result<OpenSink, SinkError> {
    // A handle of another type of sink, or of other tables, is found before anything is changed.
    let stored = StreamLoadHandle::read(last, &context.sink)?.place;
    let place = config.place();
    if !stored.is_empty() && stored != place {
        return Err(failed(context, StreamLoadError::OtherTarget { stored, place }));
    }
    let intents = Intents::open(&context.sink, &context.segments)?;
    let failed = |error| failed(context, error);
    let (mut admin, client) = connect(config, context).map_err(failed)?;
    client.allow(&servers(&mut admin).map_err(failed)?);
    let config = Arc::new(config.clone());
    client.ask_with(ask_cluster(&config, &context.sink));
    let SinkContext { pipeline, sink, incarnation, clock, counters, .. } = context;
    let loader = Arc::new(Loader {
        sink: sink.clone(),
        exchange: Box::new(Protocol::new(client, &config)),
        labels: Labels::new(incarnation, pipeline, sink, intents.run()),
        intents,
        waits: Waits::new(Arc::clone(counters), *clock),
        counters: Arc::clone(counters),
        exactly_once: config.exactly_once,
    });
    let statement = statement(&config, sink);
    let committer = StreamLoadCommitter::new(Arc::clone(&loader), statement, config.load.in_flight);
    let tables = Tables::new(Arc::clone(&config), context.clone(), admin)?;
    let sink = StreamLoadSink::new(config, *clock, loader, tables);
    Ok(OpenSink { sink: Box::new(sink), committer: Box::new(committer) })
}

fn failed(context: &SinkContext, source: StreamLoadError) -> SinkError {
    SinkError::StreamLoad { sink: context.sink.clone(), source: Box::new(source) }
}

/// Where the cluster's servers take requests: backends, and frontends, since one may send
/// transactions to the leader, which the configuration need not name.
fn servers(admin: &mut Admin) -> Result<Vec<Address>, StreamLoadError> {
    let mut addresses = admin.frontends()?;
    addresses.extend(admin.backends()?.into_iter().map(|backend| backend.http));
    Ok(addresses)
}

/// Asks for the servers on a connection of its own each time: that is seldom.
fn ask_cluster(config: &Arc<StreamLoadConfig>, sink: &str) -> AskCluster {
    let (config, sink) = (Arc::clone(config), sink.to_owned());
    Box::new(move || servers(&mut Admin::connect(&sink, &config)?))
}

/// Connects to the frontends and their MySQL port, and finds what is no frontend, TLS that cannot
/// work, the other system, and a version that cannot do what the sink needs.
fn connect(
    config: &StreamLoadConfig,
    context: &SinkContext,
) -> Result<(Admin, Client), StreamLoadError> {
    let client = greet(&context.sink, config)?;
    let mut admin = Admin::connect(&context.sink, config)?;
    let version = target::identify(&mut admin)?;
    if config.exactly_once && !version.takes_two_phases(config.system) {
        return Err(target::without_two_phases(config.system, &version));
    }
    target::check_format(config, &version)?;
    Ok((admin, client))
}

/// Runs statements on a connection of its own, which is made for the first.
fn statement(config: &Arc<StreamLoadConfig>, sink: &str) -> Statement {
    let (config, sink) = (Arc::clone(config), sink.to_owned());
    let mut connected = None;
    Box::new(move |sql: &str| {
        let admin = match &mut connected {
            Some(admin) => admin,
            none => none.insert(Admin::connect(&sink, &config)?),
        };
        admin.execute(sql)
    })
}
