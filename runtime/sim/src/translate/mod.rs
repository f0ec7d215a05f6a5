//! From the syntax tree of a kernel to [`Code`]: each instruction is looked at once, here, and never again.

mod control;
mod convert;
mod fields;
mod float;
mod flow;
mod half_float;
mod integer;
mod matrix;
mod memory;
mod operands;
mod predicates;

use crate::code::{Code, Constant, Instruction, Kind, Suspects};
use crate::finding::Place;
use crate::module::Layout;
use crate::registers::{Bank, Slot};
use ocellus_ptx::Position;
use ocellus_ptx::ast::{self, Body, Entry, Register};
use ocellus_ptx::isa::{self, Form};
use rustc_hash::FxHashMap;

/// Something in a kernel that cannot be run, and where.
pub(crate) type Fault = (Position, String);

/// Instructions that one kernel may have.
const MOST_INSTRUCTIONS: usize = 1 << 22;

/// What is known while a kernel is translated.
struct Translator<'a> {
    body: &'a Body,
    layout: &'a Layout,
    slots: FxHashMap<Register, (Bank, Slot)>,
    constants: FxHashMap<(Bank, Constant), Slot>,
    words: u32,
    longs: u32,
    predicates: u32,
    /// The predicate that holds the carry.
    carry: Slot,
}

/// An instruction that agrees with a declaration, and what it was translated to.
struct Step<'a> {
    source: &'a ast::Instruction,
    form: Form,
    kind: Kind,
    target: Option<ast::Label>,
}

