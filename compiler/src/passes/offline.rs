//! Work on weights alone, described now and done when the artifact is written: one weight in memory at a time.
//!
//! Before:
//! ```text
//! %2 = offline venc.concat %wq, %wk, %wv {axis = 0}     %3 = launch gemm(%x, %2)
//! ```
//! After: the gemm reads the artifact's tensor `concat(q.weight, k.weight, v.weight) {axis 0}`, packed in panels.

use super::PassError;
use ocellus_checkpoint::{NonFiniteWeight, WeightSource, non_finite, non_finite_result};
use ocellus_dialects::kernel::{Function, ValueKind};
use ocellus_dialects::symbolic::{Bindings, Dim};
use ocellus_dialects::venc::{self, Concat, Op, Source, ValueId, Weight};
use ocellus_dialects::{ElementType, TensorType};
use ocellus_kernels::gemm::{WeightPacker, WeightPacking};
use ocellus_runtime::HostTensor;

/// How a tensor is made from the checkpoint's. Recipes are equal where they do the same to the same tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightRecipe {
    /// What it is: a tensor of the checkpoint ([`Op::Weight`]), or an operation on such.
    pub op: Op,
    /// What the operation is applied to.
    pub operands: Vec<WeightRecipe>,
    /// Its type.
    pub ty: TensorType,
}

// The numbers of an operation are never NaN: a module with such an attribute is refused.
impl Eq for WeightRecipe {}

impl std::hash::Hash for WeightRecipe {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // Numbers have no hash: recipes of the same shape that differ in these are told apart by comparing them.
        std::mem::discriminant(&self.op).hash(state);
        if let Source::Checkpoint(name) = self.op.source() {
            name.hash(state);
        }
        self.operands.hash(state);
        self.ty.hash(state);
    }
}

/// A tensor of the artifact. Pieces that read one weight in two ways have two of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PackedWeight {
    /// What it is.
    pub recipe: WeightRecipe,
    /// How it lies in memory, where that is not row by row.
    pub packing: Option<WeightPacking>,
}

impl PackedWeight {
    /// The name of the tensor in the artifact. Equal tensors have equal names, and different ones different names.
    pub fn name(&self) -> String {
        match &self.packing {
            Some(packing) => format!("{} in {packing}", self.recipe),
            None => self.recipe.to_string(),
        }
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> Result<u64, PassError> {
        let ty = &self.recipe.ty;
        let bytes = match &self.packing {
            Some(packing) => i64::try_from(packing.bytes()).ok(),
            None => (ty.elements() * Dim::from(ty.element.bytes())).as_constant(),
        };
        bytes.and_then(|bytes| u64::try_from(bytes).ok()).ok_or_else(|| PassError::WeightSize {
            recipe: self.recipe.to_string(),
            ty: ty.clone(),
        })
    }

    /// How many bytes are in memory at most while it is packed: the packed weight, and what it is made of.
    pub fn bytes_to_pack(&self) -> u64 {
        let parts = self.recipe.parts();
        let largest = parts.iter().map(|part| part.bytes_to_evaluate()).max().unwrap_or(0);
        self.bytes().unwrap_or(0).saturating_add(largest)
    }

    /// The bytes, made from the checkpoint's tensors. What stands one after the other is made, stored and dropped one
    /// after the other.
    pub fn pack(&self, weights: &dyn WeightSource) -> Result<Packed, PassError> {
        let (mut store, mut warnings) = (None, vec![]);
        for part in self.recipe.parts() {
            let tensor = part.evaluate_watched(weights, &mut warnings)?;
            // Not before the first part is made: that takes memory of its own.
            let store = match &mut store {
                Some(store) => store,
                none => none.insert(Store::new(self)?),
            };
            store.push(&tensor.data);
        }
        let bytes = store.map_or(Ok(vec![]), Store::finish)?;
        Ok(Packed { bytes, warnings })
    }
}

/// A packed weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// As they lie in the artifact.
    pub bytes: Vec<u8>,
    /// What it is made of, or became, that is not finite.
    pub warnings: Vec<NonFiniteWeight>,
}

