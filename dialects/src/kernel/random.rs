//! Random modules: those of `venc`, of which each operation is done by some launch, and launches more behind them.

use super::typing::infer;
use super::{
    Argument, Between, Broadcast, Combine, EpilogueOp, Function, GemmTile, KernelOp, Mask, Module,
    Prologue, Step, Value, ValueKind, View, WarpTiling,
};
use crate::symbolic::Dim;
use crate::tensor::{ElementType, TensorType};
use crate::venc::{
    self, Activate, Activation, Clamp, Elementwise, Op, Reshape, Scale, SelectToken, SliceColumns,
    SliceTokens, ValueId,
};
use proptest::prelude::*;

/// A module with a block and an entry. Every kind of value, prologue, epilogue and launch is in some of them.
pub(crate) fn modules() -> impl Strategy<Value = Module> {
    let choices = prop::collection::vec(prop::collection::vec(0usize..64, 12), 1..24);
    (venc::random::modules(), choices).prop_map(|(module, choices)| Module {
        symbols: module.symbols,
        functions: module.functions.iter().map(|f| Writer::function(f, &choices)).collect(),
        entry: module.entry,
    })
}

struct Writer<'a> {
    choices: std::iter::Cycle<std::slice::Iter<'a, Vec<usize>>>,
    function: Function,
}

impl<'a> Writer<'a> {
    fn function(of: &'a venc::Function, choices: &'a [Vec<usize>]) -> Function {
        let argument = |(position, argument): (usize, &venc::Argument)| Argument {
            name: argument.name.clone(),
            role: argument.role,
            value: ValueId(position as u32),
        };
        let function = Function {
            name: of.name.clone(),
            arguments: of.arguments.iter().enumerate().map(argument).collect(),
            values: vec![],
            steps: vec![],
            results: of.results.clone(),
        };
        let mut writer = Writer { choices: choices.iter().cycle(), function };
        for (position, argument) in of.arguments.iter().enumerate() {
            writer.push(ValueKind::Argument(position), argument.ty.clone());
        }
        of.nodes.iter().for_each(|node| writer.node(node));
        for choices in choices {
            writer.view_more(choices);
            writer.launch_more(choices);
        }
        writer.function
    }

    fn push(&mut self, kind: ValueKind, ty: TensorType) -> ValueId {
        self.function.values.push(Value { kind, ty });
        ValueId(self.function.values.len() as u32 - 1)
    }

    fn launch(
        &mut self,
        op: KernelOp,
        operands: Vec<ValueId>,
        ty: TensorType,
        label: Option<String>,
    ) {
        let result = self.push(ValueKind::Step(self.function.steps.len()), ty);
        self.function.steps.push(Step::Launch { op, operands, result, label });
    }

    fn ty(&self, id: ValueId) -> &TensorType {
        &self.function.value(id).ty
    }

    fn node(&mut self, node: &venc::Node) {
        let venc::Node { op, operands, ty, label } = node.clone();
        let is_offline = operands.iter().all(|id| self.function.is_offline(*id));
        match op {
            Op::Weight(weight) => drop(self.push(ValueKind::Weight(weight.name), ty)),
            Op::Call(call) => {
                let result = self.push(ValueKind::Step(self.function.steps.len()), ty);
                let callee = call.callee;
                self.function.steps.push(Step::Call { callee, operands, result, label });
            }
            op if is_offline => drop(self.push(ValueKind::Offline(op, operands), ty)),
            op => match View::of(&op).filter(|_| self.choose(0).is_multiple_of(2)) {
                Some(view) => drop(self.push(ValueKind::View(view, operands[0]), ty)),
                None => {
                    let (op, operands) = self.kernel_of(&op, &operands, &ty);
                    self.launch(op, operands, ty, label);
                }
            },
        }
    }

    fn choose(&mut self, at: usize) -> usize {
        self.choices.next().map_or(0, |choices| choices[at])
    }

