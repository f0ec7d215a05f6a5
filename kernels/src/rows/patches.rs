//! Patches of an image, read as rows.
//!
//! On a CPU a row is gathered into scratch when it is asked for, so that whoever reads it finds it in one run. The copy moves
//! whole runs of pixels, whatever their width; to store runs of 14 pixels where a panel of 8 wants them would take a
//! store for every two. The threads of a GPU copy their parts of a row from where they lie.

use crate::arguments::{
    Address, Distance, Given, Placed, Positive, Tensor, Words, argument_block, constants,
};
use crate::mlir::{Builder, Scalar, Type, Value};
use crate::vector::{self, Width};
use crate::{Layout, PatchLayout, Reason, Target};
use ocellus_dialects::ElementType;
use ocellus_dialects::symbolic::Dim;
use ocellus_runtime::signature::{Amount, Walk};

/// What code depends on of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Patch {
    /// How pixels are stored.
    pub element: ElementType,
    /// Channels of the image.
    pub channels: i64,
    /// Pixels in a patch, downwards.
    pub height: i64,
    /// Pixels in a patch, across.
    pub width: i64,
}

constants!(Patch);

impl Patch {
    /// Bytes of one row.
    pub(crate) fn bytes(&self) -> i64 {
        self.channels * self.height * self.width * self.element.bytes()
    }
}

argument_block! {
    /// Patches of images.
    pub struct PatchOperand<S> {
        /// What each is.
        pub patch: Patch,
        /// The first image.
        pub start: Address<S>,
        /// From each image to the next.
        pub image_stride: Distance<S>,
        /// From each channel to the next.
        pub channel_stride: Distance<S>,
        /// From each row of pixels to the next.
        pub pixel_row_stride: Distance<S>,
        /// Patches of an image.
        pub patches: Positive<S>,
        /// Patches across.
        pub cols: Positive<S>,
    }
}

impl PatchOperand<Given> {
    /// The patches of the operand at that position, of that layout.
    pub(crate) fn of(
        position: usize,
        layout: &Layout,
        patches: &PatchLayout,
    ) -> Result<Self, Reason> {
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
        Ok(PatchOperand {
            patch: Patch { element: ty.element, channels, height, width },
            start: Address(Tensor::Operand(position)),
            image_stride: Distance(layout.image_stride.clone()),
            channel_stride: Distance(patches.channel_stride.clone()),
            pixel_row_stride: Distance(patches.pixel_row_stride.clone()),
            patches: Positive(layout.rows_per_image()),
            cols: Positive(patches.cols.clone()),
        })
    }
}

impl PatchOperand<Placed> {
    /// The kernel reads so many patches.
    pub(crate) fn read(&self, words: &mut Words, rows: &Amount) {
        let Patch { element, channels, height, width } = self.patch;
        let (patches, cols) = (self.patches.amount(), self.cols.amount());
        let images = rows.clone().ceil_div(patches.clone());
        let down = rows.clone().min(patches).ceil_div(cols.clone());
        let pixel_row = self.pixel_row_stride.amount();
        let walk = Walk::run(width)
            .times(images, self.image_stride.amount())
            .times(down, pixel_row.clone() * height)
            .times(cols, width)
            .times(channels, self.channel_stride.amount())
            .times(height, pixel_row);
        words.read(&self.start, element, [walk]);
    }
}

/// Patches at run time.
#[derive(Clone, Copy, Debug)]
pub struct BoundPatches {
    patch: Patch,
    image: Value,
    image_bytes: Value,
    channel_bytes: Value,
    pixel_row_bytes: Value,
    /// Patches of an image.
    patches: Value,
    /// Patches across.
    cols: Value,
}

impl BoundPatches {
    /// The patches, of which the argument block is given.
    pub(crate) fn load(b: &mut Builder, block: Value, operand: &PatchOperand<Placed>) -> Self {
        let element = operand.patch.element;
        BoundPatches {
            patch: operand.patch,
            image: operand.start.load(b, block),
            image_bytes: operand.image_stride.load_bytes(b, block, element),
            channel_bytes: operand.channel_stride.load_bytes(b, block, element),
            pixel_row_bytes: operand.pixel_row_stride.load_bytes(b, block, element),
            patches: operand.patches.load(b, block),
            cols: operand.cols.load(b, block),
        }
    }

    /// The address of the first pixel of a row's patch.
    pub(crate) fn start(&self, b: &mut Builder, row: Value) -> Value {
        let image = b.div(row, self.patches);
        let patch = b.rem(row, self.patches);
        let down = b.div(patch, self.cols);
        let across = b.rem(patch, self.cols);
        let bytes = b.mul(image, self.image_bytes);
        let image = b.offset(self.image, bytes);
        let down = b.mul_constant(down, self.patch.height);
        let bytes = b.mul(down, self.pixel_row_bytes);
        let line = b.offset(image, bytes);
        let bytes = b.mul_constant(across, self.patch.width * self.patch.element.bytes());
        b.offset(line, bytes)
    }

    /// How many bytes behind the first pixel of a patch another lies: that of a column, `i32`, of its row.
    pub(crate) fn pixel(&self, b: &mut Builder, column: Value) -> Value {
        let Patch { element, height, width, .. } = self.patch;
        let [of_channel, of_line] =
            [height * width, width].map(|pixels| b.integer(pixels, Type::I32));
        let channel = b.div(column, of_channel);
        let within = b.rem(column, of_channel);
        let line = b.div(within, of_line);
        let across = b.rem(within, of_line);
        let [channel, line, across] =
            [channel, line, across].map(|number| b.extend_unsigned(number, Scalar::I64));
        let channel = b.mul(channel, self.channel_bytes);
        let line = b.mul(line, self.pixel_row_bytes);
        let across = b.mul_constant(across, element.bytes());
        let line = b.add(line, across);
        b.add(channel, line)
    }
}

/// Patches that are gathered, each into one run when it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct GatheredPatches {
    patches: BoundPatches,
    scratch: Value,
}

impl GatheredPatches {
    /// Such patches; a row is gathered there.
    pub(crate) fn new(patches: BoundPatches, scratch: Value) -> Self {
        GatheredPatches { patches, scratch }
    }

    /// How pixels are stored.
    pub fn element(&self) -> ElementType {
        self.patches.patch.element
    }

    /// Gathers a row. The address is good until the next row is asked for.
    pub fn row(&self, b: &mut Builder, target: impl Into<Target>, row: Value) -> Value {
        let target = target.into();
        let Patch { element, channels, height, width } = self.patches.patch;
        let run_bytes = width * element.bytes();
        let patch = self.patches.start(b, row);
        let [zero, channels, height_value] = [0, channels, height].map(|count| b.i64(count));
        b.for_each((zero, channels, 1), |b, channel| {
            let bytes = b.mul(channel, self.patches.channel_bytes);
            let from = b.offset(patch, bytes);
            let bytes = b.mul_constant(channel, height * run_bytes);
            let to = b.offset(self.scratch, bytes);
            b.for_each((zero, height_value, 1), |b, line| {
                let bytes = b.mul(line, self.patches.pixel_row_bytes);
                let from = b.offset(from, bytes);
                let bytes = b.mul_constant(line, run_bytes);
                let to = b.offset(to, bytes);
                vector::copy(b, target, element, Width::Static(width), (from, to));
            });
        });
        self.scratch
    }
}
