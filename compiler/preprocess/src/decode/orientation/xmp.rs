//! The attribute `tiff:Orientation` of an XMP packet.

/// How the attribute, or the element, begins.
const BEGINNINGS: [&[u8]; 2] = [b"tiff:Orientation=\"", b"tiff:Orientation>"];

/// The first digit that is the attribute's value. The packet is searched, not parsed, as Pillow does.
pub(super) fn orientation(packet: &[u8]) -> Option<u8> {
    (0..packet.len()).find_map(|at| {
        let rest = &packet[at..];
        let digit =
            *BEGINNINGS.iter().find_map(|beginning| rest.strip_prefix(*beginning))?.first()?;
        digit.is_ascii_digit().then(|| digit - b'0')
    })
}
