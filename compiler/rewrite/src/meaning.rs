//! What each term means, in the operations of `venc`: the one definition that typing, the soundness tests and the
//! reading back of a program share.
//!
//! The definition is written over an [`Algebra`]: with types as its tensors it infers types, with values of a
//! [`FunctionBuilder`](ocellus_dialects::venc::FunctionBuilder) it writes the term down as a `venc` program.

use super::language::{
    ArithmeticTerm, EpilogueTerm, Leaf, ListTerm, OperandTerm, ProductTerm, RowsTerm, StepTerm,
    Term,
};
use super::operation::Operation;
use egg::Id;
use ocellus_dialects::kernel::{Broadcast, Combine};
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{
    Activate, Activation, Add, Attribute, Call, Cast, Concat, Elementwise, Linear, LinearSlices,
    MaskSegments, Matmul, MergeHeads, Multiply, Op, Reshape, Rope, Scale, SliceColumns, Softmax,
    SplitHeads,
};
use ocellus_dialects::{ElementType, TensorType};

/// Something that `venc` operations can be applied to.
pub trait Algebra {
    /// What stands for a tensor.
    type Tensor: Clone;

    /// An argument of the function.
    fn leaf(&mut self, leaf: Leaf) -> Result<Self::Tensor, String>;

    /// An operation applied.
    fn apply(
        &mut self,
        op: impl Into<Op>,
        operands: &[Self::Tensor],
    ) -> Result<Self::Tensor, String>;

    /// The type of a tensor.
    fn type_of(&self, tensor: &Self::Tensor) -> TensorType;
}

/// One thing that happens to an element before it is stored.
#[derive(Clone, Debug, PartialEq)]
pub enum EpilogueStep<T> {
    /// Combined with an element of another tensor.
    Combine(Combine, Broadcast, T),
    /// A function of it.
    Elementwise(Elementwise),
    /// A function of it, times the element of the same column of the right half.
    Gate(Activation),
    /// Rounded to another storage.
    Cast(ElementType),
    /// Its row behind those of another tensor that begin its image.
    AfterTokens(T),
}

/// What a term stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning<T> {
    /// One tensor.
    Tensor(T),
    /// Several.
    List(Vec<T>),
    /// What happens to an element, in order.
    Epilogue(Vec<EpilogueStep<T>>),
    /// No tensor.
    Attribute(Attribute),
}

/// What the children of a term mean.
pub struct Children<'a, T>(pub &'a dyn Fn(Id) -> Result<Meaning<T>, String>);

impl<T: Clone> Children<'_, T> {
    fn tensor(&self, id: Id) -> Result<T, String> {
        match (self.0)(id)? {
            Meaning::Tensor(tensor) => Ok(tensor),
            _ => Err("a child that must be a tensor is none".into()),
        }
    }

    fn list(&self, id: Id) -> Result<Vec<T>, String> {
        match (self.0)(id)? {
            Meaning::List(tensors) => Ok(tensors),
            _ => Err("a child that must be a list is none".into()),
        }
    }

    fn epilogue(&self, id: Id) -> Result<Vec<EpilogueStep<T>>, String> {
        match (self.0)(id)? {
            Meaning::Epilogue(steps) => Ok(steps),
            _ => Err("a child that must be an epilogue is none".into()),
        }
    }

    fn attribute(&self, id: Id) -> Result<Attribute, String> {
        match (self.0)(id)? {
            Meaning::Attribute(attribute) => Ok(attribute),
            _ => Err("a child that must be an attribute is none".into()),
        }
    }

    fn attributes(&self, ids: &[Id]) -> Result<Vec<Attribute>, String> {
        ids.iter().map(|id| self.attribute(*id)).collect()
    }

    fn dim(&self, id: Id) -> Result<Dim, String> {
        let attribute = self.attribute(id)?;
        attribute.as_dim().cloned().ok_or_else(|| format!("{attribute} is no dimension"))
    }

    fn integer(&self, id: Id) -> Result<i64, String> {
        let attribute = self.attribute(id)?;
        attribute.as_integer().ok_or_else(|| format!("{attribute} is no integer"))
    }

    fn number(&self, id: Id) -> Result<f64, String> {
        let attribute = self.attribute(id)?;
        attribute.as_number().ok_or_else(|| format!("{attribute} is no real number"))
    }

    fn flag(&self, id: Id) -> Result<bool, String> {
        match self.attribute(id)? {
            Attribute::Flag(flag) => Ok(flag),
            other => Err(format!("{other} is neither true nor false")),
        }
    }

    fn activation(&self, id: Id) -> Result<Activation, String> {
        match self.attribute(id)? {
            Attribute::Activation(activation) => Ok(activation),
            other => Err(format!("{other} is no activation")),
        }
    }

    fn element(&self, id: Id) -> Result<ElementType, String> {
        match self.attribute(id)? {
            Attribute::Element(element) => Ok(element),
            other => Err(format!("{other} is no element type")),
        }
    }
}

