//! The appcast: an RSS feed with Sparkle's elements.
//!
//! [`render`] writes it, byte for byte the same for the same releases;
//! [`read`] understands it as clients do, with everything that they forgive;
//! [`check`] forgives nothing, because one bad item makes clients reject the
//! whole feed and a forgiven mistake changes who is offered what. [`sign`] and
//! [`verify`] are for clients that require signed feeds (Sparkle 2.9).

mod check;
mod item;
mod read;
mod render;
mod trailer;

pub use check::check;
pub use item::{Appcast, DeltaEnclosure, Enclosure, Informing, Item, ItemTranslation};
pub use read::read;
pub use render::{FeedInfo, Release, render};
pub use trailer::{content, sign, verify};

/// The namespace of Sparkle's elements. Clients match this text exactly; it is
/// a name, not an address, and an https spelling is another name.
pub const NAMESPACE: &str = "http://www.andymatuschak.org/xml-namespaces/sparkle";

/// RFC 822 as Sparkle reads it (`E, dd MMM yyyy HH:mm:ss Z`).
const DATE_FORMAT: &str = "%a, %d %b %Y %H:%M:%S %z";

#[cfg(test)]
mod tests;