/// Numbers that are stored as they come. No second copy of all of them is made on the way into panels.
struct Store<'a> {
    element: ElementType,
    place: StorePlace<'a>,
}

enum StorePlace<'a> {
    Rows(Vec<u8>),
    /// Some rows at a time go through a buffer.
    Panels {
        packer: WeightPacker<'a>,
        numbers_at_once: usize,
        buffer: Vec<u8>,
    },
}

/// Bytes that are stored before they are packed: they stay in the second-level cache.
const BYTES_AT_ONCE: usize = 1 << 18;

impl<'a> Store<'a> {
    fn new(weight: &'a PackedWeight) -> Result<Self, PassError> {
        let element = weight.recipe.ty.element;
        if let Some(packing) = &weight.packing {
            let rows = (BYTES_AT_ONCE / packing.row_bytes().max(1)).max(1);
            let numbers_at_once = rows * packing.columns.max(1) as usize;
            let packer = packing.begin()?;
            let place = StorePlace::Panels { packer, numbers_at_once, buffer: vec![] };
            return Ok(Store { element, place });
        }
        let mut bytes = vec![];
        let wanted = weight.bytes()?;
        match usize::try_from(wanted).map(|wanted| bytes.try_reserve_exact(wanted)) {
            Ok(Ok(())) => Ok(Store { element, place: StorePlace::Rows(bytes) }),
            _ => {
                let recipe = weight.recipe.to_string();
                Err(PassError::OutOfMemory { recipe, bytes: wanted })
            }
        }
    }

    /// The next numbers, whole rows where there are panels.
    fn push(&mut self, numbers: &[f32]) {
        match &mut self.place {
            StorePlace::Rows(bytes) => append(bytes, numbers, self.element),
            StorePlace::Panels { packer, numbers_at_once, buffer } => {
                for numbers in numbers.chunks(*numbers_at_once) {
                    buffer.clear();
                    append(buffer, numbers, self.element);
                    packer.push(buffer);
                }
            }
        }
    }

    fn finish(self) -> Result<Vec<u8>, PassError> {
        match self.place {
            StorePlace::Rows(bytes) => Ok(bytes),
            StorePlace::Panels { packer, .. } => Ok(packer.finish()?),
        }
    }
}

/// Numbers in a storage, rounded to nearest, little endian.
fn append(bytes: &mut Vec<u8>, numbers: &[f32], element: ElementType) {
    match element {
        ElementType::I32 => append_as(bytes, numbers, |x| (x as i32).to_le_bytes()),
        ElementType::F32 => append_as(bytes, numbers, f32::to_le_bytes),
        ElementType::BF16 => append_as(bytes, numbers, |x| half::bf16::from_f32(x).to_le_bytes()),
        ElementType::F16 => append_as(bytes, numbers, |x| half::f16::from_f32(x).to_le_bytes()),
    }
}

fn append_as<const N: usize>(bytes: &mut Vec<u8>, numbers: &[f32], store: impl Fn(f32) -> [u8; N]) {
    let start = bytes.len();
    bytes.resize(start + numbers.len() * N, 0);
    let (places, _) = bytes[start..].as_chunks_mut::<N>();
    places.iter_mut().zip(numbers).for_each(|(place, x)| *place = store(*x));
}

impl WeightRecipe {
    /// The recipe of an offline value of a function without calls.
    pub fn of(function: &Function, id: ValueId) -> Result<WeightRecipe, PassError> {
        let value = function.value(id);
        let (op, operands) = match &value.kind {
            ValueKind::Weight(name) => (Op::Weight(Weight { name: name.clone() }), vec![]),
            ValueKind::Offline(op, operands) => (op.clone(), operands.clone()),
            _ => {
                let function = function.name.clone();
                return Err(PassError::Undefined { function, value: id.0 });
            }
        };
        let operands =
            operands.iter().map(|id| WeightRecipe::of(function, *id)).collect::<Result<_, _>>()?;
        Ok(WeightRecipe { op, operands, ty: value.ty.clone() })
    }