/// What `term` means, given what its children mean. An error says why it means nothing: it is ill-typed.
pub fn meaning<A: Algebra>(
    algebra: &mut A,
    term: &Term,
    children: &Children<A::Tensor>,
) -> Result<Meaning<A::Tensor>, String> {
    Ok(match term {
        Term::Attribute(attribute) => Meaning::Attribute(attribute.clone()),
        Term::Arithmetic(term) => Meaning::Attribute(arithmetic(algebra, term, children)?),
        Term::List(ListTerm::End([])) => Meaning::List(vec![]),
        Term::List(ListTerm::List([first, rest])) => {
            let mut tensors = vec![children.tensor(*first)?];
            tensors.extend(children.list(*rest)?);
            Meaning::List(tensors)
        }
        Term::Epilogue(term) => Meaning::Epilogue(epilogue(term, children)?),
        Term::Leaf(leaf) => Meaning::Tensor(algebra.leaf(*leaf)?),
        Term::Operation(operation, ids) => {
            Meaning::Tensor(apply(algebra, *operation, ids, children)?)
        }
        Term::Operand(term) => Meaning::Tensor(operand(algebra, term, children)?),
        Term::Rows(RowsTerm::AsIs([x])) => Meaning::Tensor(children.tensor(*x)?),
        Term::Rows(RowsTerm::Prologue(operation, ids)) => {
            Meaning::Tensor(apply(algebra, *operation, ids, children)?)
        }
        Term::Product(term) => Meaning::Tensor(product(algebra, term, children)?),
        Term::Step(term) => Meaning::Tensor(step(algebra, term, children)?),
    })
}

fn arithmetic<A: Algebra>(
    algebra: &A,
    term: &ArithmeticTerm,
    children: &Children<A::Tensor>,
) -> Result<Attribute, String> {
    let first_two =
        |[a, b]: &[Id; 2]| Ok::<_, String>((children.attribute(*a)?, children.attribute(*b)?));
    let no_sum = |(a, b): &(Attribute, Attribute)| format!("{a} and {b} do not combine");
    let type_of = |id: Id| Ok::<_, String>(algebra.type_of(&children.tensor(id)?));
    Ok(match term {
        ArithmeticTerm::Times(operands) => {
            let pair = first_two(operands)?;
            pair.0.times(&pair.1).ok_or_else(|| no_sum(&pair))?
        }
        ArithmeticTerm::Plus(operands) => {
            let pair = first_two(operands)?;
            pair.0.plus(&pair.1).ok_or_else(|| no_sum(&pair))?
        }
        ArithmeticTerm::FirstDim([tensor]) => {
            let ty = type_of(*tensor)?;
            Attribute::Dim(ty.shape.first().cloned().ok_or("a scalar has no first dimension")?)
        }
        ArithmeticTerm::LastDim([tensor]) => Attribute::Dim(type_of(*tensor)?.width()),
        ArithmeticTerm::ElementOf([tensor]) => Attribute::Element(type_of(*tensor)?.element),
        ArithmeticTerm::RowsAndColumns([tensor]) => {
            let ty = type_of(*tensor)?;
            Attribute::Shape(vec![ty.rows(), ty.width()])
        }
        ArithmeticTerm::WithLastDim([tensor, width]) => {
            let mut shape = type_of(*tensor)?.shape;
            *shape.last_mut().ok_or("a scalar has no last dimension")? = children.dim(*width)?;
            Attribute::Shape(shape)
        }
    })
}

