//! Checks a [`Plan`]: an artifact is untrusted input, and what runs a plan relies on its indices.

use super::{
    Expression, Launch, LaunchArgument, Piece, Place, Plan, Port, PortValues, Program, Schedule,
    SymbolEntry, SymbolSource,
};
use std::collections::HashSet;

/// A plan that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct PlanError {
    /// Which part of the plan.
    pub at: String,
    /// What is wrong with it.
    pub problem: PlanProblem,
}

/// What is wrong with a part of a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanProblem {
    /// An index that names nothing.
    #[error("there is no {what} {index}, as there are only {count}")]
    Index {
        /// What is indexed.
        what: &'static str,
        /// The index.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A definition that speaks of itself or of a later symbol.
    #[error("its definition uses symbol {0}, which does not come before it")]
    LaterSymbol(usize),
    /// A divisor below one.
    #[error("the divisor {0} is not positive")]
    Divisor(i64),
    /// A range without sizes.
    #[error("the range {min}..={max} step {step} is empty or negative")]
    Range {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
        /// The step.
        step: i64,
    },
    /// Two things of one name.
    #[error("the name is given twice")]
    Duplicate,
    /// A free symbol without an input that brings it.
    #[error("no dimension of an input is this symbol")]
    Unbound,
    /// No program.
    #[error("there is none")]
    Empty,
}

impl PlanProblem {
    fn at(self, at: impl Into<String>) -> PlanError {
        PlanError { at: at.into(), problem: self }
    }
}

impl Plan {
    /// Whether every index lies in its range, divisors are positive, definitions refer to earlier symbols only, names
    /// are unique, and every free symbol is a dimension of an input.
    pub fn validate(&self) -> Result<(), PlanError> {
        self.validate_symbols()?;
        self.validate_ports("input", &self.inputs)?;
        self.validate_ports("output", &self.outputs)?;
        self.validate_every_free_symbol_is_brought()?;
        unique("symbol", self.symbols.iter().map(|symbol| symbol.name.as_str()))?;
        unique("weight", self.weights.iter().map(|weight| weight.name.as_str()))?;
        if self.pieces.is_empty() {
            return Err(PlanProblem::Empty.at("pieces"));
        }
        self.programs.iter().enumerate().try_for_each(|(index, program)| {
            self.validate_program(program)
                .map_err(|error| error.problem.at(format!("program {index}, {}", error.at)))
        })?;
        self.pieces.iter().enumerate().try_for_each(|(index, piece)| {
            self.validate_piece(piece).map_err(|problem| problem.at(format!("piece {index}")))
        })
    }

    fn validate_symbols(&self) -> Result<(), PlanError> {
        for (index, SymbolEntry { name, source }) in self.symbols.iter().enumerate() {
            let checked = match source {
                SymbolSource::Free { min, max, step } => {
                    if 0 <= *min && min <= max && *step >= 1 {
                        Ok(())
                    } else {
                        Err(PlanProblem::Range { min: *min, max: *max, step: *step })
                    }
                }
                SymbolSource::Defined(expression) => {
                    check_expression(expression, index).map_err(|problem| match problem {
                        PlanProblem::Index { index, .. } => PlanProblem::LaterSymbol(index),
                        other => other,
                    })
                }
            };
            checked.map_err(|problem| problem.at(format!("symbol `{name}`")))?;
        }
        Ok(())
    }

    fn validate_ports(&self, kind: &'static str, ports: &[Port]) -> Result<(), PlanError> {
        unique(kind, ports.iter().map(|port| port.name.as_str()))?;
        for port in ports {
            let at = |problem: PlanProblem| problem.at(format!("{kind} `{}`", port.name));
            self.expressions(&port.shape).map_err(at)?;
            if let PortValues::Indices { below, .. } = &port.values {
                self.expressions(below).map_err(at)?;
            }
        }
        Ok(())
    }

    fn validate_every_free_symbol_is_brought(&self) -> Result<(), PlanError> {
        let brought: HashSet<usize> = self
            .inputs
            .iter()
            .flat_map(|port| &port.shape)
            .filter_map(|dim| match dim {
                Expression::Symbol(index) => Some(*index),
                _ => None,
            })
            .collect();
        for (index, symbol) in self.symbols.iter().enumerate() {
            if matches!(symbol.source, SymbolSource::Free { .. }) && !brought.contains(&index) {
                return Err(PlanProblem::Unbound.at(format!("symbol `{}`", symbol.name)));
            }
        }
        Ok(())
    }

