//! Writes the body of one function.

use super::{Function, GpuThreads, Linkage, Scalar, Type, Value};
use std::fmt::Write;

/// How integers compare, as signed numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Comparison {
    fn name(self) -> &'static str {
        match self {
            Comparison::Equal => "eq",
            Comparison::NotEqual => "ne",
            Comparison::Less => "slt",
            Comparison::LessOrEqual => "sle",
        }
    }
}

/// Writes operations one after the other. Arithmetic takes operands of one type and picks the integer or the float
/// operation by it.
#[derive(Debug)]
pub struct Builder {
    text: String,
    values: u32,
    depth: usize,
    /// Whether what is read and written at once lies at a multiple of its size, as a GPU wants it.
    pub(super) is_aligned: bool,
}

impl Builder {
    pub(super) fn function(
        function: &Function,
        linkage: Linkage,
        body: impl FnOnce(&mut Builder, &[Value]),
    ) -> String {
        let mut builder = Builder { text: String::new(), values: 0, depth: 1, is_aligned: false };
        let arguments: Vec<Value> =
            function.parameters.iter().map(|ty| builder.value(*ty)).collect();
        let parameters: Vec<String> =
            arguments.iter().map(|value| format!("{value}: {}", value.ty)).collect();
        // Without "no-builtins" LLVM turns loops into calls of memset and memcpy, which nobody would resolve.
        let attributes = match linkage {
            Linkage::Exported => r#"passthrough = ["nounwind", "no-builtins"]"#,
            Linkage::Internal => {
                r#"llvm.linkage = #llvm.linkage<internal>, passthrough = ["nounwind", "no-builtins", "noinline"]"#
            }
        };
        let head = format!(
            "func.func @{}({}) attributes {{{attributes}}} {{",
            function.name,
            parameters.join(", ")
        );
        builder.finish(&head, "return", |b| body(b, &arguments))
    }

    pub(super) fn gpu_kernel(
        function: &Function,
        (words, threads): (usize, GpuThreads),
        body: impl FnOnce(&mut Builder, Value, Value),
    ) -> String {
        let mut builder = Builder { text: String::new(), values: 0, depth: 1, is_aligned: true };
        let [block, tiles] = [Type::Pointer, Type::I64].map(|ty| builder.value(ty));
        let GpuThreads { of_block, blocks_at_once } = threads;
        let head = format!(
            "llvm.func @{}({block}: !llvm.ptr {{llvm.byval = !llvm.array<{words} x i64>, llvm.align = 8 : i64}}, \
             {tiles}: i64) attributes {{nvvm.kernel, nvvm.reqntid = array<i32: {of_block}>, \
             nvvm.minctasm = {blocks_at_once} : i32, passthrough = [\"nounwind\", \"no-builtins\"]}} {{",
            function.name
        );
        builder.finish(&head, "llvm.return", |b| body(b, block, tiles))
    }

    /// The text of a function with that head, whose body ends by that operation.
    fn finish(mut self, head: &str, end: &str, body: impl FnOnce(&mut Builder)) -> String {
        self.line(head);
        self.depth += 1;
        body(&mut self);
        self.line(end);
        self.depth -= 1;
        self.line("}");
        self.text
    }

    pub(super) fn line(&mut self, text: &str) {
        let indent = 2 * self.depth;
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{:indent$}{text}", "");
    }

    pub(super) fn value(&mut self, ty: Type) -> Value {
        self.values += 1;
        Value { number: self.values, result: None, ty }
    }

    pub(super) fn operation(&mut self, ty: Type, text: &str) -> Value {
        let value = self.value(ty);
        self.line(&format!("{value} = {text}"));
        value
    }

    /// An integer constant.
    pub fn i64(&mut self, value: i64) -> Value {
        self.operation(Type::I64, &format!("arith.constant {value} : i64"))
    }

    /// An integer constant of that type.
    pub fn integer(&mut self, value: i64, ty: Type) -> Value {
        self.operation(ty, &format!("arith.constant {value} : {ty}"))
    }

    /// A truth value.
    pub fn i1(&mut self, value: bool) -> Value {
        self.operation(Type::I1, &format!("arith.constant {value}"))
    }

    /// The same number in each lane of an integer or float type.
    pub fn splat(&mut self, value: f64, ty: Type) -> Value {
        let literal = match ty.scalar() {
            Scalar::F32 | Scalar::BF16 | Scalar::F16 => float_literal(value as f32),
            _ => format!("{}", value as i64),
        };
        match ty {
            Type::Vector(..) => {
                self.operation(ty, &format!("arith.constant dense<{literal}> : {ty}"))
            }
            _ => self.operation(ty, &format!("arith.constant {literal} : {ty}")),
        }
    }