fn epilogue<T: Clone>(
    term: &EpilogueTerm,
    children: &Children<T>,
) -> Result<Vec<EpilogueStep<T>>, String> {
    use {Broadcast::*, Combine::*, EpilogueTerm::*};
    let combine = |how, broadcast, operand: Id| {
        Ok::<_, String>(EpilogueStep::Combine(how, broadcast, children.tensor(operand)?))
    };
    let (earlier, step) = match term {
        ThisResult([]) => return Ok(vec![]),
        ThenAddColumns([e, b]) => (e, combine(Add, Columns, *b)?),
        ThenAddFull([e, b]) => (e, combine(Add, Full, *b)?),
        ThenAddTable([e, b]) => (e, combine(Add, Table, *b)?),
        ThenMultiplyColumns([e, b]) => (e, combine(Multiply, Columns, *b)?),
        ThenMultiplyFull([e, b]) => (e, combine(Multiply, Full, *b)?),
        ThenMultiplyRows([e, b]) => (e, combine(Multiply, Rows, *b)?),
        ThenMultiplyTable([e, b]) => (e, combine(Multiply, Table, *b)?),
        Then(operation, ids) => {
            let [e, attributes @ ..] = &ids[..] else { return Err("no step before".into()) };
            let attributes = children.attributes(attributes)?;
            let function = Elementwise::of(&operation.with_attributes(&attributes)?);
            let not_one = || format!("venc.{operation} is no function of one element");
            (e, EpilogueStep::Elementwise(function.ok_or_else(not_one)?))
        }
        ThenGate([e, f]) => (e, EpilogueStep::Gate(children.activation(*f)?)),
        ThenCast([e, to]) => (e, EpilogueStep::Cast(children.element(*to)?)),
        ThenAfterTokens([e, tokens]) => (e, EpilogueStep::AfterTokens(children.tensor(*tokens)?)),
    };
    let mut steps = children.epilogue(*earlier)?;
    steps.push(step);
    Ok(steps)
}

fn operand<A: Algebra>(
    algebra: &mut A,
    term: &OperandTerm,
    children: &Children<A::Tensor>,
) -> Result<A::Tensor, String> {
    match term {
        OperandTerm::Read([x]) => children.tensor(*x),
        OperandTerm::Address(operation, ids) => apply(algebra, *operation, ids, children),
        OperandTerm::Rotated([x, cos, sin, heads]) => {
            let operands = [x, cos, sin].map(|id| children.tensor(*id));
            let operands = operands.into_iter().collect::<Result<Vec<_>, _>>()?;
            algebra.apply(Rope { heads: children.integer(*heads)? }, &operands)
        }
    }
}

fn product<A: Algebra>(
    algebra: &mut A,
    term: &ProductTerm,
    children: &Children<A::Tensor>,
) -> Result<A::Tensor, String> {
    let two = |[a, b]: [Id; 2]| Ok::<_, String>([children.tensor(a)?, children.tensor(b)?]);
    match term {
        ProductTerm::Rows([x]) => children.tensor(*x),
        ProductTerm::Gemm(rows_and_weight) => algebra.apply(Linear, &two(*rows_and_weight)?),
        ProductTerm::BackToBackGemm([rows, first, between, second]) => {
            let product = algebra.apply(Linear, &two([*rows, *first])?)?;
            let steps = children.epilogue(*between)?;
            let rows =
                steps.into_iter().try_fold(product, |x, step| apply_step(algebra, x, step))?;
            algebra.apply(Linear, &[rows, children.tensor(*second)?])
        }
    }
}

fn step<A: Algebra>(
    algebra: &mut A,
    term: &StepTerm,
    children: &Children<A::Tensor>,
) -> Result<A::Tensor, String> {
    let two = |[a, b]: [&Id; 2]| Ok::<_, String>([children.tensor(*a)?, children.tensor(*b)?]);
    match term {
        StepTerm::Store([product, epilogue]) => {
            let stored = children.tensor(*product)?;
            let mut steps = children.epilogue(*epilogue)?.into_iter();
            steps.try_fold(stored, |x, step| apply_step(algebra, x, step))
        }
        StepTerm::Attention([q, k, v, heads, scale, mask]) => {
            let [q, k, v] = [children.tensor(*q)?, children.tensor(*k)?, children.tensor(*v)?];
            let (heads, factor) = (children.integer(*heads)?, children.number(*scale)?);
            let segments = match children.list(*mask)?.as_slice() {
                [] => None,
                [segments] => Some(segments.clone()),
                _ => return Err("a mask is made of one list of segments".into()),
            };
            attention(algebra, [q, k, v], (heads, factor), segments)
        }
        StepTerm::PartialGemm([x, weight, slices]) => {
            let slices = children.integer(*slices)?;
            algebra.apply(LinearSlices { slices }, &two([x, weight])?)
        }
        StepTerm::BatchedGemm([a, b, transposed]) => {
            let transpose_rhs = children.flag(*transposed)?;
            algebra.apply(Matmul { transpose_rhs }, &two([a, b])?)
        }
        StepTerm::ReshapeInPlace([x, shape]) => match children.attribute(*shape)? {
            Attribute::Shape(shape) => algebra.apply(Reshape { shape }, &[children.tensor(*x)?]),
            other => Err(format!("{other} is no shape")),
        },
        StepTerm::Call([callee, list]) => match children.attribute(*callee)? {
            Attribute::Name(callee) => algebra.apply(Call { callee }, &children.list(*list)?),
            other => Err(format!("{other} is no function")),
        },
        StepTerm::Move(operation, ids) => apply(algebra, *operation, ids, children),
    }
}