    /// The recipes of what stands one after the other in memory: of a concatenation along the slowest dimension its
    /// operands, otherwise this one.
    fn parts(&self) -> Vec<&WeightRecipe> {
        if let Op::Concat(Concat { axis: 0 }) = self.op {
            return self.operands.iter().flat_map(WeightRecipe::parts).collect();
        }
        vec![self]
    }

    /// Bytes of the tensor in f32.
    fn tensor_bytes(&self) -> u64 {
        let bytes = (self.ty.elements() * Dim::from(ElementType::F32.bytes())).as_constant();
        bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0)
    }

    /// How many bytes are in memory at most while it is made: its tensor beside its operands, or one of these on the way.
    fn bytes_to_evaluate(&self) -> u64 {
        let mut made = 0u64;
        let mut max = 0u64;
        for operand in &self.operands {
            max = max.max(made.saturating_add(operand.bytes_to_evaluate()));
            made = made.saturating_add(operand.tensor_bytes());
        }
        max.max(made.saturating_add(self.tensor_bytes()))
    }

    /// The tensor, made from `weights`.
    pub fn evaluate(&self, weights: &dyn WeightSource) -> Result<HostTensor, PassError> {
        self.evaluate_watched(weights, &mut vec![])
    }

    /// The same, and what is not finite: tensors of the checkpoint, and results of operands that were.
    fn evaluate_watched(
        &self,
        weights: &dyn WeightSource,
        warnings: &mut Vec<NonFiniteWeight>,
    ) -> Result<HostTensor, PassError> {
        let offline = |source| PassError::Offline { recipe: self.to_string(), source };
        if let Op::Weight(Weight { name }) = &self.op {
            let mut tensor = weights.tensor(name)?;
            warnings.extend(non_finite(name, &tensor.data, self.ty.element));
            // The weights of a bf16 program are bf16 numbers, before anything is computed from them.
            venc::round_in_place(self.ty.element, &mut tensor.data);
            return Ok(tensor);
        }
        let before = warnings.len();
        let operands = self
            .operands
            .iter()
            .map(|operand| operand.evaluate_watched(weights, warnings))
            .collect::<Result<Vec<_>, _>>()?;
        let operands: Vec<&HostTensor> = operands.iter().collect();
        let tensor = venc::evaluate(&self.op, &operands, &Bindings::new()).map_err(offline)?;
        if warnings.len() == before {
            warnings.extend(non_finite_result(self, &tensor.data, self.ty.element));
        }
        Ok(tensor)
    }
}

/// `concat(q.weight, k.weight, v.weight) {axis 0}`: the name of the tensor in the artifact. Equal recipes have equal
/// names, and different ones different names: the type of a result is said where no attribute says it.
impl std::fmt::Display for WeightRecipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Op::Weight(Weight { name }) = &self.op {
            // A name that could be read as more than a name.
            let is_plain = |c: char| c.is_alphanumeric() || "._-/:".contains(c);
            return if name.chars().all(is_plain) {
                f.write_str(name)
            } else {
                write!(f, "{name:?}")
            };
        }
        let operands: Vec<String> = self.operands.iter().map(WeightRecipe::to_string).collect();
        write!(f, "{}({})", self.op.name(), operands.join(", "))?;
        let mut attributes = self.op.attribute_words();
        if matches!(self.op, Op::Reshape(_) | Op::BroadcastImages(_) | Op::Cast(_)) {
            attributes.push(format!("to {}", self.ty));
        }
        if attributes.is_empty() { Ok(()) } else { write!(f, " {{{}}}", attributes.join(", ")) }
    }
}
