//! Each operation that only moves elements, as a [`StridedCopy`].

use super::strided_copy::{Level, OperandCopy, StridedCopy};
use super::{Movement, expect_rank};
use crate::layout::aligned;
use crate::{Launch, Layout, Reason, Target};
use ocellus_dialects::kernel::Moved;
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc;

/// Bytes of a tile, about: enough to be worth handing out.
const TILE_BYTES: i64 = 1 << 16;

/// The launch; `None` where no copy gives what is wanted.
pub(super) fn launch(
    op: &Moved,
    operands: &[Layout],
    result: &Layout,
    target: Target,
) -> Result<Option<Launch<Movement>>, Reason> {
    let element = result.ty.element;
    let extent = Rows::of(result);
    let (mut copies, tiles, row_bytes) = match op {
        Moved::Patchify(venc::Patchify { height, width, rows, cols }) => {
            expect_rank("patchify", 0, &operands[0], 4)?;
            let copy = patchify(&operands[0], result, (*height, *width), (rows, cols));
            let images = operands[0].ty.shape[0].clone();
            // One row of patches is some dozens of kilobytes in any model.
            (vec![copy], (images, rows.clone()), TILE_BYTES)
        }
        Moved::SplitHeads(venc::SplitHeads { heads }) => {
            expect_rank("split_heads", 0, &operands[0], 3)?;
            let (whole, split) = (&operands[0], result);
            let copy = heads_of(whole, split, *heads, |level| level);
            (vec![copy], rows_of_tokens(whole), row_bytes(whole))
        }
        Moved::MergeHeads(_) => {
            expect_rank("merge_heads", 0, &operands[0], 4)?;
            expect_rank("merge_heads", 1, result, 3)?;
            let (whole, split) = (result, &operands[0]);
            let heads = split.ty.shape[1].as_constant().ok_or_else(|| Reason::Dynamic {
                operand: 0,
                ty: split.ty.clone(),
                what: "the number of heads",
            })?;
            let exchange =
                |level: Level| Level { count: level.count, from: level.to, to: level.from };
            let copy = heads_of(whole, split, heads, exchange);
            (vec![copy], rows_of_tokens(whole), row_bytes(whole))
        }
        Moved::Concat(venc::Concat { axis: 1 }) if result.ty.rank() == 3 => {
            for (position, layout) in operands.iter().enumerate() {
                expect_rank("concat", position, layout, 3)?;
            }
            (concat_tokens(operands, result), (extent.images, extent.rows), row_bytes(result))
        }
        Moved::SliceTokens(venc::SliceTokens { start, .. }) => {
            expect_rank("slice_tokens", 0, &operands[0], 3)?;
            let mut copy = rows_copy(0, &Rows::of(&operands[0]), &extent, result.ty.width());
            copy.from = Dim::from(*start) * operands[0].row_stride.clone();
            (vec![copy], (extent.images, extent.rows), row_bytes(result))
        }
        Moved::BroadcastImages(_) => {
            let mut from = Rows::of(&operands[0]);
            match result.ty.rank() {
                0 | 1 => {
                    let why = format!("expand reads rows, and its result is {}", result.ty);
                    return Err(Reason::Unsupported(why));
                }
                2 => from.row_stride = Dim::from(0),
                _ => from.image_stride = Dim::from(0),
            }
            let copy = rows_copy(0, &from, &extent, result.ty.width());
            (vec![copy], (extent.images, extent.rows), row_bytes(result))
        }
        Moved::Concat(venc::Concat { axis }) if axis + 1 == result.ty.rank() => {
            let copies = concat_columns(operands, &extent);
            (copies, (extent.images, extent.rows), row_bytes(result))
        }
        Moved::Concat(_)
        | Moved::GatherRows(_)
        | Moved::InterpolatePositions(_)
        | Moved::InversePermutation(_)
        | Moved::MaskSegments(_)
        | Moved::MeanTokens(_)
        | Moved::Rope(_) => return Ok(None),
    };
    for copy in &mut copies {
        copy.at_once = at_once(copy, operands.get(copy.operand), result, target);
    }
    let tile_rows = target.tile_rows((TILE_BYTES / row_bytes.max(1)).max(1));
    Ok(Some(StridedCopy::launch(element, tile_rows, tiles, &copies)))
}