    /// A launch that does the operation, and perhaps more that leaves its shape.
    fn kernel_of(
        &mut self,
        op: &Op,
        operands: &[ValueId],
        ty: &TensorType,
    ) -> (KernelOp, Vec<ValueId>) {
        let (tile, to) = (GemmTile::DEFAULT, ty.element);
        let weight_is_offline = operands.get(1).is_some_and(|id| self.function.is_offline(*id));
        let row_wise = |prologue, epilogue| KernelOp::RowWise { prologue, epilogue, to };
        let x = self.ty(operands[0]).clone();
        let simple = match op {
            Op::Linear(_) if weight_is_offline => {
                KernelOp::Gemm { prologue: Prologue::None, epilogue: vec![], tile }
            }
            Op::LinearSlices(venc::LinearSlices { slices }) if weight_is_offline => {
                KernelOp::PartialGemm { slices: *slices, tile }
            }
            Op::Matmul(venc::Matmul { transpose_rhs }) => {
                KernelOp::BatchedGemm { transpose_rhs: *transpose_rhs }
            }
            Op::Cast(_) => row_wise(Prologue::None, vec![]),
            Op::Add(_) | Op::Multiply(_) => {
                let combine =
                    if matches!(op, Op::Add(_)) { Combine::Add } else { Combine::Multiply };
                let other = self.ty(operands[1]);
                match Broadcast::ALL.into_iter().find(|how| how.meets(&x, other)) {
                    Some(how) => row_wise(Prologue::None, vec![EpilogueOp::Combine(combine, how)]),
                    None => KernelOp::Move(op.clone()),
                }
            }
            op => match (Prologue::of(op, &x, operands.len() - 1), Elementwise::of(op)) {
                (Some(prologue), _) => row_wise(prologue, vec![]),
                (None, Some(function)) => {
                    row_wise(Prologue::None, vec![EpilogueOp::Elementwise(function)])
                }
                (None, None) => KernelOp::Move(op.clone()),
            },
        };
        let is_right = self.infer(&simple, operands).is_ok_and(|given| given.shape == ty.shape);
        match is_right {
            true => self.with_steps(simple, operands.to_vec(), ty),
            false => (KernelOp::Move(op.clone()), operands.to_vec()),
        }
    }

    fn infer(&self, op: &KernelOp, operands: &[ValueId]) -> Result<TensorType, String> {
        infer(op, &operands.iter().map(|id| self.ty(*id)).collect::<Vec<_>>())
    }

    /// The launch with steps more, where they fit.
    fn with_steps(
        &mut self,
        mut op: KernelOp,
        mut operands: Vec<ValueId>,
        ty: &TensorType,
    ) -> (KernelOp, Vec<ValueId>) {
        for at in 0..self.choose(1) % 3 {
            let other = ValueId((self.choose(2) % self.function.values.len()) as u32);
            let (mut more, mut read) = (op.clone(), operands.clone());
            let (KernelOp::Gemm { epilogue, .. } | KernelOp::RowWise { epilogue, .. }) = &mut more
            else {
                break;
            };
            let meets = |how: &Broadcast| how.meets(ty, self.ty(other));
            let combine = [Combine::Add, Combine::Multiply][at % 2];
            match Broadcast::ALL.into_iter().find(meets) {
                Some(how) => {
                    epilogue.push(EpilogueOp::Combine(combine, how));
                    read.push(other);
                }
                None => epilogue.push(EpilogueOp::Elementwise(self.elementwise())),
            }
            if self.infer(&more, &read).is_ok_and(|given| given.shape == ty.shape) {
                (op, operands) = (more, read);
            }
        }
        (op, operands)
    }

    fn elementwise(&mut self) -> Elementwise {
        let choice = self.choose(3);
        match choice % 3 {
            0 => Activate { function: Activation::ALL[choice % Activation::ALL.len()] }.into(),
            1 => Clamp { min: -0.0, max: choice as f64 }.into(),
            _ => Scale { factor: 0.1f64.powi(choice as i32) }.into(),
        }
    }

