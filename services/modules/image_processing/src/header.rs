//! What a file says of itself before it is decoded: a look at a few bytes at
//! known places, which costs nothing, whatever the file holds.

use nexy_types::ImageFormat;

/// Segments before the frame header of a JPEG. Cameras write a dozen; a file
/// that only consists of them is not worth the search.
const MOST_SEGMENTS: usize = 1024;

/// The end of every PNG: an empty IEND chunk with its checksum.
const PNG_END: &[u8] = &[0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82];

/// The EOI marker.
const JPEG_END: &[u8] = &[0xff, 0xd9];

/// The claims of a file. A decoder may find that they are lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) format: ImageFormat,
    pub(crate) size: Size,
    /// The file ends as files of its kind do. One that does not may be cut off.
    pub(crate) is_whole: bool,
}

/// In pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

// === impl Header ===

impl Header {
    /// `None` when the file is of no known kind, or does not tell its size where
    /// it has to.
    pub(crate) fn of(file: &[u8]) -> Option<Self> {
        let format = ImageFormat::of_signature(file)?;
        let (size, is_whole) = match format {
            ImageFormat::Png => (png_size(file)?, file.ends_with(PNG_END)),
            ImageFormat::Jpeg => (jpeg_size(file)?, file.ends_with(JPEG_END)),
            ImageFormat::WebP => (webp_size(file)?, is_whole_riff(file)),
        };
        let is_image = size.width > 0 && size.height > 0;
        is_image.then_some(Self { format, size, is_whole })
    }
}

// === impl Size ===

impl Size {
    pub(crate) fn long_edge(self) -> u32 {
        self.width.max(self.height)
    }

    pub(crate) fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The size with this long edge and the same shape. No edge gets lost.
    pub(crate) fn with_long_edge(self, long_edge: u32) -> Self {
        let old = u64::from(self.long_edge()).max(1);
        let scaled = |edge: u32| {
            let rounded = (u64::from(edge) * u64::from(long_edge) + old / 2) / old;
            u32::try_from(rounded).unwrap_or(long_edge).max(1)
        };
        Self { width: scaled(self.width), height: scaled(self.height) }
    }
}

/// Whether the file was certainly written with loss. An extended WebP does not
/// tell at its beginning.
pub(crate) fn has_loss(file: &[u8]) -> bool {
    match ImageFormat::of_signature(file) {
        Some(ImageFormat::Jpeg) => true,
        Some(ImageFormat::WebP) => file.get(12..16) == Some(b"VP8 "),
        Some(ImageFormat::Png) | None => false,
    }
}

/// PNG §11.2.1: IHDR is the first chunk, its data begin with width and height.
fn png_size(file: &[u8]) -> Option<Size> {
    let chunk = file.get(12..24)?.strip_prefix(b"IHDR")?;
    let (width, height) = chunk.split_first_chunk::<4>()?;
    let height = height.first_chunk::<4>()?;
    Some(Size { width: u32::from_be_bytes(*width), height: u32::from_be_bytes(*height) })
}

/// ISO 10918-1 §B.2.2: the first frame header among the marker segments.
fn jpeg_size(file: &[u8]) -> Option<Size> {
    let mut rest = file.get(2..)?;
    for _ in 0..MOST_SEGMENTS {
        let [0xff, marker, high, low, body @ ..] = rest else { return None };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        match marker {
            // A fill byte before the marker.
            0xff => rest = rest.get(1..)?,
            // SOF0 to SOF15, less DHT, JPG and DAC.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let [_precision, h1, h0, w1, w0, ..] = body else { return None };
                let edge = |high: u8, low: u8| u32::from(u16::from_be_bytes([high, low]));
                return Some(Size { width: edge(*w1, *w0), height: edge(*h1, *h0) });
            }
            // The length counts itself.
            _ => rest = rest.get(length.max(2) + 2..)?,
        }
    }
    None
}

/// RFC 9649 §2.5 to §2.7: lossy, lossless and extended files.
fn webp_size(file: &[u8]) -> Option<Size> {
    let (kind, chunk) = file.get(12..)?.split_first_chunk::<4>()?;
    let data = chunk.get(4..)?;
    match (kind, data) {
        // A frame tag, the start code, then 14 bits of each edge (RFC 6386 §9.1).
        (b"VP8 ", [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..]) => {
            let edge = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            Some(Size { width: edge(*w0, *w1), height: edge(*h0, *h1) })
        }
        // A signature byte, then 14 bits of each edge less one.
        (b"VP8L", [0x2f, b0, b1, b2, b3, ..]) => {
            let bits = u32::from_le_bytes([*b0, *b1, *b2, *b3]);
            Some(Size { width: (bits & 0x3fff) + 1, height: (bits >> 14 & 0x3fff) + 1 })
        }
        // Flags, then 24 bits of each edge of the canvas less one.
        (b"VP8X", [_, _, _, _, w0, w1, w2, h0, h1, h2, ..]) => {
            let edge = |b0: u8, b1: u8, b2: u8| u32::from_le_bytes([b0, b1, b2, 0]) + 1;
            Some(Size { width: edge(*w0, *w1, *w2), height: edge(*h0, *h1, *h2) })
        }
        _ => None,
    }
}

/// RFC 9649 §2.3: the RIFF header tells the length of what follows it.
fn is_whole_riff(file: &[u8]) -> bool {
    let Some(([_, _, _, _, length @ ..], rest)) = file.split_first_chunk::<8>() else {
        return false;
    };
    u32::from_le_bytes(*length) as usize <= rest.len()
}

#[cfg(test)]
mod tests;