/// A term that has the operands of an operation and then its attributes as children.
fn apply<A: Algebra>(
    algebra: &mut A,
    operation: Operation,
    ids: &[Id],
    children: &Children<A::Tensor>,
) -> Result<A::Tensor, String> {
    let (operands, attributes) = operation.split(ids);
    let attributes = children.attributes(attributes)?;
    let operands = match operands {
        [list] if operation.takes_list() => children.list(*list)?,
        _ => operands.iter().map(|id| children.tensor(*id)).collect::<Result<_, _>>()?,
    };
    algebra.apply(operation.with_attributes(&attributes)?, &operands)
}

/// A tensor after one step of an epilogue.
pub fn apply_step<A: Algebra>(
    algebra: &mut A,
    x: A::Tensor,
    step: EpilogueStep<A::Tensor>,
) -> Result<A::Tensor, String> {
    match step {
        EpilogueStep::Elementwise(function) => algebra.apply(function, &[x]),
        EpilogueStep::Cast(to) => algebra.apply(Cast { to }, &[x]),
        EpilogueStep::AfterTokens(tokens) => algebra.apply(Concat { axis: 1 }, &[tokens, x]),
        EpilogueStep::Gate(activation) => {
            let width = algebra.type_of(&x).width();
            let length = match width.as_constant() {
                Some(width) if width % 2 == 0 => width / 2,
                _ => return Err(format!("{width} columns have no halves for a gate")),
            };
            let gate =
                algebra.apply(SliceColumns { start: 0, length }, std::slice::from_ref(&x))?;
            let gate = algebra.apply(Activate { function: activation }, &[gate])?;
            let up = algebra.apply(SliceColumns { start: length, length }, &[x])?;
            algebra.apply(Multiply, &[gate, up])
        }
        EpilogueStep::Combine(combine, broadcast, operand) => {
            let (ty, other) = (algebra.type_of(&x), algebra.type_of(&operand));
            if !broadcast.meets(&ty, &other) {
                let how = broadcast.name();
                return Err(format!("an epilogue of {ty} cannot read {other} as `{how}`"));
            }
            let op = match combine {
                Combine::Add => Op::Add(Add),
                Combine::Multiply => Op::Multiply(Multiply),
            };
            algebra.apply(op, &[x, operand])
        }
    }
}

/// `merge_heads(softmax(split_heads(q) split_heads(k)^T * factor) split_heads(v))` (Vaswani et al., arXiv:1706.03762),
/// the scores masked by segments where there are some.
pub fn attention<A: Algebra>(
    algebra: &mut A,
    qkv: [A::Tensor; 3],
    (heads, factor): (i64, f64),
    segments: Option<A::Tensor>,
) -> Result<A::Tensor, String> {
    let mut split = |x| algebra.apply(SplitHeads { heads }, &[x]);
    let [q, k, v] = qkv;
    let (q, k, v) = (split(q)?, split(k)?, split(v)?);
    let scores = algebra.apply(Matmul { transpose_rhs: true }, &[q, k])?;
    let scores = algebra.apply(Scale { factor }, &[scores])?;
    let scores = match segments {
        Some(segments) => algebra.apply(MaskSegments, &[scores, segments])?,
        None => scores,
    };
    let weights = algebra.apply(Softmax, &[scores])?;
    let mixed = algebra.apply(Matmul { transpose_rhs: false }, &[weights, v])?;
    algebra.apply(MergeHeads, &[mixed])
}