    /// A view of some value, where it is of such a rank.
    fn view_more(&mut self, choices: &[usize]) {
        let of = ValueId((choices[10] % self.function.values.len()) as u32);
        let ty = self.ty(of).clone();
        let tokens = ty.shape.get(1).cloned().unwrap_or_default();
        let op: Op = match choices[11] % 4 {
            0 => SliceColumns { start: 1, length: 2 }.into(),
            1 => SelectToken { index: 0 }.into(),
            2 => SliceTokens { start: 0, length: tokens }.into(),
            _ => Reshape { shape: vec![ty.elements()] }.into(),
        };
        if let (Some(view), Ok(ty)) = (View::of(&op), venc::infer(&op, &[&ty])) {
            self.push(ValueKind::View(view, of), ty);
        }
    }

    /// A launch of a kind that no single operation is, where its operands fit.
    fn launch_more(&mut self, choices: &[usize]) {
        let value = |at: usize| ValueId((choices[at] % self.function.values.len()) as u32);
        let offline = self.function.values.len();
        let weight = (0..offline).map(|id| ValueId(id as u32)).find(|id| {
            self.function.is_offline(*id) && self.ty(*id).shape == [Dim::from(8), Dim::from(8)]
        });
        let (Some(weight), [x, other]) = (weight, [value(0), value(1)]) else { return };
        let affine = choices[2].is_multiple_of(2);
        let (prologue, mut before) = match choices[3] % 4 {
            0 => (Prologue::None, vec![]),
            1 => (Prologue::Cast { to: self.ty(weight).element }, vec![]),
            2 => (Prologue::RmsNorm { eps: 1e-5, affine }, vec![value(4)]),
            _ => (Prologue::LayerNorm { eps: 1e-6, affine }, vec![value(4), value(5)]),
        };
        before.truncate(prologue.operands());
        let add = EpilogueOp::Combine(Combine::Add, Broadcast::ALL[choices[6] % 4]);
        let warps = WarpTiling { depth: 64, rows: 2, columns: 2, slices: 1, stages: 3, group: 8 };
        let warps = choices[5].is_multiple_of(2).then_some(warps);
        let tile = GemmTile { warps, ..GemmTile::packed(24, 64) };
        let gate = EpilogueOp::Gate(Activation::Silu);
        let (op, behind) = match choices[7] % 5 {
            0 => (KernelOp::Gemm { prologue, epilogue: vec![gate], tile }, vec![weight]),
            1 => {
                let epilogue = vec![EpilogueOp::AfterTokens];
                (KernelOp::Gemm { prologue, epilogue, tile }, vec![weight, other])
            }
            2 => {
                let element = self.ty(weight).element;
                let function = EpilogueOp::Elementwise(self.elementwise());
                let between = Between { epilogue: vec![function, add], element };
                let epilogue = vec![add];
                let op = KernelOp::BackToBackGemm { prologue, between, epilogue, rows: 12 };
                (op, vec![weight, other, weight, x])
            }
            3 => {
                let (rotary, mask) = (affine, Mask::ALL[choices[8] % 2]);
                before = vec![x, x];
                let tables = if rotary { vec![ValueId(3), ValueId(3)] } else { vec![] };
                let segments = if mask == Mask::Segments { vec![ValueId(2)] } else { vec![] };
                let warp_queries = [None, Some(32)][choices[9] % 2];
                let op = KernelOp::Attention { heads: 2, scale: 0.125, rotary, mask, warp_queries };
                (op, [tables, segments].concat())
            }
            _ => {
                let to = [ElementType::F16, ElementType::BF16][choices[9] % 2];
                (KernelOp::RowWise { prologue, epilogue: vec![add], to }, vec![other])
            }
        };
        let operands = [vec![x], before, behind].concat();
        if let Ok(ty) = self.infer(&op, &operands) {
            self.launch(op, operands, ty, Some("more".into()).filter(|_| affine));
        }
    }
}
