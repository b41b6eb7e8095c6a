//! Tables that are loaded again while rows flow, and take effect at a barrier.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::PipelineError;
use crate::stage::Tables;
use crate::table::{TableConfig, TableSnapshot};

/// The tables in force, and those that wait for the next barrier.
pub(super) struct TableRefresh {
    current: Tables,
    fresh: Receiver<(String, Arc<TableSnapshot>)>,
    _stop: Sender<()>,
    _loaders: Vec<JoinHandle<()>>,
}

impl TableRefresh {
    /// Loads every table, and starts a loader for each that asks for a refresh.
    pub(super) fn start(tables: &[TableConfig]) -> Result<Self, PipelineError> {
        let mut current = BTreeMap::new();
        let (send, fresh) = bounded(tables.len().max(1));
        let (stop, stopped) = bounded::<()>(0);
        let mut loaders = Vec::new();
        for table in tables {
            let snapshot = table
                .load()
                .map_err(|source| PipelineError::Table { table: table.name.clone(), source })?;
            let version = snapshot.version().to_owned();
            current.insert(table.name.clone(), Arc::new(snapshot));
            if let Some(every) = table.refresh {
                let loader = Loader {
                    table: table.clone(),
                    version,
                    every,
                    send: send.clone(),
                    stopped: stopped.clone(),
                };
                let thread = thread::Builder::new()
                    .name(format!("table {}", table.name))
                    .spawn(move || loader.run())
                    .map_err(PipelineError::Thread)?;
                loaders.push(thread);
            }
        }
        Ok(Self { current: Arc::new(current), fresh, _stop: stop, _loaders: loaders })
    }

    /// Whether a refreshed table waits for a barrier.
    pub(super) fn pending(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// The tables from the next barrier on.
    pub(super) fn take(&mut self) -> Tables {
        while let Ok((name, snapshot)) = self.fresh.try_recv() {
            let mut tables = (*self.current).clone();
            tables.insert(name, snapshot);
            self.current = Arc::new(tables);
        }
        Arc::clone(&self.current)
    }

    /// The tables in force.
    pub(super) fn current(&self) -> Tables {
        Arc::clone(&self.current)
    }

    /// The versions of the tables in force.
    pub(super) fn versions(&self) -> BTreeMap<String, String> {
        self.current
            .iter()
            .map(|(name, table)| (name.clone(), table.version().to_owned()))
            .collect()
    }
}

struct Loader {
    table: TableConfig,
    version: String,
    every: Duration,
    send: Sender<(String, Arc<TableSnapshot>)>,
    stopped: Receiver<()>,
}

impl Loader {
    /// Loads again and again until the pipeline ends. A load that fails leaves the table as it is.
    fn run(mut self) {
        let mut next = Instant::now() + self.every;
        while let Err(crossbeam_channel::RecvTimeoutError::Timeout) =
            self.stopped.recv_deadline(next)
        {
            next = Instant::now() + self.every;
            match self.table.load() {
                Ok(snapshot) if snapshot.version() != self.version => {
                    let version = snapshot.version().to_owned();
                    match self.send.try_send((self.table.name.clone(), Arc::new(snapshot))) {
                        Ok(()) => self.version = version,
                        // The one before still waits for its barrier; try again next time.
                        Err(TrySendError::Full(_)) => {}
                        Err(TrySendError::Disconnected(_)) => return,
                    }
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(
                    table = self.table.name,
                    error = %error,
                    "table refresh failed; the rows loaded before stay in force"
                ),
            }
        }
    }
}