    fn binary(&mut self, integer: &str, float: &str, a: Value, b: Value) -> Value {
        let name = if a.ty.scalar().is_float() { float } else { integer };
        self.operation(a.ty, &format!("arith.{name} {a}, {b} : {}", a.ty))
    }

    /// `a + b`
    pub fn add(&mut self, a: Value, b: Value) -> Value {
        self.binary("addi", "addf", a, b)
    }

    /// `a - b`
    pub fn sub(&mut self, a: Value, b: Value) -> Value {
        self.binary("subi", "subf", a, b)
    }

    /// `a * b`
    pub fn mul(&mut self, a: Value, b: Value) -> Value {
        self.binary("muli", "mulf", a, b)
    }

    /// `a / b`; of integers that are not negative.
    pub fn div(&mut self, a: Value, b: Value) -> Value {
        self.binary("divui", "divf", a, b)
    }

    /// `a mod b`, of integers that are not negative.
    pub fn rem(&mut self, a: Value, b: Value) -> Value {
        self.binary("remui", "remf", a, b)
    }

    /// The lesser; of floats, `b` where one is NaN: the x86 instruction.
    pub fn min(&mut self, a: Value, b: Value) -> Value {
        self.extreme("minsi", "olt", a, b)
    }

    /// The greater; of floats, `b` where one is NaN: the x86 instruction.
    pub fn max(&mut self, a: Value, b: Value) -> Value {
        self.extreme("maxsi", "ogt", a, b)
    }

    fn extreme(&mut self, integer: &str, predicate: &str, a: Value, b: Value) -> Value {
        if !a.ty.scalar().is_float() {
            return self.operation(a.ty, &format!("arith.{integer} {a}, {b} : {}", a.ty));
        }
        let holds = self.operation(
            a.ty.with_scalar(Scalar::I1),
            &format!("arith.cmpf {predicate}, {a}, {b} : {}", a.ty),
        );
        self.select(holds, a, b)
    }

    /// `a + number`
    pub fn add_constant(&mut self, a: Value, number: i64) -> Value {
        if number == 0 {
            return a;
        }
        let number = self.integer(number, a.ty);
        self.add(a, number)
    }

    /// `a * number`
    pub fn mul_constant(&mut self, a: Value, number: i64) -> Value {
        if number == 1 {
            return a;
        }
        let number = self.integer(number, a.ty);
        self.mul(a, number)
    }

    /// `ceil(a / number)`, of an integer that is not negative.
    pub fn ceil_div(&mut self, a: Value, number: i64) -> Value {
        let sum = self.add_constant(a, number - 1);
        let number = self.integer(number, a.ty);
        self.div(sum, number)
    }

    /// The first of part `number` of `0..count`, which is cut into so many alike, and what is behind its last.
    pub fn part(&mut self, (number, parts): (Value, Value), count: Value) -> (Value, Value) {
        let first = self.mul(number, count);
        let next = self.add(first, count);
        (self.div(first, parts), self.div(next, parts))
    }

    /// `a * b + c`, rounded once.
    pub fn fma(&mut self, a: Value, b: Value, c: Value) -> Value {
        let ty = a.ty;
        self.operation(ty, &format!("llvm.intr.fma({a}, {b}, {c}) : ({ty}, {ty}, {ty}) -> {ty}"))
    }

    /// The square root.
    pub fn sqrt(&mut self, a: Value) -> Value {
        self.operation(a.ty, &format!("llvm.intr.sqrt({a}) : ({}) -> {}", a.ty, a.ty))
    }

    /// The nearest integer, as a float; halves to even.
    pub fn round(&mut self, a: Value) -> Value {
        self.operation(a.ty, &format!("llvm.intr.rint({a}) : ({}) -> {}", a.ty, a.ty))
    }

    /// `a << bits`
    pub fn shift_left(&mut self, a: Value, bits: i64) -> Value {
        let bits = self.splat(bits as f64, a.ty);
        self.operation(a.ty, &format!("arith.shli {a}, {bits} : {}", a.ty))
    }

    /// `a >> bits`, filled with zeros.
    pub fn shift_right(&mut self, a: Value, bits: i64) -> Value {
        let bits = self.splat(bits as f64, a.ty);
        self.operation(a.ty, &format!("arith.shrui {a}, {bits} : {}", a.ty))
    }

    /// Bitwise and.
    pub fn and(&mut self, a: Value, b: Value) -> Value {
        self.operation(a.ty, &format!("arith.andi {a}, {b} : {}", a.ty))
    }

    /// Bitwise or.
    pub fn or(&mut self, a: Value, b: Value) -> Value {
        self.operation(a.ty, &format!("arith.ori {a}, {b} : {}", a.ty))
    }

    /// Bitwise exclusive or.
    pub fn xor(&mut self, a: Value, b: Value) -> Value {
        self.operation(a.ty, &format!("arith.xori {a}, {b} : {}", a.ty))
    }

