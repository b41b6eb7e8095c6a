//! Bodies made smaller while they are written.

use std::io::Write;

use crate::sink::stream_load::config::Compression;

/// The level of Zstandard that costs little.
const ZSTD_LEVEL: i32 = 1;
const WRITTEN: &str = "a Vec takes every byte";

/// What is between the rows of a body and the wire. Levels are those that cost little: the network
/// between a host and its backends is rarely what is slow.
pub(in crate::sink::stream_load) enum Compressor {
    /// Leaves bytes as they are.
    None,
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Lz4(Box<lz4_flex::frame::FrameEncoder<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Compressor {
    /// For one body.
    pub(in crate::sink::stream_load) fn new(compression: Compression) -> Self {
        let out = Vec::new();
        match compression {
            Compression::None => Self::None,
            Compression::Gzip => {
                Self::Gzip(flate2::write::GzEncoder::new(out, flate2::Compression::fast()))
            }
            Compression::Lz4 => Self::Lz4(Box::new(lz4_flex::frame::FrameEncoder::new(out))),
            Compression::Zstd => {
                let encoder = zstd::stream::write::Encoder::new(out, ZSTD_LEVEL);
                Self::Zstd(encoder.expect("the level is one that there is"))
            }
        }
    }

    /// Replaces what `out` has by what can be sent of these bytes so far, which may be nothing.
    /// False: bytes are sent as they are.
    pub(in crate::sink::stream_load) fn pass(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        let made = match self {
            Self::None => return false,
            Self::Gzip(encoder) => {
                encoder.write_all(bytes).expect(WRITTEN);
                encoder.get_mut()
            }
            Self::Lz4(encoder) => {
                encoder.write_all(bytes).expect(WRITTEN);
                encoder.get_mut()
            }
            Self::Zstd(encoder) => {
                encoder.write_all(bytes).expect(WRITTEN);
                encoder.get_mut()
            }
        };
        out.append(made);
        true
    }

    /// Appends what is left once the whole body has passed.
    pub(in crate::sink::stream_load) fn end(self, bytes: &mut Vec<u8>) {
        let mut rest = match self {
            Self::None => Vec::new(),
            Self::Gzip(encoder) => encoder.finish().expect(WRITTEN),
            Self::Lz4(encoder) => encoder.finish().expect(WRITTEN),
            Self::Zstd(encoder) => encoder.finish().expect(WRITTEN),
        };
        bytes.append(&mut rest);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn bodies_are_the_same_once_they_are_large_again() {
        for body in [Vec::new(), b"{\"a\":1}\n".repeat(100_000)] {
            let made = |compression| {
                let (mut compressor, mut made) = (Compressor::new(compression), Vec::new());
                let mut out = Vec::new();
                for chunk in body.chunks(70_000) {
                    if compressor.pass(chunk, &mut out) {
                        made.append(&mut out);
                    } else {
                        made.extend_from_slice(chunk);
                    }
                }
                compressor.end(&mut made);
                made
            };
            assert_eq!(made(Compression::None), body);
            let mut back = Vec::new();
            let gzip = made(Compression::Gzip);
            flate2::read::GzDecoder::new(&gzip[..]).read_to_end(&mut back).unwrap();
            assert_eq!(back, body);
            let mut back = Vec::new();
            let lz4 = made(Compression::Lz4);
            lz4_flex::frame::FrameDecoder::new(&lz4[..]).read_to_end(&mut back).unwrap();
            assert_eq!(back, body);
            assert_eq!(zstd::stream::decode_all(&made(Compression::Zstd)[..]).unwrap(), body);
        }
    }
}
