//! The appcast: an RSS feed with Sparkle's elements.
//!
//! [`render`] writes it, byte for byte the same for the same releases;
//! [`check`] reads it as strictly as the strictest client, because one bad item
//! makes clients reject the whole feed.

mod check;
mod render;

pub use check::{Enclosure, Item, check};
pub use render::{FeedInfo, Release, render};

/// The namespace of Sparkle's elements. Clients match this text exactly; it is
/// a name, not an address, and an https spelling is another name.
pub const NAMESPACE: &str = "http://www.andymatuschak.org/xml-namespaces/sparkle";

/// RFC 822 as Sparkle reads it (`E, dd MMM yyyy HH:mm:ss Z`).
const DATE_FORMAT: &str = "%a, %d %b %Y %H:%M:%S %z";

#[cfg(test)]
mod tests;
