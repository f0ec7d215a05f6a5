//! Programs that nobody would write for a model, and that a search without bounds would never finish: their compilation
//! ends, and what it takes grows with their size.
//!
//! `cargo test --release -p ocellus-compiler --test adversarial -- --nocapture` prints what each takes.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_checkpoint::RandomWeights;
use ocellus_compiler::{CompileError, Compiler, Program, Target};
use ocellus_dialects::symbolic::{SymbolRange, Symbols};
use ocellus_dialects::venc::{Activate, Activation, FunctionBuilder, Linear, Module, Role};
use ocellus_dialects::{ElementType::F32, TensorType};
use ocellus_frontend::Model;
use ocellus_frontend::nn::{self, Scope, Tensor};
use ocellus_kernels::CpuTarget;
use ocellus_rewrite::Effort;
use std::time::{Duration, Instant};

const WIDTH: i64 = 64;

/// What a compilation may take, in the units of [`work`]. A block of an encoder takes some hundred thousand.
const MAX_WORK: usize = 6_000_000;

/// Far more than any of these takes on a slow machine that does other things as well.
const LONGEST: Duration = Duration::from_secs(120);

/// A program of some size, and the sizes at which it is compiled, each twice the one before.
struct Case {
    name: &'static str,
    make: fn(usize) -> Module,
    min: usize,
}

const CASES: &[Case] = &[
    Case { name: "a chain of products", make: products, min: 5 },
    Case { name: "a chain of products with biases", make: products_with_biases, min: 5 },
    Case { name: "a chain of products, every other with a bias", make: some_biases, min: 5 },
    Case { name: "biases in a row before a product", make: biases_in_a_row, min: 5 },
    Case { name: "norms and products in turn", make: norms, min: 4 },
    Case { name: "a chain of scales", make: scales, min: 10 },
    Case { name: "a chain of reshapes", make: reshapes, min: 8 },
    Case { name: "a chain of element-wise steps", make: elementwise, min: 10 },
    Case { name: "a fan of products", make: fan, min: 8 },
    Case { name: "diamonds of sums", make: diamonds, min: 8 },
    Case { name: "diamonds of products", make: diamonds_of_products, min: 4 },
    Case { name: "a concatenation of columns", make: concat, min: 8 },
    Case { name: "columns of columns", make: columns, min: 8 },
    Case { name: "many results", make: many_results, min: 8 },
    Case { name: "calls that nest", make: |n| calls(n, 1), min: 10 },
    Case { name: "many small functions", make: small_functions, min: 10 },
    Case { name: "a chain of products of weights alone", make: constants, min: 4 },
];

/// A program over rows of one width.
fn rows(record: impl FnOnce(&Scope, Tensor) -> nn::Result<Tensor>) -> Module {
    nn::build(F32, |nn| {
        let rows = nn.symbol("rows", SymbolRange::new(1, 4096))?;
        let [x] = nn.inputs([("x", vec![rows, WIDTH.into()])])?;
        let y = record(nn, x)?;
        nn.result("y", &y)
    })
    .unwrap()
}

fn linear(nn: &Scope, number: usize, x: &Tensor) -> nn::Result<Tensor> {
    x.linear(&nn.weight(&format!("w{number}"), [WIDTH, WIDTH])?)
}

fn bias(nn: &Scope, number: usize, x: &Tensor) -> nn::Result<Tensor> {
    x.add(&nn.weight(&format!("b{number}"), [WIDTH])?)
}

fn products(count: usize) -> Module {
    rows(|nn, x| (0..count).try_fold(x, |x, number| linear(nn, number, &x)))
}

fn products_with_biases(count: usize) -> Module {
    rows(|nn, x| (0..count).try_fold(x, |x, number| bias(nn, number, &linear(nn, number, &x)?)))
}

fn some_biases(count: usize) -> Module {
    rows(|nn, x| {
        (0..count).try_fold(x, |x, number| {
            let y = linear(nn, number, &x)?;
            if number % 2 == 0 { bias(nn, number, &y) } else { Ok(y) }
        })
    })
}

fn biases_in_a_row(count: usize) -> Module {
    rows(|nn, x| {
        let x = (0..count).try_fold(x, |x, number| bias(nn, number, &x))?;
        linear(nn, 0, &x)
    })
}

fn norms(count: usize) -> Module {
    rows(|nn, x| {
        (0..count).try_fold(x, |x, number| {
            let [norm_weight, offset] =
                ["norm_weight", "offset"].map(|name| format!("{name}{number}"));
            let (norm_weight, offset) =
                (nn.weight(&norm_weight, [WIDTH])?, nn.weight(&offset, [WIDTH])?);
            bias(nn, number, &linear(nn, number, &x.layer_norm(&norm_weight, &offset, 1e-6)?)?)
        })
    })
}