    /// Compares integers.
    pub fn compare(&mut self, comparison: Comparison, a: Value, b: Value) -> Value {
        self.operation(
            a.ty.with_scalar(Scalar::I1),
            &format!("arith.cmpi {}, {a}, {b} : {}", comparison.name(), a.ty),
        )
    }

    /// Whether `a < b`, of floats; not where one is NaN.
    pub fn is_less(&mut self, a: Value, b: Value) -> Value {
        self.operation(
            a.ty.with_scalar(Scalar::I1),
            &format!("arith.cmpf olt, {a}, {b} : {}", a.ty),
        )
    }

    /// Whether a float is NaN.
    pub fn is_nan(&mut self, a: Value) -> Value {
        self.operation(
            a.ty.with_scalar(Scalar::I1),
            &format!("arith.cmpf uno, {a}, {a} : {}", a.ty),
        )
    }

    /// `a` where the condition holds, else `b`.
    pub fn select(&mut self, condition: Value, a: Value, b: Value) -> Value {
        let condition_type = match condition.ty {
            Type::Vector(..) => format!("{}, ", condition.ty),
            _ => String::new(),
        };
        self.operation(
            a.ty,
            &format!("arith.select {condition}, {a}, {b} : {condition_type}{}", a.ty),
        )
    }

    fn conversion(&mut self, name: &str, a: Value, to: Type) -> Value {
        self.operation(to, &format!("arith.{name} {a} : {} to {to}", a.ty))
    }

    /// The same bits as another type.
    pub fn bitcast(&mut self, a: Value, to: Type) -> Value {
        match a.ty.lanes() == to.lanes() {
            true => self.conversion("bitcast", a, to),
            false => self.operation(to, &format!("vector.bitcast {a} : {} to {to}", a.ty)),
        }
    }

    /// A narrower integer with zeros in front.
    pub fn extend_unsigned(&mut self, a: Value, scalar: Scalar) -> Value {
        self.conversion("extui", a, a.ty.with_scalar(scalar))
    }

    /// The lower bits of an integer.
    pub fn truncate_integer(&mut self, a: Value, scalar: Scalar) -> Value {
        self.conversion("trunci", a, a.ty.with_scalar(scalar))
    }

    /// A float in a wider type.
    pub fn extend_float(&mut self, a: Value, scalar: Scalar) -> Value {
        self.conversion("extf", a, a.ty.with_scalar(scalar))
    }

    /// A float rounded to a narrower type.
    pub fn truncate_float(&mut self, a: Value, scalar: Scalar) -> Value {
        self.conversion("truncf", a, a.ty.with_scalar(scalar))
    }

    /// A float to an integer of the same width, towards zero.
    pub fn to_integer(&mut self, a: Value) -> Value {
        self.conversion("fptosi", a, a.ty.with_scalar(Scalar::I32))
    }

    /// A signed integer to f32.
    pub fn to_float(&mut self, a: Value) -> Value {
        self.conversion("sitofp", a, a.ty.with_scalar(Scalar::F32))
    }

    /// A scalar in each lane.
    pub fn broadcast(&mut self, a: Value, lanes: u32) -> Value {
        let ty = Type::Vector(a.ty.scalar(), lanes);
        self.operation(ty, &format!("vector.broadcast {a} : {} to {ty}", a.ty))
    }

    /// `count` lanes from `first` on.
    pub fn lanes(&mut self, a: Value, first: u32, count: u32) -> Value {
        let ty = Type::Vector(a.ty.scalar(), count);
        self.operation(
            ty,
            &format!(
                "vector.extract_strided_slice {a} {{offsets = [{first}], sizes = [{count}], strides = [1]}} : {} to {ty}",
                a.ty
            ),
        )
    }

    /// One lane.
    pub fn lane(&mut self, a: Value, lane: u32) -> Value {
        let ty = Type::Scalar(a.ty.scalar());
        self.operation(ty, &format!("vector.extract {a}[{lane}] : {ty} from {}", a.ty))
    }

    /// The lanes of `a` and `b`, one after the other, that `indices` name.
    pub fn shuffle(&mut self, a: Value, b: Value, indices: &[u32]) -> Value {
        let ty = Type::Vector(a.ty.scalar(), indices.len() as u32);
        self.operation(ty, &format!("vector.shuffle {a}, {b} {indices:?} : {}, {}", a.ty, b.ty))
    }

    /// All lanes combined into one number, as a tree.
    pub fn fold_lanes(
        &mut self,
        a: Value,
        combine: fn(&mut Builder, Value, Value) -> Value,
    ) -> Value {
        let mut folded = a;
        while folded.lanes() > 1 {
            let half = folded.lanes() / 2;
            let (low, high) = (self.lanes(folded, 0, half), self.lanes(folded, half, half));
            folded = combine(self, low, high);
        }
        self.lane(folded, 0)
    }

