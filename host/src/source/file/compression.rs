//! A file's bytes as they were before it was compressed.
//!
//! *Invariants*: everything streams, so that a file which unpacks to more than there is room for
//! costs no more memory than another; a stream that breaks off is an error and no end.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::list::Listed;
use crate::source::SourceError;

/// How files are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// As the name of each says: `.gz`, `.zst`, or else not.
    #[default]
    Auto,
    /// They are not.
    None,
    /// With gzip.
    Gzip,
    /// With zstd.
    Zstd,
}

impl Compression {
    /// The names in the TOML.
    pub const NAMES: [(&'static str, Self); 4] =
        [("auto", Self::Auto), ("none", Self::None), ("gzip", Self::Gzip), ("zstd", Self::Zstd)];
}

/// Compressed bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// The base-two logarithm of the largest window of zstd, which is held in memory: 128 MiB, what
/// every level of its program stays within.
const WINDOW_LOG_MAX: u32 = 27;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Gzip,
    Zstd,
}

impl Method {
    const ALL: [Self; 2] = [Self::Gzip, Self::Zstd];

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The method that a file's name tells of.
    fn of_name(name: &str) -> Option<Self> {
        let extension = Path::new(name).extension()?.to_str()?;
        match extension.to_ascii_lowercase().as_str() {
            "gz" => Some(Self::Gzip),
            "zst" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Whether a file that begins so can be of this method.
    fn begins(self, magic: &[u8]) -> bool {
        match self {
            Self::Gzip => magic.starts_with(b"\x1f\x8b"),
            // A frame, or one that is to be skipped, such as parallel writers begin with.
            Self::Zstd => {
                magic == b"\x28\xb5\x2f\xfd"
                    || matches!(magic, [first, 0x2a, 0x4d, 0x18] if first & 0xf0 == 0x50)
            }
        }
    }
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    read: u64,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(out)?;
        self.read += read as u64;
        Ok(read)
    }
}

enum Kind {
    Plain(Counted),
    Gzip(Box<MultiGzDecoder<BufReader<Counted>>>),
    Zstd(Box<ZstdDecoder<'static, BufReader<Counted>>>),
}

/// A file's content, to be read once from its beginning; without compression, from anywhere.
pub(super) struct Stream {
    kind: Kind,
    name: String,
    length: u64,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Plain(file) => file.read(out),
            Kind::Gzip(decoder) => decoder.read(out),
            Kind::Zstd(decoder) => decoder.read(out),
        }
    }
}

impl Stream {
    /// Opens a file, which must begin as `compression` has it.
    pub(super) fn open(file: &Listed, compression: Compression) -> Result<Self, SourceError> {
        let name = file.name.clone();
        let failed = |source| SourceError::Read { input: file.name.clone(), source };
        let opened = File::open(&file.path).map_err(failed)?;
        let length = opened.metadata().map_err(failed)?.len();
        let mut magic = [0; 4];
        let read = opened.read_at(&mut magic, 0).map_err(failed)?;
        let method = method(&name, compression, &magic[..read])?;
        let counted = Counted { file: opened, read: 0 };
        let kind = match method {
            None => Kind::Plain(counted),
            Some(Method::Gzip) => {
                let input = BufReader::with_capacity(READ_BYTES, counted);
                Kind::Gzip(Box::new(MultiGzDecoder::new(input)))
            }
            Some(Method::Zstd) => {
                let input = BufReader::with_capacity(READ_BYTES, counted);
                let mut decoder = ZstdDecoder::with_buffer(input).map_err(failed)?;
                decoder.window_log_max(WINDOW_LOG_MAX).map_err(failed)?;
                Kind::Zstd(Box::new(decoder))
            }
        };
        Ok(Self { kind, name, length })
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes on the disk when it was opened.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Bytes that were read from the disk.
    pub(super) fn read_bytes(&self) -> u64 {
        match &self.kind {
            Kind::Plain(file) => file.read,
            Kind::Gzip(decoder) => decoder.get_ref().get_ref().read,
            Kind::Zstd(decoder) => decoder.get_ref().get_ref().read,
        }
    }

    /// The file itself, where its content is not compressed.
    pub(super) fn plain(&self) -> Option<&File> {
        match &self.kind {
            Kind::Plain(file) => Some(&file.file),
            Kind::Gzip(_) | Kind::Zstd(_) => None,
        }
    }

    /// Goes to a byte of a file that is not compressed.
    pub(super) fn seek(&mut self, offset: u64) -> Result<(), SourceError> {
        let Kind::Plain(file) = &mut self.kind else { return Ok(()) };
        let sought = file.file.seek(SeekFrom::Start(offset));
        sought.map(drop).map_err(|source| SourceError::Read { input: self.name.clone(), source })
    }

    /// What a failed read behind `offset` bytes of the content means.
    pub(super) fn error(&self, source: io::Error, offset: u64) -> SourceError {
        let input = self.name.clone();
        let method = match &self.kind {
            Kind::Gzip(_) => Method::Gzip.name(),
            Kind::Zstd(_) => Method::Zstd.name(),
            Kind::Plain(_) => return SourceError::Read { input, source },
        };
        // The system's own errors have a number; what is wrong with the data has none.
        if source.raw_os_error().is_some() {
            return SourceError::Read { input, source };
        }
        SourceError::Corrupt { input, method, offset, source }
    }
}

/// How a file is compressed, by its name and the settings, and against its first bytes.
fn method(
    name: &str,
    compression: Compression,
    magic: &[u8],
) -> Result<Option<Method>, SourceError> {
    let method = match compression {
        Compression::Auto => Method::of_name(name),
        Compression::None => return Ok(None),
        Compression::Gzip => Some(Method::Gzip),
        Compression::Zstd => Some(Method::Zstd),
    };
    let input = || name.to_owned();
    match method {
        Some(method) if method.begins(magic) => Ok(Some(method)),
        Some(method) => Err(SourceError::NotCompressed { input: input(), method: method.name() }),
        None => match Method::ALL.into_iter().find(|method| method.begins(magic)) {
            Some(method) => Err(SourceError::Compressed { input: input(), method: method.name() }),
            None => Ok(None),
        },
    }
}