    fn validate_piece(&self, piece: &Piece) -> Result<(), PlanProblem> {
        index("program", piece.program, self.programs.len())?;
        piece.ranges.iter().try_for_each(|range| index("symbol", range.symbol, self.symbols.len()))
    }

    fn validate_program(&self, program: &Program) -> Result<(), PlanError> {
        self.expressions(&program.buffers).map_err(|problem| problem.at("buffers"))?;
        for (position, launch) in program.launches.iter().enumerate() {
            self.check_launch(program, launch)
                .map_err(|problem| problem.at(format!("launch {position}")))?;
        }
        Ok(())
    }

    fn check_launch(&self, program: &Program, launch: &Launch) -> Result<(), PlanProblem> {
        launch.schedules().try_for_each(|schedule| self.check_schedule(schedule))?;
        for argument in &launch.arguments {
            match argument {
                LaunchArgument::Address { place, offset } => {
                    self.check_place(program, *place)?;
                    check_expression(offset, self.symbols.len())?;
                }
                LaunchArgument::Integer(value) => check_expression(value, self.symbols.len())?,
            }
        }
        if let Some(result) = &launch.result {
            self.check_place(program, result.place)?;
            self.expressions(&result.shape)?;
        }
        Ok(())
    }

    fn check_schedule(&self, schedule: &Schedule) -> Result<(), PlanProblem> {
        index("kernel", schedule.kernel, self.kernels.len())?;
        check_expression(&schedule.tiles, self.symbols.len())?;
        check_expression(&schedule.scratch_bytes, self.symbols.len())
    }

    fn check_place(&self, program: &Program, place: Place) -> Result<(), PlanProblem> {
        match place {
            Place::Input(position) => index("input", position, self.inputs.len()),
            Place::Output(position) => index("output", position, self.outputs.len()),
            Place::Weight(position) => index("weight", position, self.weights.len()),
            Place::Buffer(position) => index("buffer", position, program.buffers.len()),
        }
    }

    fn expressions(&self, expressions: &[Expression]) -> Result<(), PlanProblem> {
        expressions.iter().try_for_each(|each| check_expression(each, self.symbols.len()))
    }
}

/// Whether the expression speaks only of the first `symbols` symbols and divides by positive numbers.
fn check_expression(expression: &Expression, symbols: usize) -> Result<(), PlanProblem> {
    match expression {
        Expression::Constant(_) => Ok(()),
        Expression::Symbol(position) => index("symbol", *position, symbols),
        Expression::Sum(parts) | Expression::Product(parts) => {
            parts.iter().try_for_each(|part| check_expression(part, symbols))
        }
        Expression::FloorDiv(numerator, divisor) | Expression::CeilDiv(numerator, divisor) => {
            if *divisor < 1 {
                return Err(PlanProblem::Divisor(*divisor));
            }
            check_expression(numerator, symbols)
        }
    }
}

fn index(what: &'static str, index: usize, count: usize) -> Result<(), PlanProblem> {
    if index < count { Ok(()) } else { Err(PlanProblem::Index { what, index, count }) }
}

