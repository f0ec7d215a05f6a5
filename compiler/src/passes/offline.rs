//! Work on weights alone, described now and done when the artifact is written: one weight in memory at a time.
//!
//! Before:
//! ```text
//! %2 = offline venc.concat %wq, %wk, %wv {axis = 0}     %3 = launch gemm(%x, %2)
//! ```
//! After: the gemm reads the artifact's tensor `concat(q.weight, k.weight, v.weight) {axis 0}`, packed in panels.

use super::PassError;
use crate::reference;
use crate::weights::WeightSource;
use ocellus_dialects::kernel::{Function, ValueKind};
use ocellus_dialects::symbolic::{Bindings, Dim};
use ocellus_dialects::venc::{Op, ValueId};
use ocellus_dialects::{ElementType, TensorType};
use ocellus_kernels::gemm::WeightPacking;
use ocellus_runtime::HostTensor;

/// How a tensor is made from the checkpoint's.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightRecipe {
    /// What it is: a tensor of the checkpoint ([`Op::Weight`]), or an operation on such.
    pub op: Op,
    /// What the operation is applied to.
    pub operands: Vec<WeightRecipe>,
    /// Its type.
    pub ty: TensorType,
}

/// A tensor of the artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedWeight {
    /// What it is.
    pub recipe: WeightRecipe,
    /// How it lies in memory, where that is not row by row.
    pub packing: Option<WeightPacking>,
}

impl PackedWeight {
    /// The name of the tensor in the artifact. Equal tensors have equal names.
    pub fn name(&self) -> String {
        match &self.packing {
            Some(packing) => format!("{} in panels of {}", self.recipe, packing.kernel.columns),
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

    /// The bytes, made from the checkpoint's tensors.
    pub fn pack(&self, weights: &dyn WeightSource) -> Result<Vec<u8>, PassError> {
        let tensor = self.recipe.evaluate(weights)?;
        let stored = store(&tensor.data, self.recipe.ty.element);
        match &self.packing {
            Some(packing) => Ok(packing.pack(&stored)?),
            None => Ok(stored),
        }
    }
}

/// Numbers in a storage, rounded to nearest, little endian.
fn store(numbers: &[f32], element: ElementType) -> Vec<u8> {
    match element {
        ElementType::I32 => bytes_of(numbers, |x| (x as i32).to_le_bytes()),
        ElementType::F32 => bytes_of(numbers, f32::to_le_bytes),
        ElementType::BF16 => bytes_of(numbers, |x| half::bf16::from_f32(x).to_le_bytes()),
        ElementType::F16 => bytes_of(numbers, |x| half::f16::from_f32(x).to_le_bytes()),
    }
}

fn bytes_of<const N: usize>(numbers: &[f32], bytes: impl Fn(f32) -> [u8; N]) -> Vec<u8> {
    let mut all = vec![0; numbers.len() * N];
    let (places, _) = all.as_chunks_mut::<N>();
    places.iter_mut().zip(numbers).for_each(|(place, x)| *place = bytes(*x));
    all
}

impl WeightRecipe {
    /// The recipe of an offline value of a function without calls.
    pub fn of(function: &Function, id: ValueId) -> Result<WeightRecipe, PassError> {
        let value = function.value(id);
        let (op, operands) = match &value.kind {
            ValueKind::Weight(name) => (Op::Weight { name: name.clone() }, vec![]),
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

    /// The tensor, made from `weights`.
    pub fn evaluate(&self, weights: &dyn WeightSource) -> Result<HostTensor, PassError> {
        let operands = self
            .operands
            .iter()
            .map(|operand| operand.evaluate(weights))
            .collect::<Result<Vec<_>, _>>()?;
        let offline = |source| PassError::Offline { recipe: self.to_string(), source };
        let evaluate = |op: &Op, operands: &[&HostTensor]| {
            reference::evaluate_op(op, operands, &Bindings::new()).map_err(offline)
        };
        if let Op::Weight { name } = &self.op {
            // The weights of a bf16 program are bf16 numbers, before anything is computed from them.
            let stored = weights.tensor(name)?;
            if self.ty.element == ElementType::F32 {
                return Ok(stored);
            }
            return evaluate(&Op::Cast { to: self.ty.element }, &[&stored]);
        }
        evaluate(&self.op, &operands.iter().collect::<Vec<_>>())
    }
}

/// `concat(q.weight, k.weight, v.weight) {axis 0}`: the name of the tensor in the artifact. Equal recipes have equal
/// names, and different ones different names: the type of a result is said where no attribute says it.
impl std::fmt::Display for WeightRecipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Op::Weight { name } = &self.op {
            return f.write_str(name);
        }
        let operands: Vec<String> = self.operands.iter().map(WeightRecipe::to_string).collect();
        write!(f, "{}({})", self.op.name(), operands.join(", "))?;
        let mut attributes = self.op.attribute_words();
        if matches!(self.op, Op::Reshape { .. } | Op::Expand { .. } | Op::Cast { .. }) {
            attributes.push(format!("to {}", self.ty));
        }
        if attributes.is_empty() { Ok(()) } else { write!(f, " {{{}}}", attributes.join(", ")) }
    }
}
