//! WASI for guests that import it: the same answers on any machine and in any repetition.
//!
//! Clocks stand at the call's processing time, random numbers are a fixed stream that starts anew
//! with each call, there are no files, arguments or environment, and lines on stdout and stderr go
//! to the log. Waiting for a clock is an error, because time does not pass within a call.
//!
//! *Invariants*: nothing here blocks; only WASI 0.2's cli, io, clocks, random and filesystem are
//! linked.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime::component::{HasData, HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};
use wasmtime_wasi::p2::bindings::{cli, filesystem, io, sync};
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamError, StreamResult, pipe};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, async_trait};

use super::imports::HostState;
use super::store::StoreData;
use super::text::{LineBudget, MAX_TEXT, one_line};

/// Resources (streams, mostly) that a guest may hold.
const MAX_RESOURCES: usize = 1_000;

/// Bytes that a guest may write at once.
const MAX_WRITE: usize = 64 << 10;

/// Random bytes that a guest may ask for at once.
const MAX_RANDOM: u64 = 64 << 10;

/// Where each call's random numbers start.
const SEED: u64 = 0x6d69_6c6c_7261_6365;

/// Makes WASI's imports known to a linker.
pub(super) fn link(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    fn table(data: &mut StoreData) -> &mut ResourceTable {
        &mut state(data).table
    }
    fn clock(data: &mut StoreData) -> &mut Clock {
        &mut state(data).clock
    }
    fn numbers(data: &mut StoreData) -> &mut Numbers {
        &mut state(data).numbers
    }
    io::error::add_to_linker::<StoreData, HasTable>(linker, table)?;
    sync::io::poll::add_to_linker::<StoreData, HasTable>(linker, table)?;
    sync::io::streams::add_to_linker::<StoreData, HasTable>(linker, table)?;
    wall_clock::add_to_linker::<StoreData, HasSelf<Clock>>(linker, clock)?;
    monotonic_clock::add_to_linker::<StoreData, HasSelf<Clock>>(linker, clock)?;
    random::add_to_linker::<StoreData, HasSelf<Numbers>>(linker, numbers)?;
    insecure::add_to_linker::<StoreData, HasSelf<Numbers>>(linker, numbers)?;
    insecure_seed::add_to_linker::<StoreData, HasSelf<Numbers>>(linker, numbers)?;
    filesystem::preopens::add_to_linker::<StoreData, WasiFilesystem>(
        linker,
        StoreData::filesystem,
    )?;
    sync::filesystem::types::add_to_linker::<StoreData, WasiFilesystem>(
        linker,
        StoreData::filesystem,
    )?;
    cli::exit::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    cli::environment::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    cli::stdin::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    cli::stdout::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    cli::stderr::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    cli::terminal_input::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    cli::terminal_output::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    cli::terminal_stdin::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    cli::terminal_stdout::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)?;
    cli::terminal_stderr::add_to_linker::<StoreData, WasiCli>(linker, StoreData::cli)
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// Behind WASI's imports of one instance.
pub(super) struct WasiState {
    context: WasiCtx,
    table: ResourceTable,
    clock: Clock,
    numbers: Numbers,
}

impl WasiState {
    pub(super) fn new(host: &HostState) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let context = WasiCtx::builder()
            .stdout(Lines::new(host, "stdout"))
            .stderr(Lines::new(host, "stderr"))
            .build();
        Self { context, table, clock: Clock { micros: 0 }, numbers: Numbers { state: SEED } }
    }

    pub(super) fn begin_call(&mut self, now: Option<i64>) {
        self.numbers.state = SEED;
        // Calls without a time of their own see that of the last one; it never falls.
        self.clock.micros = now.unwrap_or_default().max(self.clock.micros);
    }
}

fn state(data: &mut StoreData) -> &mut WasiState {
    data.wasi.as_deref_mut().expect("WASI is only linked to instances that have its state")
}

impl WasiView for StoreData {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let WasiState { context, table, .. } = state(self);
        WasiCtxView { ctx: context, table }
    }
}

/// Both clocks, standing at the call's processing time.
struct Clock {
    micros: i64,
}

impl Clock {
    fn micros(&self) -> u64 {
        u64::try_from(self.micros).unwrap_or_default()
    }

    fn wait() -> wasmtime::Error {
        wasmtime::Error::msg("a transform may not wait: time does not pass within a call")
    }
}