fn scales(count: usize) -> Module {
    rows(|nn, x| {
        let x = (0..count).try_fold(x, |x, number| x.scale(1.1 + number as f64))?;
        linear(nn, 0, &x)
    })
}

fn reshapes(count: usize) -> Module {
    rows(|nn, x| {
        let rows = x.ty().shape[0].clone();
        let back = [rows.clone(), WIDTH.into()];
        let x = (0..count).try_fold(x, |x, number| {
            let parts = 1 << (number % 5);
            x.reshape([rows.clone(), parts.into(), (WIDTH / parts).into()])
        })?;
        linear(nn, 0, &x.reshape(back)?)
    })
}

fn elementwise(count: usize) -> Module {
    rows(|nn, x| {
        let y = linear(nn, 0, &x)?;
        (0..count).try_fold(y, |y, number| match number % 3 {
            0 => y.activate(Activation::Gelu),
            1 => y.add(&x),
            _ => bias(nn, number, &y),
        })
    })
}

fn fan(count: usize) -> Module {
    rows(|nn, x| {
        let first = linear(nn, 0, &x)?;
        (1..count).try_fold(first, |sum, number| sum.add(&linear(nn, number, &x)?))
    })
}

fn diamonds(count: usize) -> Module {
    rows(|_, x| (0..count).try_fold(x, |x, _| x.add(&x)))
}

fn diamonds_of_products(count: usize) -> Module {
    rows(|nn, x| {
        (0..count).try_fold(x, |x, number| {
            linear(nn, 2 * number, &x)?.add(&linear(nn, 2 * number + 1, &x)?)
        })
    })
}

fn concat(count: usize) -> Module {
    rows(|nn, x| {
        let part = |number: usize| x.slice_columns(number as i64 % 8 * 8, 8);
        let parts = (1..count).map(part).collect::<nn::Result<Vec<Tensor>>>()?;
        let y = part(0)?.concat(1, &parts.iter().collect::<Vec<_>>())?;
        y.linear(&nn.weight("w", [WIDTH, 8 * count as i64])?)
    })
}

fn columns(count: usize) -> Module {
    rows(|_, x| {
        (0..count.min(60)).try_fold(x, |x, number| x.slice_columns(1, WIDTH - 1 - number as i64))
    })
}

fn many_results(count: usize) -> Module {
    nn::build(F32, |nn| {
        let rows = nn.symbol("rows", SymbolRange::new(1, 4096))?;
        let [mut x] = nn.inputs([("x", vec![rows, WIDTH.into()])])?;
        for number in 0..count {
            x = linear(nn, number, &x)?.activate(Activation::Gelu)?;
            nn.result(&format!("y{number}"), &x)?;
        }
        Ok(())
    })
    .unwrap()
}

/// The function that others call in the end, alone in a module.
fn block() -> Module {
    let mut symbols = Symbols::default();
    let rows = symbols.declare("rows", SymbolRange::new(1, 4096)).unwrap();
    let mut block = FunctionBuilder::new("level0");
    let x = block.argument("x", TensorType::new(F32, [rows, WIDTH.into()]), Role::Activation);
    let w = block.argument("w", TensorType::new(F32, [WIDTH, WIDTH]), Role::Weight);
    let y = block.push(Linear, &[x, w]).unwrap();
    let y = block.push(Activate { function: Activation::Gelu }, &[y]).unwrap();
    block.result("y", y);
    Module { symbols, functions: vec![block.finish()], entry: "main".into() }
}

/// A function that calls another so often in a row.
fn caller(module: &Module, name: &str, callee: &str, times: usize) -> FunctionBuilder {
    let types: Vec<TensorType> =
        module.functions[0].arguments.iter().map(|argument| argument.ty.clone()).collect();
    let mut function = FunctionBuilder::new(name);
    let mut x = function.argument("x", types[0].clone(), Role::Activation);
    let w = match name {
        "main" => function.weight("w", types[1].clone()),
        _ => function.argument("w", types[1].clone(), Role::Weight),
    };
    for _ in 0..times {
        x = function.call(module, callee, &[x, w]).unwrap();
    }
    function.result("y", x);
    function
}

