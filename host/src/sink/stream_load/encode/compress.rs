//! Bodies made smaller.

use std::io::Write;

use crate::sink::stream_load::config::Compression;

/// The level of Zstandard that costs little.
const ZSTD_LEVEL: i32 = 1;
const WRITTEN: &str = "a Vec takes every byte";

/// The body as its load sends it, behind what `out` has. Levels are those that cost little: the
/// network between a host and its backends is rarely what is slow.
pub(in crate::sink::stream_load) fn compress(
    compression: Compression,
    body: &[u8],
    mut out: Vec<u8>,
) -> Vec<u8> {
    match compression {
        Compression::None => {
            out.extend_from_slice(body);
            out
        }
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
            encoder.write_all(body).expect(WRITTEN);
            encoder.finish().expect(WRITTEN)
        }
        Compression::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(out);
            encoder.write_all(body).expect(WRITTEN);
            encoder.finish().expect(WRITTEN)
        }
        Compression::Zstd => {
            let encoder = zstd::stream::write::Encoder::new(out, ZSTD_LEVEL);
            let mut encoder = encoder.expect("the level is one that there is");
            encoder.write_all(body).expect(WRITTEN);
            encoder.finish().expect(WRITTEN)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn bodies_are_the_same_once_they_are_large_again() {
        for body in [Vec::new(), b"{\"a\":1}\n".repeat(100_000)] {
            let made = |compression| compress(compression, &body, Vec::new());
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
