//! [`Access`]: which memory an operand reads, from which element on, and with which strides. Views are resolved.
//!
//! Before:
//! ```text
//! %qkv = launch gemm ..                : [images, 197, 2304] x f32
//! %k   = view columns %qkv {start = 768} : [images, 197, 768] x f32
//! ```
//! After: `%k` reads `%qkv` from element 768 on, rows 2304 elements apart, images 197*2304.

use crate::Layout;
use ocellus_dialects::kernel::{Function, ValueKind};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::ValueId;

/// An operand as a kernel reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// The value whose memory it is; no view.
    pub base: ValueId,
    /// The first element, counted from the base's.
    pub offset: Dim,
    /// The type and the strides.
    pub layout: Layout,
}

/// A view that strides cannot express.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{view} of {of} cannot be read through strides")]
pub struct NotStrided {
    /// The view.
    view: String,
    /// The type of what it views.
    of: String,
}

impl Access {
    /// How `id` is read.
    pub fn of(function: &Function, id: ValueId) -> Result<Access, NotStrided> {
        let value = function.value(id);
        let ValueKind::View(view, of) = &value.kind else {
            let layout = Layout::contiguous(&value.ty);
            return Ok(Access { base: id, offset: Dim::from(0), layout });
        };
        let Access { base, offset, layout } = Access::of(function, *of)?;
        let not_strided = || NotStrided { view: format!("{view:?}"), of: layout.ty.to_string() };
        let (further, layout) = layout.view(view, &value.ty).ok_or_else(not_strided)?;
        Ok(Access { base, offset: offset + further, layout })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_dialects::ElementType::F32;
    use ocellus_dialects::TensorType;
    use ocellus_dialects::kernel::{Value, View};
    use ocellus_dialects::symbolic::Symbol;
    use ocellus_dialects::venc::{Patchify, Reshape, SelectToken, SliceColumns, SliceTokens};

    /// `%0: [images, 5, 12]` and a chain of views of it, each with the type it gives.
    fn chain(views: Vec<(View, Vec<i64>)>) -> Result<Access, NotStrided> {
        let images = Dim::symbol(&Symbol::new("images"));
        let ty = TensorType::new(F32, [images.clone(), Dim::from(5), Dim::from(12)]);
        let mut values = vec![Value { kind: ValueKind::Step(0), ty }];
        for (position, (view, dims)) in views.into_iter().enumerate() {
            let shape = std::iter::once(images.clone()).chain(dims.into_iter().map(Dim::from));
            let kind = ValueKind::View(view, ValueId(position as u32));
            values.push(Value { kind, ty: TensorType::new(F32, shape) });
        }
        let last = ValueId(values.len() as u32 - 1);
        let name = "f".to_string();
        let function = Function { name, arguments: vec![], values, steps: vec![], results: vec![] };
        Access::of(&function, last)
    }

    /// Four columns.
    fn columns(start: i64) -> View {
        SliceColumns { start, length: 4 }.into()
    }

    fn reshape(dims: &[i64]) -> View {
        let images = std::iter::once(Dim::symbol(&Symbol::new("images")));
        Reshape { shape: images.chain(dims.iter().map(|dim| Dim::from(*dim))).collect() }.into()
    }

    #[test]
    fn views_compose_into_an_offset_and_strides() {
        let select = (SelectToken { index: 2 }.into(), vec![12]);
        let access = chain(vec![select, (columns(4), vec![4])]).unwrap();
        assert_eq!(access.base, ValueId(0));
        assert_eq!(access.offset, Dim::from(2 * 12 + 4));
        assert_eq!(access.layout.row_stride, Dim::from(60));
    }

    #[test]
    fn tokens_of_each_image_keep_their_distances() {
        let tokens = (SliceTokens { start: 2, length: Dim::from(3) }.into(), vec![3, 12]);
        let access = chain(vec![tokens, (columns(4), vec![3, 4])]).unwrap();
        assert_eq!(access.offset, Dim::from(2 * 12 + 4));
        assert_eq!(access.layout.row_stride, Dim::from(12));
        assert_eq!(access.layout.image_stride, Dim::from(60));
    }

    #[test]
    fn patches_lie_in_an_image_and_are_read_as_they_are() {
        let (rows, cols) = (Dim::from(2), Dim::from(3));
        let patches = View::from(Patchify { height: 2, width: 4, rows, cols });
        let image = (reshape(&[1, 5, 12]), vec![1, 5, 12]);
        let access = chain(vec![image.clone(), (patches.clone(), vec![6, 8])]).unwrap();
        assert_eq!(access.layout.image_stride, Dim::from(60));
        let found = access.layout.patches.unwrap();
        assert_eq!((found.channels, found.cols), (Dim::from(1), Dim::from(3)));
        assert_eq!((found.pixel_row_stride, found.channel_stride), (Dim::from(12), Dim::from(60)));
        assert!(chain(vec![(patches.clone(), vec![6, 8])]).is_err());
        let columns = (columns(4), vec![6, 4]);
        assert!(chain(vec![image, (patches.clone(), vec![6, 8]), columns]).is_err());
    }

    #[test]
    fn only_contiguous_memory_takes_another_shape() {
        assert!(chain(vec![(reshape(&[60]), vec![60])]).is_ok());
        let error = chain(vec![(columns(4), vec![5, 4]), (reshape(&[20]), vec![20])]);
        assert!(error.unwrap_err().to_string().contains("Reshape"));
    }
}