/// How many elements a thread copies at once: as many as every run begins at a multiple of.
fn at_once(copy: &OperandCopy, operand: Option<&Layout>, result: &Layout, target: Target) -> i64 {
    match (target, operand) {
        (Target::Cpu(_), _) | (Target::Nvidia(_), None) => 1,
        (Target::Nvidia(_), Some(operand)) => {
            let start = operand.start_alignment.min(result.start_alignment);
            result.vector_from(copy.distances().fold(start, aligned))
        }
    }
}

/// Bytes of a row, or what is usual where that is known only at run time.
fn row_bytes(layout: &Layout) -> i64 {
    layout.ty.width().as_constant().unwrap_or(1024) * layout.ty.element.bytes()
}

/// A tensor as images of rows. One of rank 2 is one image.
#[derive(Clone, Debug)]
struct Rows {
    images: Dim,
    rows: Dim,
    image_stride: Dim,
    row_stride: Dim,
}

impl Rows {
    fn of(layout: &Layout) -> Self {
        let (images, rows, image_stride) = match layout.ty.rank() {
            0..=2 => (Dim::from(1), layout.ty.rows(), Dim::from(0)),
            _ => {
                let images = layout.ty.shape[0].clone();
                (images, layout.rows_per_image(), layout.image_stride.clone())
            }
        };
        Rows { images, rows, image_stride, row_stride: layout.row_stride.clone() }
    }
}

/// All rows of an operand, one after the other, from the start of each image of the result.
fn rows_copy(operand: usize, from: &Rows, to: &Rows, run: Dim) -> OperandCopy {
    OperandCopy {
        operand,
        from: Dim::from(0),
        to: Dim::from(0),
        run,
        at_once: 1,
        levels: [
            Level {
                count: to.images.clone(),
                from: from.image_stride.clone(),
                to: to.image_stride.clone(),
            },
            Level {
                count: to.rows.clone(),
                from: from.row_stride.clone(),
                to: to.row_stride.clone(),
            },
        ],
        inner: vec![],
    }
}

/// `image[images, channels, H, W] -> [images, rows*cols, channels*height*width]`: a run is a row of pixels of a patch.
fn patchify(
    image: &Layout,
    result: &Layout,
    (height, width): (i64, i64),
    (rows, cols): (&Dim, &Dim),
) -> OperandCopy {
    let pixel_row = image.row_stride.clone();
    let channel = image.ty.shape[2].clone() * pixel_row.clone();
    let (height_dim, width_dim) = (Dim::from(height), Dim::from(width));
    let patch = result.row_stride.clone();
    OperandCopy {
        operand: 0,
        from: Dim::from(0),
        to: Dim::from(0),
        run: width_dim.clone(),
        at_once: 1,
        levels: [
            Level {
                count: image.ty.shape[0].clone(),
                from: image.image_stride.clone(),
                to: result.image_stride.clone(),
            },
            Level {
                count: rows.clone(),
                from: height_dim.clone() * pixel_row.clone(),
                to: cols.clone() * patch.clone(),
            },
        ],
        inner: vec![
            Level { count: cols.clone(), from: width_dim.clone(), to: patch },
            Level {
                count: image.ty.shape[1].clone(),
                from: channel,
                to: height_dim.clone() * width_dim.clone(),
            },
            Level { count: height_dim, from: pixel_row, to: width_dim },
        ],
    }
}

/// `whole[images, tokens, heads*d]` and `split[images, heads, tokens, d]`; `direct` makes of a level from whole to split
/// one in the direction that is wanted.
fn heads_of(
    whole: &Layout,
    split: &Layout,
    heads: i64,
    direct: impl Fn(Level) -> Level,
) -> OperandCopy {
    let head_size = split.ty.width();
    let tokens = whole.ty.shape[1].clone();
    OperandCopy {
        operand: 0,
        from: Dim::from(0),
        to: Dim::from(0),
        run: head_size.clone(),
        at_once: 1,
        levels: [
            direct(Level {
                count: whole.ty.shape[0].clone(),
                from: whole.image_stride.clone(),
                to: split.image_stride.clone(),
            }),
            direct(Level {
                count: tokens.clone(),
                from: whole.row_stride.clone(),
                to: split.row_stride.clone(),
            }),
        ],
        inner: vec![direct(Level {
            count: Dim::from(heads),
            from: head_size,
            to: tokens * split.row_stride.clone(),
        })],
    }
}