    /// Calls a function of the module.
    pub fn call(&mut self, function: &Function, arguments: &[Value]) {
        let names: Vec<String> = arguments.iter().map(Value::to_string).collect();
        let types: Vec<String> = arguments.iter().map(|argument| argument.ty.to_string()).collect();
        self.line(&format!(
            "func.call @{}({}) : ({}) -> ()",
            function.name,
            names.join(", "),
            types.join(", ")
        ));
    }

    /// Runs `body` with each `i` of `lower, lower+step, ..` below `upper`. `body` gets and gives the carried values.
    pub fn for_loop(
        &mut self,
        (lower, upper, step): (Value, Value, i64),
        initial: &[Value],
        body: impl FnOnce(&mut Builder, Value, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        let step = self.integer(step, lower.ty);
        let results = self.results(initial.iter().map(|value| value.ty).collect());
        let index = self.value(lower.ty);
        let carried: Vec<Value> = initial.iter().map(|value| self.value(value.ty)).collect();
        let pairs: Vec<String> =
            carried.iter().zip(initial).map(|(name, value)| format!("{name} = {value}")).collect();
        let types: Vec<String> = initial.iter().map(|value| value.ty.to_string()).collect();
        let carry = match initial.is_empty() {
            true => String::new(),
            false => format!(" iter_args({}) -> ({})", pairs.join(", "), types.join(", ")),
        };
        self.line(&format!(
            "{}scf.for {index} = {lower} to {upper} step {step}{carry} : {} {{",
            result_prefix(&results),
            lower.ty
        ));
        self.depth += 1;
        let next = body(self, index, &carried);
        self.terminate(&next);
        self.depth -= 1;
        self.line("}");
        results
    }

    /// A loop that carries nothing.
    pub fn for_each(&mut self, range: (Value, Value, i64), body: impl FnOnce(&mut Builder, Value)) {
        self.for_loop(range, &[], |b, index, _| {
            body(b, index);
            vec![]
        });
    }

    /// The values of one of two branches, which must give the same types.
    pub fn if_else(
        &mut self,
        condition: Value,
        then: impl FnOnce(&mut Builder) -> Vec<Value>,
        otherwise: impl FnOnce(&mut Builder) -> Vec<Value>,
    ) -> Vec<Value> {
        let before = std::mem::take(&mut self.text);
        self.depth += 1;
        let chosen = then(self);
        self.terminate(&chosen);
        let then_text = std::mem::take(&mut self.text);
        let other = otherwise(self);
        self.terminate(&other);
        let otherwise_text = std::mem::replace(&mut self.text, before);
        self.depth -= 1;

        let results = self.results(chosen.iter().map(|value| value.ty).collect());
        let types: Vec<String> = chosen.iter().map(|value| value.ty.to_string()).collect();
        let types = match chosen.is_empty() {
            true => String::new(),
            false => format!(" -> ({})", types.join(", ")),
        };
        self.line(&format!("{}scf.if {condition}{types} {{", result_prefix(&results)));
        self.text.push_str(&then_text);
        self.line("} else {");
        self.text.push_str(&otherwise_text);
        self.line("}");
        results
    }

    /// Runs `body` where the condition holds.
    pub fn if_then(&mut self, condition: Value, body: impl FnOnce(&mut Builder)) {
        self.line(&format!("scf.if {condition} {{"));
        self.depth += 1;
        body(self);
        self.depth -= 1;
        self.line("}");
    }

    fn results(&mut self, types: Vec<Type>) -> Vec<Value> {
        if types.is_empty() {
            return vec![];
        }
        self.values += 1;
        let number = self.values;
        let several = types.len() > 1;
        let value =
            |(position, ty)| Value { number, result: several.then_some(position as u32), ty };
        types.into_iter().enumerate().map(value).collect()
    }

    fn terminate(&mut self, values: &[Value]) {
        if values.is_empty() {
            return;
        }
        let names: Vec<String> = values.iter().map(Value::to_string).collect();
        let types: Vec<String> = values.iter().map(|value| value.ty.to_string()).collect();
        self.line(&format!("scf.yield {} : {}", names.join(", "), types.join(", ")));
    }
}

fn result_prefix(results: &[Value]) -> String {
    match results {
        [] => String::new(),
        [one] => format!("{one} = "),
        [first, ..] => format!("%{}:{} = ", first.number, results.len()),
    }
}

/// MLIR wants a point in a float; infinities and NaN are written as their bits.
fn float_literal(value: f32) -> String {
    if !value.is_finite() {
        return format!("0x{:08X}", value.to_bits());
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
        _ => text,
    }
}