impl wall_clock::Host for Clock {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let micros = self.micros();
        let nanoseconds = u32::try_from(micros % 1_000_000 * 1_000)?;
        Ok(wall_clock::Datetime { seconds: micros / 1_000_000, nanoseconds })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1_000 })
    }
}

impl monotonic_clock::Host for Clock {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.micros().saturating_mul(1_000))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1_000)
    }

    fn subscribe_instant(&mut self, _when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        Err(Self::wait())
    }

    fn subscribe_duration(&mut self, _duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        Err(Self::wait())
    }
}

/// The fixed stream of random numbers: splitmix64.
struct Numbers {
    state: u64,
}

impl Numbers {
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        if count > MAX_RANDOM {
            return Err(wasmtime::Error::msg("too many random bytes at once"));
        }
        let count = usize::try_from(count)?;
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.draw().to_le_bytes());
        }
        bytes.truncate(count);
        Ok(bytes)
    }
}

impl random::Host for Numbers {
    fn get_random_bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(count)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.draw())
    }
}

impl insecure::Host for Numbers {
    fn get_insecure_random_bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(count)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.draw())
    }
}

impl insecure_seed::Host for Numbers {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.draw(), self.draw()))
    }
}

/// A stream whose lines go to the log. Its clones are the same stream.
#[derive(Clone)]
struct Lines(Arc<Mutex<Pending>>);

/// The beginning of a line.
struct Pending {
    stage: Arc<str>,
    artifact: Arc<str>,
    stream: &'static str,
    lines: Arc<LineBudget>,
    line: Vec<u8>,
}

impl Lines {
    fn new(host: &HostState, stream: &'static str) -> Self {
        let (stage, artifact) = (Arc::clone(host.stage()), Arc::clone(host.artifact()));
        let lines = Arc::clone(host.lines());
        let pending = Pending { stage, artifact, stream, lines, line: Vec::new() };
        Self(Arc::new(Mutex::new(pending)))
    }
}

impl Pending {
    fn write(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.add(&bytes[..end]);
            self.flush();
            bytes = &bytes[end + 1..];
        }
        self.add(bytes);
    }

    /// What goes beyond a line's bound is left out.
    fn add(&mut self, bytes: &[u8]) {
        let room = MAX_TEXT - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The line goes to the log, unless it is empty or one too many.
    fn flush(&mut self) {
        let Self { stage, artifact, stream, lines, line } = self;
        if !line.trim_ascii().is_empty() && tracing::enabled!(tracing::Level::INFO) && lines.take()
        {
            let text = String::from_utf8_lossy(line);
            tracing::info!(%stage, %artifact, stream, "{}", one_line(&text));
        }
        line.clear();
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.flush();
        }
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    /// Only other versions of WASI ask for it, and they are not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        pipe::SinkOutputStream.async_stream()
    }
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > MAX_WRITE {
            return Err(StreamError::trap("wrote more than `check-write` allows"));
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_WRITE)
    }
}

#[async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_in_each_call() {
        let host = HostState::new("stage".into(), "artifact".into());
        let mut wasi = WasiState::new(&host);
        wasi.begin_call(Some(5));
        let first = wasi.numbers.bytes(20).unwrap();
        assert_eq!(first.len(), 20);
        wasi.begin_call(Some(3));
        assert_eq!(wasi.numbers.bytes(20).unwrap(), first);
        assert_eq!(wasi.clock.micros(), 5, "time never falls");
        assert!(wasi.numbers.bytes(MAX_RANDOM + 1).is_err());
    }

    #[test]
    fn a_line_is_bounded() {
        let host = HostState::new("stage".into(), "artifact".into());
        let mut lines = Lines::new(&host, "stdout");
        lines.write(Bytes::from(vec![b'a'; 3 * MAX_TEXT])).unwrap();
        assert_eq!(lines.0.lock().unwrap().line.len(), MAX_TEXT);
        lines.write(Bytes::from_static(b"\nrest")).unwrap();
        assert_eq!(lines.0.lock().unwrap().line, b"rest");
        let all = lines.check_write().unwrap();
        assert!(lines.write(Bytes::from(vec![b'\n'; all])).is_ok());
        let more = lines.write(Bytes::from(vec![b'\n'; all + 1]));
        assert!(matches!(more, Err(StreamError::Trap(_))));
    }
}
