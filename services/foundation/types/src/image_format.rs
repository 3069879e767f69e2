use serde::Deserialize;

/// The kinds of image files that clients send and language models read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// RFC 9649.
    WebP,
    /// ISO/IEC 15948.
    Png,
    /// ISO/IEC 10918-1.
    Jpeg,
}

// === impl ImageFormat ===

impl ImageFormat {
    /// The kind by the file's signature: PNG §5.2, JPEG (ISO 10918-1 SOI marker),
    /// WebP (RIFF container, RFC 9649 §2.4). The rest of the file is not looked at.
    #[must_use]
    pub const fn of_signature(file: &[u8]) -> Option<Self> {
        match file {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            _ => None,
        }
    }

    /// The media type, e.g. `image/png`.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::WebP => "image/webp",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }
}