fn rows_of_tokens(whole: &Layout) -> (Dim, Dim) {
    (whole.ty.shape[0].clone(), whole.ty.shape[1].clone())
}

/// Operands one after the other in each image. One with an image stride of zero is the same in each.
fn concat_tokens(operands: &[Layout], result: &Layout) -> Vec<OperandCopy> {
    let to = Rows::of(result);
    let mut before = Dim::from(0);
    let mut copies = vec![];
    for (position, layout) in operands.iter().enumerate() {
        let mut copy = rows_copy(position, &Rows::of(layout), &to, result.ty.width());
        copy.levels[1].count = layout.ty.shape[1].clone();
        copy.to = before.clone() * to.row_stride.clone();
        before = before + layout.ty.shape[1].clone();
        copies.push(copy);
    }
    copies
}

/// Operands one after the other in each row.
fn concat_columns(operands: &[Layout], to: &Rows) -> Vec<OperandCopy> {
    let mut before = Dim::from(0);
    let mut copies = vec![];
    for (position, layout) in operands.iter().enumerate() {
        let mut copy = rows_copy(position, &Rows::of(layout), to, layout.ty.width());
        copy.to = before.clone();
        before = before + layout.ty.width();
        copies.push(copy);
    }
    copies
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Argument, Tiles};
    use ocellus_dialects::{ElementType, TensorType};

    fn layout(shape: &[&str]) -> Layout {
        let dims = shape.iter().map(|dim| dim.parse::<Dim>().unwrap());
        Layout::contiguous(&TensorType::new(ElementType::F32, dims))
    }

    /// The words of the argument block: `x0` and `result` are addresses.
    fn words(launch: &Launch<Movement>) -> String {
        let word = |argument: &Argument| match argument {
            Argument::Operand(position) => format!("x{position}"),
            Argument::Result => "result".to_string(),
            Argument::Integer(dim) => dim.to_string(),
        };
        launch.arguments.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    const CPU: Target = Target::Cpu(crate::CpuTarget::X86_64_V4);

    #[test]
    fn patches_are_runs_of_pixels_at_symbolic_strides() {
        let image = layout(&["images", "3", "height", "width"]);
        let result = layout(&["images", "rows*cols", "768"]);
        let [rows, cols] = ["rows", "cols"].map(|name| name.parse::<Dim>().unwrap());
        let op = venc::Patchify { height: 16, width: 16, rows: rows.clone(), cols };
        let launched = launch(&op.into(), &[image], &result, CPU).unwrap().unwrap();
        assert_eq!(
            words(&launched),
            "rows, result, x0, 0, 0, 16, 3*height*width, 768*cols*rows, \
             rows, 16*width, 768*cols, cols, 16, 768, 3, height*width, 256, 16, width, 16"
        );
        assert_eq!(launched.tiles, Tiles(vec![("images".parse().unwrap(), 1), (rows, 1)]));
    }

    #[test]
    fn a_class_token_that_all_images_share_stands_before_the_patches() {
        let mut class = layout(&["images", "1", "768"]);
        class.image_stride = Dim::from(0);
        let patches = layout(&["images", "tokens", "768"]);
        let result = layout(&["images", "tokens + 1", "768"]);
        let op = venc::Concat { axis: 1 };
        let launched = launch(&op.into(), &[class, patches], &result, CPU).unwrap().unwrap();
        assert_eq!(
            words(&launched),
            "tokens + 1, result, x0, 0, 0, 768, 0, 768*tokens + 768, 1, 768, 768, \
             x1, 0, 768, 768, 768*tokens, 768*tokens + 768, tokens, 768, 768"
        );
    }
}
