//! How an image is to be turned to be upright, by its metadata.
//!
//! The rules are those of Pillow's `getexif` and `exif_transpose`: the tag `Orientation` of the EXIF block; where that has
//! no such tag, the attribute `tiff:Orientation` of the XMP packet. Values other than 1 to 8 leave the image as it lies.
//!
//! For a damaged block Pillow raises an exception or ignores it, by format and by what else the file says. Here it is as
//! if there were none: it says nothing about the pixels.

mod exif;
mod transpose;
mod xmp;

pub(super) use exif::PREFIX as EXIF_PREFIX;

use transpose::transpose;

/// What a file says about its image beside the pixels, as far as it can tell the orientation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    /// An EXIF block: a TIFF file, which a prefix may precede.
    pub(super) exif: Option<Vec<u8>>,
    /// An EXIF block in hexadecimal digits behind a heading, as ImageMagick writes it. It counts where there is no other.
    pub(super) exif_in_text: Option<Vec<u8>>,
    /// An XMP packet.
    pub(super) xmp: Option<Vec<u8>>,
    /// An XMP packet in a text chunk. It counts before the other.
    pub(super) xmp_in_text: Option<Vec<u8>>,
}

impl Metadata {
    /// The orientation, from 1 to 8. 1 is upright.
    fn orientation(&self) -> u8 {
        let block = match (&self.exif, &self.exif_in_text) {
            (Some(block), _) => Some(block.clone()),
            (None, text) => text.as_deref().and_then(exif::from_text),
        };
        let tag = block.and_then(|block| exif::orientation(&block));
        let packets = [&self.xmp_in_text, &self.xmp];
        let value = tag.or_else(|| {
            let packet = packets.into_iter().flatten().find(|packet| !packet.is_empty())?;
            xmp::orientation(packet).map(f64::from)
        });
        (1..=8).find(|orientation| value == Some(f64::from(*orientation))).unwrap_or(1)
    }

    /// The image turned upright.
    pub(super) fn upright(&self, image: image::RgbImage) -> image::RgbImage {
        transpose(image, self.orientation())
    }
}
