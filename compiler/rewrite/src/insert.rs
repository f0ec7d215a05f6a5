//! Writes a `venc` function down as terms of an e-graph.

use super::analysis::{GivenFacts, Types};
use super::attribute::Attribute;
use super::error::RewriteError;
use super::language::{Given, Term};
use egg::{EGraph, Id};
use ocellus_dialects::TensorType;
use ocellus_dialects::symbolic::Dim;
use ocellus_dialects::venc::{Function, Module, Op, Role, ValueId};

/// The e-graph of one function, and where its values are.
pub struct Inserted {
    /// The terms.
    pub egraph: EGraph<Term, Types>,
    /// The class of each value of the function.
    pub values: Vec<Id>,
}

/// The e-graph that holds exactly the function's own terms. The module has been verified.
pub fn insert(module: &Module, function: &Function) -> Result<Inserted, RewriteError> {
    let egraph = EGraph::new(types_of(module, function));
    let mut inserted = Inserted { egraph, values: vec![] };
    for position in 0..function.arguments.len() {
        let class = inserted.egraph.add(Term::Given(Given(position as u32)));
        inserted.values.push(class);
    }
    for (position, node) in function.nodes.iter().enumerate() {
        let operands: Vec<Id> =
            node.operands.iter().map(|operand| inserted.values[operand.index()]).collect();
        let class = match &node.op {
            Op::Weight { .. } => {
                inserted.egraph.add(Term::Given(Given(function.value_of(position).0)))
            }
            op => Writer { egraph: &mut inserted.egraph }.operation(op, &operands, &node.ty)?,
        };
        inserted.values.push(class);
    }
    inserted.egraph.rebuild();
    Ok(inserted)
}

fn types_of(module: &Module, function: &Function) -> Types {
    let arguments = function.arguments.iter().enumerate().map(|(position, argument)| {
        let facts =
            GivenFacts { ty: argument.ty.clone(), is_weight: argument.role == Role::Weight };
        (Given(position as u32), facts)
    });
    let weights = function.nodes.iter().enumerate().filter_map(|(position, node)| match node.op {
        Op::Weight { .. } => {
            let ValueId(number) = function.value_of(position);
            Some((Given(number), GivenFacts { ty: node.ty.clone(), is_weight: true }))
        }
        _ => None,
    });
    let callees = module.functions.iter().filter_map(|callee| {
        let (_, result) = callee.results.first()?;
        Some((callee.name.clone(), callee.type_of(*result).clone()))
    });
    Types {
        given: arguments.chain(weights).collect(),
        callees: callees.collect(),
        ..Types::default()
    }
}

struct Writer<'a> {
    egraph: &'a mut EGraph<Term, Types>,
}

