//! Bodies that are written while they are sent, so that nobody has to hold one as a whole.

use std::io::Read;
use std::time::Duration;

/// The body of a load.
pub(in crate::sink::stream_load) trait Payload: Sync {
    /// Its bytes from the first one on: the same, however often they are asked for.
    fn reader(&self) -> Box<dyn Read + '_>;

    /// What reading it has come to so far.
    fn written(&self) -> Written;
}

/// What it took to write a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sink::stream_load) struct Written {
    /// Its bytes, as far as they were read last.
    pub bytes: u64,
    /// The time that a processor had to do with it, over all readings.
    pub time: Duration,
}

/// A body that is there.
impl Payload for Vec<u8> {
    fn reader(&self) -> Box<dyn Read + '_> {
        Box::new(&self[..])
    }

    fn written(&self) -> Written {
        Written { bytes: self.len() as u64, time: Duration::ZERO }
    }
}
