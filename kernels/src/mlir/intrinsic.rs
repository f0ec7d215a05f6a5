//! Calls of LLVM's intrinsics, instructions of a target, and what their operands and results are made of.

use super::{Builder, Scalar, Type, Value};

impl Builder {
    /// An LLVM intrinsic by its name.
    pub fn intrinsic(&mut self, name: &str, operands: &[Value], ty: Type) -> Value {
        let names: Vec<String> = operands.iter().map(Value::to_string).collect();
        let types: Vec<String> = operands.iter().map(|operand| operand.ty.to_string()).collect();
        self.operation(
            ty,
            &format!(
                "llvm.call_intrinsic \"{name}\"({}) : ({}) -> {ty}",
                names.join(", "),
                types.join(", ")
            ),
        )
    }

    /// An LLVM intrinsic that gives nothing.
    pub fn intrinsic_without_result(&mut self, name: &str, operands: &[Value]) {
        let names: Vec<String> = operands.iter().map(Value::to_string).collect();
        let types: Vec<String> = operands.iter().map(|operand| operand.ty.to_string()).collect();
        let (names, types) = (names.join(", "), types.join(", "));
        self.line(&format!("llvm.call_intrinsic \"{name}\"({names}) : ({types}) -> ()"));
    }

    /// An instruction of a target without operands, before which and behind which all uses of memory stay.
    pub fn barrier_assembly(&mut self, text: &str) {
        self.line(&format!(
            "llvm.inline_asm has_side_effects \"{text}\", \"~{{memory}}\" : () -> ()"
        ));
    }

    /// An LLVM intrinsic that gives several numbers.
    pub fn intrinsic_with_results(
        &mut self,
        name: &str,
        operands: &[Value],
        (count, ty): (usize, Type),
    ) -> Vec<Value> {
        let names: Vec<String> = operands.iter().map(Value::to_string).collect();
        let types: Vec<String> = operands.iter().map(|operand| operand.ty.to_string()).collect();
        let all = format!("!llvm.struct<({})>", vec![ty.to_string(); count].join(", "));
        let (names, types) = (names.join(", "), types.join(", "));
        // The structure is no value that anything else could take.
        let given = self.operation(
            ty,
            &format!("llvm.call_intrinsic \"{name}\"({names}) : ({types}) -> {all}"),
        );
        let mut part = |position| {
            self.operation(ty, &format!("llvm.extractvalue {given}[{position}] : {all}"))
        };
        (0..count).map(&mut part).collect()
    }

    /// An instruction of the target in its own words: `$0` is the result, `$1` and so on the operands, of the kinds that
    /// `constraints` lists. One that is `anew` is executed where it stands, however often it was before.
    pub fn assembly(
        &mut self,
        text: &str,
        (constraints, anew): (&str, bool),
        operands: &[Value],
        ty: Type,
    ) -> Value {
        let names: Vec<String> = operands.iter().map(Value::to_string).collect();
        let types: Vec<String> = operands.iter().map(|operand| operand.ty.to_string()).collect();
        let (names, types) = (names.join(", "), types.join(", "));
        let effects = if anew { "has_side_effects " } else { "" };
        self.operation(
            ty,
            &format!(
                "llvm.inline_asm {effects}\"{text}\", \"{constraints}\" {names} : ({types}) -> {ty}"
            ),
        )
    }

    /// The bits of an integer as numbers beside each other, the first in the lowest bits.
    pub fn split_bits(&mut self, a: Value, scalar: Scalar) -> Value {
        let lanes = a.ty.scalar().bytes() / scalar.bytes();
        let ty = Type::Vector(scalar, lanes as u32);
        self.operation(ty, &format!("llvm.bitcast {a} : {} to {ty}", a.ty))
    }

    /// The bits of numbers beside each other as an integer, the first in the lowest bits.
    pub fn join_bits(&mut self, a: Value) -> Value {
        let bits = a.ty.scalar().bytes() * i64::from(a.lanes());
        let ty = Type::Scalar(if bits == 8 { Scalar::I64 } else { Scalar::I32 });
        self.operation(ty, &format!("llvm.bitcast {a} : {} to {ty}", a.ty))
    }

    /// A vector of these numbers.
    pub fn vector(&mut self, elements: &[Value]) -> Value {
        let scalar = elements.first().map_or(Scalar::F32, |first| first.ty.scalar());
        let ty = Type::Vector(scalar, elements.len() as u32);
        let names: Vec<String> = elements.iter().map(Value::to_string).collect();
        self.operation(ty, &format!("vector.from_elements {} : {ty}", names.join(", ")))
    }
}