/// Functions that nest so deep, each calling the one below so often.
fn calls(depth: usize, times: usize) -> Module {
    let mut module = block();
    for level in 1..depth {
        let (name, callee) = (format!("level{level}"), format!("level{}", level - 1));
        let function = caller(&module, &name, &callee, times).finish();
        module.functions.push(function);
    }
    let main = caller(&module, "main", &format!("level{}", depth - 1), times).finish();
    module.functions.push(main);
    module
}

fn small_functions(count: usize) -> Module {
    let mut module = block();
    let mut main = FunctionBuilder::new("main");
    let types: Vec<TensorType> =
        module.functions[0].arguments.iter().map(|argument| argument.ty.clone()).collect();
    let mut x = main.argument("x", types[0].clone(), Role::Activation);
    for number in 0..count {
        let mut function = module.functions[0].clone();
        function.name = format!("function{number}");
        module.functions.push(function);
        let w = main.weight(&format!("w{number}"), types[1].clone());
        x = main.call(&module, &format!("function{number}"), &[x, w]).unwrap();
    }
    main.result("y", x);
    module.functions.push(main.finish());
    module
}

/// A sum with what depends on weights alone.
fn constants(count: usize) -> Module {
    rows(|nn, x| {
        let first = nn.weight("first", [1, WIDTH])?;
        let product = (0..count).try_fold(first, |product, number| linear(nn, number, &product))?;
        x.add(&product.reshape([WIDTH])?)
    })
}

fn compile(module: Module) -> Result<Program, CompileError> {
    let weights = RandomWeights::new(&module, 1);
    let model = Model::new("adversarial", module, weights).unwrap();
    Compiler::new(Target::Cpu(CpuTarget::X86_64_V4)).stages(&model)
}

/// What choosing took, in one number.
fn work(effort: &Effort) -> usize {
    effort.nodes + effort.matches + effort.candidates + effort.costs / 16 + effort.states
}

#[test]
fn what_compiling_takes_grows_with_the_program() {
    let mut faults = vec![];
    for Case { name, make, min } in CASES {
        let mut before: Option<usize> = None;
        for size in [*min, 2 * min, 4 * min] {
            let start = Instant::now();
            let program = compile(make(size)).unwrap();
            let took = start.elapsed();
            let effort = program.reports[0].effort;
            let work = work(&effort);
            println!("{name:<46} {size:>3} {:>8.3} s {work:>8} {effort:?}", took.as_secs_f64());
            for warning in &program.explanation.warnings {
                println!("    {warning}");
            }
            // Twice the size is eight times the work where every three things are looked at together.
            let grows_with_size = before.is_none_or(|before| work <= 9 * before);
            if work > MAX_WORK || took > LONGEST || !grows_with_size {
                faults.push(format!("{name}, {size}: {took:?}, {effort:?}"));
            }
            before = Some(work);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A cost of nothing is not the worst of all.
#[test]
fn a_program_without_a_launch_is_chosen() {
    let input = rows(|_, x| Ok(x));
    let reshaped = rows(|_, x| {
        let rows = x.ty().shape[0].clone();
        x.reshape([rows, (WIDTH / 4).into(), 4.into()])
    });
    for module in [input, reshaped] {
        let start = Instant::now();
        match compile(module) {
            Ok(program) => assert_eq!(program.reports[0].microseconds, 0.0),
            Err(error) => panic!("{error}"),
        }
        assert!(start.elapsed() < LONGEST);
    }
}

#[test]
fn calls_that_double_with_each_level_are_refused() {
    compile(calls(5, 2)).unwrap();
    let error = compile(calls(40, 2)).unwrap_err().to_string();
    assert!(error.contains("has more than 65536 operations"), "{error}");
    compile(calls(40, 1)).unwrap();
}

/// Products of weights are still found, and the biases between them go along.
#[test]
fn a_chain_of_products_is_one_where_that_is_less_work() {
    let narrowing = |with_bias: bool| {
        rows(|nn, x| {
            let wide = x.linear(&nn.weight("up", [16 * WIDTH, WIDTH])?)?;
            let wide = match with_bias {
                true => wide.add(&nn.weight("up.bias", [16 * WIDTH])?)?,
                false => wide,
            };
            let back = wide.linear(&nn.weight("down", [WIDTH, 16 * WIDTH])?)?;
            linear(nn, 1, &bias(nn, 0, &back)?)
        })
    };
    for module in [narrowing(false), narrowing(true), products(5), products_with_biases(5)] {
        let program = compile(module).unwrap();
        for piece in &program.pieces {
            let main = piece.module.function("main").unwrap();
            assert_eq!(main.steps.len(), 1, "{main}");
        }
    }
}