/// Translates a kernel, or says everything in it that cannot be run.
pub(crate) fn translate(
    entry: &Entry,
    layout: &Layout,
    lines: &[&str],
) -> Result<Code, Vec<Fault>> {
    let mut translator = Translator::new(&entry.body, layout);
    let (mut steps, mut faults) = (vec![], vec![]);
    for source in entry.body.instructions() {
        match translator.step(source) {
            Ok(step) => steps.push(step),
            Err(message) => faults.push((source.position, message)),
        }
    }
    if steps.len() > MOST_INSTRUCTIONS {
        faults.push((entry.position, format!("more than {MOST_INSTRUCTIONS} instructions")));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let flow = flow::Flow::of(&entry.body, &steps);
    let suspects = flow.suspects(&steps);
    let mut code = Code {
        name: entry.name.clone(),
        instructions: vec![],
        constants: vec![],
        words: 0,
        longs: 0,
        predicates: 0,
        suspects: suspects.iter().map(|register| entry.body.name_of(*register)).collect(),
        parameter_bytes: layout.parameter_bytes(),
        static_shared: layout.shared_bytes(),
        local_bytes: layout.local_bytes(),
        places: vec![],
        opcodes: vec![],
        required_threads: entry.required_threads,
        most_threads: entry.most_threads,
    };
    let looked_at = suspects_of_steps(&steps, &suspects);
    translator.lay_out(&flow, steps, looked_at, lines, &mut code)?;
    code.words = translator.words as usize;
    code.longs = translator.longs as usize;
    code.predicates = translator.predicates as usize;
    code.constants =
        translator.constants.iter().map(|((bank, what), slot)| (*bank, *slot, *what)).collect();
    Ok(code)
}

impl<'a> Translator<'a> {
    fn new(body: &'a Body, layout: &'a Layout) -> Self {
        Self {
            body,
            layout,
            slots: FxHashMap::default(),
            constants: FxHashMap::default(),
            words: 0,
            longs: 0,
            predicates: 1,
            carry: Slot(0),
        }
    }

    fn step(&mut self, source: &'a ast::Instruction) -> Result<Step<'a>, String> {
        let form = isa::form(source, self.body).map_err(|mismatch| mismatch.to_string())?;
        if let Some(guard) = source.guard
            && self.body.type_of(guard.register) != ast::Type::Pred
        {
            return Err("what guards an instruction must be a predicate".to_string());
        }
        let kind = self
            .kind(source, &form)
            .map_err(|message| format!("`{}`: {message}", source.opcode))?;
        let target = source.operands.iter().find_map(|operand| match operand {
            ast::Operand::Label(label) => Some(*label),
            _ => None,
        });
        Ok(Step { source, form, kind, target })
    }

    fn kind(&mut self, source: &ast::Instruction, form: &Form) -> Result<Kind, String> {
        let operands = &source.operands[..];
        let name = form.declaration.name;
        match name {
            "ld" | "ldu" | "st" | "atom" | "red" | "cvta" | "isspacep" | "cp.async" => {
                self.memory(name, form, operands)
            }
            "prefetch" | "prefetchu" | "applypriority" => Ok(Kind::Nothing),
            "createpolicy.fractional" => {
                let (into, zero) =
                    (self.target(&operands[0])?, self.constant(Bank::Long, Constant::Bits(0)));
                Ok(Kind::Compute(copied(into, Some((Bank::Long, zero)))?))
            }
            "bra"
            | "ret"
            | "exit"
            | "trap"
            | "brkpt"
            | "nanosleep"
            | "griddepcontrol"
            | "membar"
            | "fence"
            | "bar.sync"
            | "bar.cta.sync"
            | "bar.arrive"
            | "barrier.sync"
            | "barrier.cta.sync"
            | "barrier.arrive"
            | "barrier.cta.arrive"
            | "bar.red"
            | "barrier.red"
            | "barrier.cta.red"
            | "cp.async.commit_group"
            | "cp.async.wait_group"
            | "cp.async.wait_all" => self.control(name, form, operands),
            "bar.warp.sync" | "shfl.sync" | "vote.sync" | "activemask" | "match.any.sync"
            | "match.all.sync" | "redux.sync" | "elect.sync" => self.together(name, form, operands),
            "ldmatrix.sync" | "stmatrix.sync" | "movmatrix.sync" | "mma.sync" => {
                self.matrix(name, form, operands)
            }
            "mov" => self.mov(form, operands),
            "setp" | "set" | "testp" => self.comparison(name, form, operands),
            "and" | "or" | "xor" | "not" if form.has("pred") => {
                self.predicate_logic(name, operands)
            }
            "cvt" => self.convert(form, operands).map(Kind::Compute),
            "selp" | "slct" => self.choice(name, form, operands).map(Kind::Compute),
            _ if form.types().last().is_some_and(float::is_float) => {
                self.float(name, form, operands).map(Kind::Compute)
            }
            _ => self.integer(name, form, operands).map(Kind::Compute),
        }
    }

    /// Puts the steps in the order of the flow, with branches where a block is not followed by its next.
    fn lay_out(
        &mut self,
        flow: &flow::Flow,
        steps: Vec<Step>,
        mut looked_at: Vec<Option<Box<Suspects>>>,
        lines: &[&str],
        code: &mut Code,
    ) -> Result<(), Vec<Fault>> {
        let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
        let mut begins = vec![0; flow.blocks.len()];
        let mut branches = vec![];
        for (place, &block) in flow.order.iter().enumerate() {
            begins[block] = code.instructions.len();
            let mut is_leader = true;
            let range = flow.blocks[block].steps.clone();
            for index in range {
                let Some(step) = steps[index].take() else { continue };
                let may_wait = step.kind.may_wait();
                if let Kind::Branch(_) = step.kind {
                    branches.push((code.instructions.len(), flow.blocks[block].target));
                }
                let guard = step
                    .source
                    .guard
                    .map(|guard| Ok((self.predicate(guard.register)?, guard.is_negated)));
                let guard = guard
                    .transpose()
                    .map_err(|message: String| vec![(step.source.position, message)])?;
                let suspects = looked_at[index].take();
                code.instructions.push(Instruction { guard, kind: step.kind, is_leader, suspects });
                code.places.push(place_of(step.source.position, lines));
                code.opcodes.push(step.source.opcode.clone());
                is_leader = may_wait;
            }
            let follows = flow.blocks[block].next;
            let is_last = follows.is_none() && flow.blocks[block].falls;
            if is_last || follows.is_some() && follows != flow.order.get(place + 1).copied() {
                let kind = if is_last { Kind::Exit } else { Kind::Branch(0) };
                if !is_last {
                    branches.push((code.instructions.len(), follows));
                }
                code.instructions.push(Instruction {
                    guard: None,
                    kind,
                    is_leader,
                    suspects: None,
                });
                code.places.push(
                    code.places.last().cloned().unwrap_or(Place { line: 0, source: String::new() }),
                );
                code.opcodes.push(if is_last { "ret" } else { "bra" }.to_string());
            }
        }
        for (index, target) in branches {
            let end = code.instructions.len();
            code.instructions[index].kind = Kind::Branch(target.map_or(end, |block| begins[block]));
        }
        // Whoever runs past the end returns.
        code.instructions.push(Instruction {
            guard: None,
            kind: Kind::Exit,
            is_leader: true,
            suspects: None,
        });
        code.places
            .push(code.places.last().cloned().unwrap_or(Place { line: 0, source: String::new() }));
        code.opcodes.push("ret".to_string());
        Ok(())
    }
}

fn place_of(position: Position, lines: &[&str]) -> Place {
    let source = lines.get(position.line.saturating_sub(1) as usize).copied().unwrap_or("");
    let words: Vec<&str> = source.split_whitespace().collect();
    Place { line: position.line, source: words.join(" ") }
}

/// Of each step, which suspects it reads and writes.
fn suspects_of_steps(steps: &[Step], suspects: &[Register]) -> Vec<Option<Box<Suspects>>> {
    let number: FxHashMap<Register, u32> = suspects.iter().copied().zip(0..).collect();
    let of = |registers: Vec<Register>| -> Vec<u32> {
        registers.iter().filter_map(|register| number.get(register).copied()).collect()
    };
    let mut found = vec![];
    for step in steps {
        let uses = flow::uses(step);
        let looked_at =
            Suspects { read: of(uses.read), written: of(uses.written), is_move: uses.is_move };
        let is_any = !looked_at.read.is_empty() || !looked_at.written.is_empty();
        found.push(is_any.then(|| Box::new(looked_at)));
    }
    found
}

/// Copies a register to one of the same bank.
fn copied(
    into: crate::code::Target,
    from: crate::code::Target,
) -> Result<crate::registers::Compute, String> {
    use crate::registers::unary;
    match (into, from) {
        (Some((Bank::Word, d)), Some((Bank::Word, a))) => Ok(unary::<u32, u32>(d, a, |x| x)),
        (Some((Bank::Long, d)), Some((Bank::Long, a))) => Ok(unary::<u64, u64>(d, a, |x| x)),
        (None, _) => Ok(Box::new(|_, _| {})),
        _ => Err("the operands have different sizes".to_string()),
    }
}