fn unique<'a>(
    kind: &'static str,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), PlanError> {
    let mut seen = HashSet::new();
    match names.into_iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(PlanProblem::Duplicate.at(format!("{kind} `{name}`"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let text = r#"
            module attributes {plan.symbols = ["height in 1..=8", "rows = height floordiv 2"]} {
              "plan.kernel"() {sym_name = "k", family = "move"} : () -> ()
              "plan.piece"() {ranges = ["height in 1..=8"], program = @program} : () -> ()
              func.func @program() {
                %input0 = "plan.input"() {name = "x", shape = ["height"]} : () -> !plan.memory
                %output0 = "plan.output"() {name = "y", shape = ["rows"]} : () -> !plan.memory
                %weight0 = "plan.weight"() {name = "w", bytes = 1} : () -> !plan.memory
                %buffer0 = "plan.buffer"() {bytes = "height"} : () -> !plan.memory
                "plan.launch"(%weight0) {
                  kernel = @k, arguments = ["weight0 + height", "rows"], tiles = "height", scratch_bytes = "0",
                  label = "l", result = "buffer0[height] x f32"
                } : (!plan.memory) -> ()
                func.return
              }
            }"#;
        Plan::parse(text).unwrap()
    }

    fn error(change: impl FnOnce(&mut Plan)) -> String {
        let mut plan = plan();
        change(&mut plan);
        plan.validate().expect_err("a plan that is not valid").to_string()
    }

    #[test]
    fn a_good_plan_is_valid() {
        assert_eq!(plan().validate(), Ok(()));
    }

    #[test]
    fn every_index_is_checked() {
        let launch = |plan: &mut Plan, change: fn(&mut Launch)| {
            change(&mut plan.programs[0].launches[0]);
        };
        let address = |place| LaunchArgument::Address { place, offset: Expression::Constant(0) };
        assert_eq!(
            error(|plan| launch(plan, |launch| launch.schedule.kernel = 1)),
            "program 0, launch 0: there is no kernel 1, as there are only 1"
        );
        for (place, name) in [
            (Place::Input(1), "input"),
            (Place::Output(usize::MAX), "output"),
            (Place::Weight(1), "weight"),
            (Place::Buffer(1), "buffer"),
        ] {
            let text = error(|plan| plan.programs[0].launches[0].arguments[0] = address(place));
            assert!(text.contains(&format!("launch 0: there is no {name}")), "{text}");
        }
        let two = || Expression::CeilDiv(Box::new(Expression::Symbol(2)), 1);
        let uses: [fn(&mut Plan, Expression); 10] = [
            |plan, two| plan.inputs[0].shape[0] = two,
            |plan, two| plan.outputs[0].shape[0] = two,
            |plan, two| {
                plan.inputs[0].values =
                    PortValues::Indices { below: vec![two], permutation: false };
            },
            |plan, two| plan.programs[0].buffers[0] = two,
            |plan, two| plan.programs[0].launches[0].arguments[1] = LaunchArgument::Integer(two),
            |plan, two| plan.programs[0].launches[0].schedule.tiles = two,
            |plan, two| plan.programs[0].launches[0].schedule.scratch_bytes = two,
            |plan, two| plan.programs[0].launches[0].schedule.tiles = Expression::Sum(vec![two]),
            |plan, two| {
                let launch = &mut plan.programs[0].launches[0];
                launch.alternatives = vec![Schedule { tiles: two, ..launch.schedule.clone() }];
            },
            |plan, two| {
                if let Some(result) = &mut plan.programs[0].launches[0].result {
                    result.shape[0] = two;
                }
            },
        ];
        for change in uses {
            assert!(error(|plan| change(plan, two())).contains("there is no symbol 2"));
        }
        assert!(error(|plan| plan.pieces[0].ranges[0].symbol = 2).contains("there is no symbol 2"));
        assert_eq!(
            error(|plan| plan.pieces[0].program = 1),
            "piece 0: there is no program 1, as there are only 1"
        );
    }

    #[test]
    fn definitions_look_back_only() {
        let text = error(|plan| {
            plan.symbols[1].source = SymbolSource::Defined(Expression::Symbol(1));
        });
        assert_eq!(
            text,
            "symbol `rows`: its definition uses symbol 1, which does not come before it"
        );
    }

    #[test]
    fn divisors_and_ranges_are_checked() {
        let zero = Expression::FloorDiv(Box::new(Expression::Constant(1)), 0);
        assert_eq!(
            error(|plan| plan.programs[0].buffers[0] = zero),
            "program 0, buffers: the divisor 0 is not positive"
        );
        for (min, max, step) in [(2, 1, 1), (-1, 1, 1), (1, 1, 0)] {
            let text = error(|plan| plan.symbols[0].source = SymbolSource::Free { min, max, step });
            assert!(text.starts_with("symbol `height`: the range"), "{text}");
        }
    }

    #[test]
    fn names_are_unique_and_symbols_are_brought() {
        let twice = error(|plan| plan.weights.push(plan.weights[0].clone()));
        assert_eq!(twice, "weight `w`: the name is given twice");
        let unbound = error(|plan| plan.inputs[0].shape[0] = Expression::Constant(3));
        assert_eq!(unbound, "symbol `height`: no dimension of an input is this symbol");
        assert_eq!(error(|plan| plan.pieces.clear()), "pieces: there is none");
    }
}
