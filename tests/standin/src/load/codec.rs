//! How a body is packed, and how it is unpacked.

use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// Not at all.
    Plain,
    /// gzip, also several members.
    Gzip,
    /// A zlib stream.
    Deflate,
    /// Frames of LZ4.
    Lz4Frame,
    /// Frames of Zstandard.
    Zstd,
    /// One that the system knows and the stand-in does not unpack.
    Unsupported,
}

/// The bytes of a body; refused where they are not packed so, or more than `limit` once unpacked.
pub(super) fn unpack(codec: Codec, bytes: Vec<u8>, limit: u64) -> Result<Vec<u8>, String> {
    if codec == Codec::Plain || bytes.is_empty() {
        return Ok(bytes);
    }
    let packed = bytes.as_slice();
    match codec {
        Codec::Plain => Ok(bytes),
        Codec::Gzip => take(MultiGzDecoder::new(packed), limit),
        Codec::Deflate => take(ZlibDecoder::new(packed), limit),
        Codec::Lz4Frame => take(lz4_flex::frame::FrameDecoder::new(packed), limit),
        Codec::Zstd => match zstd::stream::read::Decoder::new(packed) {
            Ok(decoder) => take(decoder, limit),
            Err(error) => Err(failed(&error)),
        },
        Codec::Unsupported => Err("the stand-in does not unpack this compression".to_owned()),
    }
}

fn take(from: impl Read, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() as u64 > limit {
        return Err(format!("decompressed body is larger than {limit} bytes"));
    }
    Ok(bytes)
}

fn failed(error: &std::io::Error) -> String {
    format!("Failed to decompress input data: {error}")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn pack(codec: Codec, bytes: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::fast();
        match codec {
            Codec::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Deflate => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Lz4Frame => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Zstd => zstd::stream::encode_all(bytes, 1).unwrap(),
            Codec::Plain | Codec::Unsupported => bytes.to_vec(),
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let codecs =
                [Codec::Plain, Codec::Gzip, Codec::Deflate, Codec::Lz4Frame, Codec::Zstd];
            for codec in codecs {
                let packed = pack(codec, &bytes);
                prop_assert_eq!(unpack(codec, packed, 1 << 20).unwrap(), bytes.clone());
            }
        }

        #[test]
        fn other_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
            for codec in [Codec::Gzip, Codec::Deflate, Codec::Lz4Frame, Codec::Zstd] {
                let _ = unpack(codec, bytes.clone(), 1 << 20);
            }
        }
    }

    #[test]
    fn a_bomb_is_stopped_and_an_empty_body_is_fine() {
        let packed = pack(Codec::Gzip, &[0; 100_000]);
        assert!(unpack(Codec::Gzip, packed, 1000).is_err());
        assert_eq!(unpack(Codec::Gzip, Vec::new(), 1000).unwrap(), Vec::<u8>::new());
    }
}
