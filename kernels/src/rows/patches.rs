//! Patches of an image, read as rows.
//!
//! A row is gathered into scratch when it is asked for, so that whoever reads it finds it in one run. The copy moves
//! whole runs of pixels, whatever their width; to store runs of 14 pixels where a panel of 8 wants them would take a
//! store for every two.

use super::ArgumentReader;
use crate::mlir::{Builder, Value};
use crate::vector::{self, Width};
use crate::words::Words;
use crate::{Argument, CpuTarget, Layout, PatchLayout, Reason};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Walk};

/// What code depends on of the patches that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PatchOperand {
    /// How pixels are stored.
    pub element: ElementType,
    /// Channels of the image.
    pub channels: i64,
    /// Pixels in a patch, downwards.
    pub height: i64,
    /// Pixels in a patch, across.
    pub width: i64,
}

impl PatchOperand {
    /// The patches of that layout, and the words that [`PatchOperand::read`] reads.
    pub fn of(
        position: usize,
        layout: &Layout,
        patches: &PatchLayout,
    ) -> Result<(Self, Vec<Argument>), Reason> {
        let ty = &layout.ty;
        let channels = patches.channels.as_constant().ok_or_else(|| Reason::Dynamic {
            operand: position,
            ty: ty.clone(),
            what: "the channels of the image",
        })?;
        let PatchLayout { height, width, .. } = *patches;
        let wanted = Dim::from(channels) * Dim::from(height) * Dim::from(width);
        if ty.width() != wanted {
            return Err(Reason::Width { operand: position, ty: ty.clone(), wanted });
        }
        let integers = [
            &layout.image_stride,
            &patches.channel_stride,
            &patches.pixel_row_stride,
            &layout.rows_per_image(),
            &patches.cols,
        ];
        let words = std::iter::once(Argument::Operand(position))
            .chain(integers.map(|dim| Argument::Integer(dim.clone())));
        Ok((PatchOperand { element: ty.element, channels, height, width }, words.collect()))
    }

    /// Declares those words, where `rows` patches are read.
    pub(crate) fn declare(&self, words: &mut Words, rows: Amount) {
        let at = words.address();
        let [image, channel, pixel_row] = [0, 1, 2].map(|_| words.distance());
        let [patches, cols] = [0, 1].map(|_| words.positive());
        let images = rows.clone().ceil_div(patches.clone());
        let down = rows.min(patches).ceil_div(cols.clone());
        let walk = Walk::run(self.width)
            .times(images, image)
            .times(down, pixel_row.clone() * self.height)
            .times(cols, self.width)
            .times(self.channels, channel)
            .times(self.height, pixel_row);
        words.read(at, self.element, [walk]);
    }

    /// Bytes of scratch that hold one row.
    pub fn scratch_bytes(&self) -> i64 {
        self.channels * self.height * self.width * self.element.bytes()
    }

    /// The patches at run time. `scratch` is where a row is gathered.
    pub fn read(
        &self,
        b: &mut Builder,
        arguments: &mut ArgumentReader,
        scratch: Value,
    ) -> BoundPatches {
        let image = arguments.pointer(b);
        let [image_bytes, channel_bytes, pixel_row_bytes] = [0, 1, 2].map(|_| {
            let elements = arguments.integer(b);
            b.mul_constant(elements, self.element.bytes())
        });
        let [patches, cols] = [0, 1].map(|_| arguments.integer(b));
        BoundPatches {
            operand: *self,
            image,
            image_bytes,
            channel_bytes,
            pixel_row_bytes,
            patches,
            cols,
            scratch,
        }
    }
}

/// Patches at run time.
#[derive(Clone, Copy, Debug)]
pub struct BoundPatches {
    operand: PatchOperand,
    image: Value,
    image_bytes: Value,
    channel_bytes: Value,
    pixel_row_bytes: Value,
    /// Patches of an image.
    patches: Value,
    /// Patches across.
    cols: Value,
    scratch: Value,
}

impl BoundPatches {
    /// How pixels are stored.
    pub fn element(&self) -> ElementType {
        self.operand.element
    }

    /// Gathers a row. The address is good until the next row is asked for.
    pub fn row(&self, b: &mut Builder, target: &CpuTarget, row: Value) -> Value {
        let PatchOperand { element, channels, height, width } = self.operand;
        let run_bytes = width * element.bytes();
        let patch = self.patch(b, row);
        let [zero, channels, height_value] = [0, channels, height].map(|count| b.i64(count));
        b.for_each((zero, channels, 1), |b, channel| {
            let bytes = b.mul(channel, self.channel_bytes);
            let from = b.offset(patch, bytes);
            let bytes = b.mul_constant(channel, height * run_bytes);
            let to = b.offset(self.scratch, bytes);
            b.for_each((zero, height_value, 1), |b, line| {
                let bytes = b.mul(line, self.pixel_row_bytes);
                let from = b.offset(from, bytes);
                let bytes = b.mul_constant(line, run_bytes);
                let to = b.offset(to, bytes);
                vector::copy(b, target, element, Width::Static(width), (from, to));
            });
        });
        self.scratch
    }

    /// The address of the first pixel of a row's patch.
    fn patch(&self, b: &mut Builder, row: Value) -> Value {
        let image = b.div(row, self.patches);
        let patch = b.rem(row, self.patches);
        let down = b.div(patch, self.cols);
        let across = b.rem(patch, self.cols);
        let bytes = b.mul(image, self.image_bytes);
        let image = b.offset(self.image, bytes);
        let down = b.mul_constant(down, self.operand.height);
        let bytes = b.mul(down, self.pixel_row_bytes);
        let line = b.offset(image, bytes);
        let bytes = b.mul_constant(across, self.operand.width * self.operand.element.bytes());
        b.offset(line, bytes)
    }
}