impl Writer<'_> {
    fn attribute(&mut self, attribute: Attribute) -> Id {
        self.egraph.add(Term::Attribute(attribute))
    }

    fn dim(&mut self, dim: impl Into<Dim>) -> Id {
        self.attribute(Attribute::Dim(dim.into()))
    }

    fn number(&mut self, number: f64) -> Id {
        self.attribute(Attribute::number(number))
    }

    fn list(&mut self, operands: &[Id]) -> Id {
        let end = self.egraph.add(Term::End);
        operands.iter().rev().fold(end, |rest, operand| {
            let read = self.egraph.add(Term::Read(*operand));
            self.egraph.add(Term::List([read, rest]))
        })
    }

    fn operation(&mut self, op: &Op, operands: &[Id], ty: &TensorType) -> Result<Id, RewriteError> {
        let term = match (op, operands) {
            (Op::Linear, [x, w]) => Term::Linear([*x, *w]),
            (Op::Matmul { transpose_rhs: false }, [a, b]) => Term::Matmul([*a, *b]),
            (Op::Matmul { transpose_rhs: true }, [a, b]) => Term::MatmulTransposed([*a, *b]),
            (Op::Add, [a, b]) => Term::Add([*a, *b]),
            (Op::Multiply, [a, b]) => Term::Multiply([*a, *b]),
            (Op::Scale { factor }, [x]) => Term::Scale([*x, self.number(*factor)]),
            (Op::Activate(activation), [x]) => {
                Term::Activate([*x, self.attribute(Attribute::Activation(*activation))])
            }
            (Op::LayerNorm { eps }, [x, g, b]) => Term::LayerNorm([*x, *g, *b, self.number(*eps)]),
            (Op::LayerNorm { eps }, [x]) => Term::Standardize([*x, self.number(*eps)]),
            (Op::RmsNorm { eps }, [x]) => Term::RmsStandardize([*x, self.number(*eps)]),
            (Op::RmsNorm { eps }, [x, g]) => Term::RmsNorm([*x, *g, self.number(*eps)]),
            (Op::LinearSlices { slices }, [x, w]) => {
                Term::LinearSlices([*x, *w, self.dim(*slices)])
            }
            (Op::SumSlices { to }, [x]) => {
                Term::SumSlices([*x, self.attribute(Attribute::Element(*to))])
            }
            (Op::NormScale { centred, eps }, [x]) => {
                let centred = self.attribute(Attribute::Flag(*centred));
                Term::NormScale([*x, centred, self.number(*eps)])
            }
            (Op::Centre, [x]) => Term::Centre(*x),
            (Op::Softmax, [x]) => Term::Softmax(*x),
            (Op::Rope { heads }, [x, cos, sin]) => Term::Rope([*x, *cos, *sin, self.dim(*heads)]),
            (Op::GatherRows, [x, index]) => Term::GatherRows([*x, *index]),
            (Op::InversePermutation, [index]) => Term::InversePermutation(*index),
            (Op::MaskSegments, [scores, segments]) => Term::MaskSegments([*scores, *segments]),
            (Op::SplitHeads { heads }, [x]) => Term::SplitHeads([*x, self.dim(*heads)]),
            (Op::MergeHeads, [x]) => Term::MergeHeads(*x),
            (Op::Concat { axis }, _) => return Ok(self.concat(*axis, operands, ty)),
            (Op::Columns { start, length }, [x]) => {
                Term::Columns([*x, self.dim(*start), self.dim(*length)])
            }
            (Op::Tokens { start, length }, [x]) => {
                Term::Tokens([*x, self.dim(*start), self.dim(length.clone())])
            }
            (Op::SelectToken { index }, [x]) => Term::SelectToken([*x, self.dim(*index)]),
            (Op::MeanTokens, [x]) => Term::MeanTokens(*x),
            (Op::Expand { images }, [x]) => Term::Expand([*x, self.dim(images.clone())]),
            (Op::Reshape { shape }, [x]) => {
                Term::Reshape([*x, self.attribute(Attribute::Shape(shape.clone()))])
            }
            (Op::Cast { to }, [x]) => Term::Cast([*x, self.attribute(Attribute::Element(*to))]),
            (Op::Patchify { height, width, rows, cols }, [x]) => Term::Patchify([
                *x,
                self.dim(*height),
                self.dim(*width),
                self.dim(rows.clone()),
                self.dim(cols.clone()),
            ]),
            (
                Op::InterpolatePositions {
                    native_rows,
                    native_cols,
                    rows,
                    cols,
                    filter,
                    antialias,
                },
                [x],
            ) => Term::InterpolatePositions([
                *x,
                self.dim(*native_rows),
                self.dim(*native_cols),
                self.dim(rows.clone()),
                self.dim(cols.clone()),
                self.attribute(Attribute::Filter(*filter)),
                self.attribute(Attribute::Flag(*antialias)),
            ]),
            (Op::Call { callee }, _) => {
                let name = self.attribute(Attribute::Callee(callee.clone()));
                Term::Call([name, self.list(operands)])
            }
            (op, operands) => {
                return Err(RewriteError::Internal {
                    function: String::new(),
                    reason: format!("venc.{} of {} operands", op.name(), operands.len()),
                });
            }
        };
        Ok(self.egraph.add(term))
    }

    /// Kernels concatenate along the tokens or along the last dimension. Along another one, the dimensions before and
    /// after it are flattened first, so that it becomes the tokens.
    fn concat(&mut self, axis: usize, operands: &[Id], ty: &TensorType) -> Id {
        let list = self.list(operands);
        let axis_id = self.dim(axis as i64);
        let plain = self.egraph.add(Term::Concat([axis_id, list]));
        let has_kernel = axis + 1 == ty.rank() || (axis == 1 && ty.rank() == 3);
        if has_kernel {
            return plain;
        }
        let around = |ty: &TensorType| {
            let before: Dim = ty.shape[..axis].iter().cloned().product();
            let after: Dim = ty.shape[axis + 1..].iter().cloned().product();
            vec![before, ty.shape[axis].clone(), after]
        };
        let mut flat = vec![];
        for operand in operands {
            let Some(shape) = self.egraph[*operand].data.ty().map(around) else { return plain };
            let shape = self.attribute(Attribute::Shape(shape));
            flat.push(self.egraph.add(Term::Reshape([*operand, shape])));
        }
        let (tokens, list) = (self.dim(1), self.list(&flat));
        let joined = self.egraph.add(Term::Concat([tokens, list]));
        let shape = self.attribute(Attribute::Shape(ty.shape.clone()));
        let restored = self.egraph.add(Term::Reshape([joined, shape]));
        self.egraph.union(plain, restored);
        plain
    }
}
