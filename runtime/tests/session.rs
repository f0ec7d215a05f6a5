//! A hand-made plan, run: dispatch, tiles, threads, the arena, observers, and calls that must fail.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use half::bf16;
use ocellus_dialects::plan::*;
use ocellus_runtime::{Artifact, HostTensor, RunError, Session};
use support::*;

fn session(plan: Plan, threads: usize) -> Session {
    load(artifact(contents(plan)), threads).unwrap()
}

fn run_error(plan: Plan, inputs: &[(&str, &HostTensor)]) -> RunError {
    session(plan, 2).run(inputs).unwrap_err()
}

#[test]
fn every_size_with_every_number_of_threads() {
    for threads in [1, 2, 5] {
        let session = session(plan(), threads);
        for rows in (1..=64).chain([3, 3, 64, 1]) {
            let x = input(rows);
            let outputs = session.run(&[("x", &x)]).unwrap();
            assert_eq!(outputs[0].0, "y");
            assert_eq!(outputs[0].1.shape, [rows, WIDTH]);
            assert_eq!(outputs[0].1.data, expected(&x).1, "{rows} rows, {threads} threads");
            assert_eq!(outputs[1].1.shape, [1, rows.div_ceil(2)]);
            assert_eq!(outputs[1].1.data[0], 1.0);
        }
    }
}

#[test]
fn the_arena_grows_to_the_largest_size_and_no_further() {
    let session = session(plan(), 2);
    session.run(&[("x", &input(10))]).unwrap();
    let small = session.arena_bytes();
    session.run(&[("x", &input(64))]).unwrap();
    let large = session.arena_bytes();
    assert!(small < large && large == 64 * WIDTH * (4 + 2), "{small}, {large}");
    for round in 0..1000 {
        session.run(&[("x", &input(1 + round * 37 % 64))]).unwrap();
    }
    assert_eq!(session.arena_bytes(), large);
}

#[test]
fn shows_labeled_results_in_f32() {
    let session = session(plan(), 2);
    let x = input(33);
    let mut seen = Vec::new();
    session
        .run_observed(&[("x", &x)], &mut |label, tensor| seen.push((label.to_string(), tensor)))
        .unwrap();
    let (scaled, added) = expected(&x);
    // The kernel cuts the lower half off.
    let added =
        added.iter().map(|x| bf16::from_bits((x.to_bits() >> 16) as u16).to_f32()).collect();
    let tensor = |data| HostTensor::new(vec![33, WIDTH], data).unwrap();
    let labeled = [("scaled", tensor(scaled)), ("added", tensor(added))];
    assert_eq!(seen, labeled.map(|(label, tensor)| (label.to_string(), tensor)));
}

#[test]
fn gives_the_time_of_each_launch() {
    let (outputs, times) = session(plan(), 2).run_profiled(&[("x", &input(3))]).unwrap();
    assert_eq!(outputs.len(), 2);
    let symbols: Vec<&str> = times.iter().map(|time| time.symbol.as_str()).collect();
    assert_eq!(symbols, ["scale_rows", "add_rows", "probe_scratch"]);
    assert_eq!((times[0].tiles, times[0].label.as_deref()), (3, Some("scaled")));
    assert!(times.iter().all(|time| time.microseconds > 0.0));
}

#[test]
fn two_artifacts_at_once_and_calls_from_many_threads() {
    let mut other = plan();
    for program in &mut other.programs {
        program.launches[1].arguments[1] = LaunchArgument::Integer(constant(100));
    }
    let (first, second) = (session(plan(), 2), session(other, 2));
    std::thread::scope(|scope| {
        for rows in [1, 20, 64] {
            let (first, second) = (&first, &second);
            scope.spawn(move || {
                let x = input(rows);
                let (scaled, added) = expected(&x);
                let hundred: Vec<f32> = scaled.iter().map(|x| x + 100.0).collect();
                for _ in 0..50 {
                    assert_eq!(first.run(&[("x", &x)]).unwrap()[0].1.data, added);
                    assert_eq!(second.run(&[("x", &x)]).unwrap()[0].1.data, hundred);
                }
            });
        }
    });
}

#[test]
fn a_missing_input_is_named() {
    assert_eq!(
        run_error(plan(), &[]).to_string(),
        "the input `x` is missing: the model takes `x` [rows, 4]"
    );
}

#[test]
fn an_unexpected_input_is_named() {
    let x = input(1);
    assert_eq!(
        run_error(plan(), &[("x", &x), ("z", &x)]).to_string(),
        "the model has no input `z`: it takes `x` [rows, 4]"
    );
    assert_eq!(
        run_error(plan(), &[("x", &x), ("x", &x)]).to_string(),
        "the input `x` is given twice"
    );
}

#[test]
fn wrong_shapes_are_explained() {
    let tensor = |shape: &[usize]| HostTensor::zeros(shape.to_vec()).unwrap();
    assert_eq!(
        run_error(plan(), &[("x", &tensor(&[4]))]).to_string(),
        "the input `x` has the shape [4], and the model takes [rows, 4]"
    );
    assert_eq!(
        run_error(plan(), &[("x", &tensor(&[2, 5]))]).to_string(),
        "dimension 1 of the input `x` is 5, and must be 4: the model takes [rows, 4]"
    );
    let lying = HostTensor { shape: vec![8, WIDTH], data: vec![0.0; 4] };
    assert_eq!(
        run_error(plan(), &[("x", &lying)]).to_string(),
        "the input `x` has the shape [8, 4] and 4 elements, which do not agree"
    );
}

#[test]
fn sizes_outside_the_range_say_how_to_widen_it() {
    assert_eq!(
        run_error(plan(), &[("x", &input(65))]).to_string(),
        "`rows` = 65 (dimension 0 of the input `x`) lies outside the declared range 1..=64: give a size inside it, or \
         compile the model again with `--range rows=1..=65`"
    );
    let even = || {
        let mut even = plan();
        even.symbols[0].source = SymbolSource::Free { min: 2, max: 64, step: 2 };
        even
    };
    assert!(
        run_error(even(), &[("x", &input(66))]).to_string().ends_with("`--range rows=2..=66/2`"),
        "as the option is written"
    );
    assert_eq!(
        run_error(plan(), &[("x", &input(0))]).to_string(),
        "`rows` = 0 (dimension 0 of the input `x`), and it must be at least 1: the input is empty"
    );
    assert_eq!(
        run_error(even(), &[("x", &input(1))]).to_string(),
        "`rows` = 1 (dimension 0 of the input `x`) lies outside the declared range 2..=64 step 2: give a size inside \
         it, or compile the model again with `--range rows=1..=64`"
    );
}

#[test]
fn inputs_that_disagree_are_named() {
    let mut two = plan();
    two.inputs.push(numbers("mask", vec![rows()]));
    let mask = HostTensor::zeros(vec![3]).unwrap();
    assert_eq!(
        run_error(two, &[("x", &input(2)), ("mask", &mask)]).to_string(),
        "`rows` is 3 by dimension 0 of the input `mask`, and 2 by dimension 0 of the input `x`: they must agree"
    );
    let mut dependent = plan();
    let half = Expression::Symbol(1);
    dependent.inputs.push(numbers("mask", vec![half]));
    assert_eq!(
        run_error(dependent, &[("x", &input(4)), ("mask", &mask)]).to_string(),
        "dimension 0 of the input `mask` is 3, and must be 2 = half: the model takes [half]"
    );
}

#[test]
fn a_size_without_a_piece_is_an_error() {
    let mut gap = plan();
    gap.pieces.truncate(1);
    assert_eq!(
        run_error(gap, &[("x", &input(33))]).to_string(),
        "no piece of the artifact covers rows = 33, half = 17: compile the model again"
    );
}

#[test]
fn a_plan_that_leaves_its_memory_is_stopped() {
    let offset = |offset| LaunchArgument::Address { place: Place::Buffer(0), offset };
    let with = |argument: LaunchArgument| {
        let mut plan = plan();
        plan.programs[0].launches[1].arguments[0] = argument;
        chain(&run_error(plan, &[("x", &input(2))]))
    };
    assert_eq!(
        with(offset(row_bytes(16))),
        "an address in launch 1 of the artifact's plan lies at byte 32 of a memory of 32 bytes"
    );
    assert!(with(offset(constant(-1))).contains("at byte -1 of"));
    let overflow = Expression::Product(vec![constant(i64::MAX), rows()]);
    assert_eq!(
        with(offset(overflow)),
        "`9223372036854775807*rows` of the artifact's plan has no value for rows = 2, half = 1: the value does not \
         fit into 64 bits"
    );
    let buffer = |size| {
        let mut plan = plan();
        plan.programs[0].buffers[1] = size;
        chain(&run_error(plan, &[("x", &input(2))]))
    };
    assert!(
        buffer(constant(15)).contains("the end of the result `added`"),
        "{}",
        buffer(constant(15))
    );
    assert!(buffer(constant(-1)).contains("buffer 1 -1"), "{}", buffer(constant(-1)));
    assert!(buffer(constant(i64::MAX)).contains("buffer 1"), "{}", buffer(constant(i64::MAX)));
    assert!(buffer(constant(1 << 60)).contains("cannot allocate"), "{}", buffer(constant(1 << 60)));
    let mut plan = plan();
    plan.outputs[0].shape[0] = constant(1 << 55);
    let error = chain(&run_error(plan, &[("x", &input(2))]));
    assert!(error.contains("the output `y` has 576460752303423488 bytes"), "{error}");
}

#[test]
fn scratch_and_tiles_out_of_bounds_are_errors() {
    let mut scratch = plan();
    scratch.programs[0].launches[0].schedule.scratch_bytes = constant(1 << 60);
    assert!(chain(&run_error(scratch, &[("x", &input(2))])).contains("scratch memory"));
    for tiles in [-1, 1 << 32] {
        let mut plan = plan();
        plan.programs[0].launches[0].schedule.tiles = constant(tiles);
        assert!(chain(&run_error(plan, &[("x", &input(2))])).contains("tiles of launch 0"));
    }
}

#[test]
fn a_session_runs_on_after_an_error() {
    let session = session(plan(), 2);
    assert!(session.run(&[("x", &input(65))]).is_err());
    let x = input(5);
    assert_eq!(session.run(&[("x", &x)]).unwrap()[0].1.data, expected(&x).1);
}

/// Plans that are right up to 32 rows, and cannot be bound above: one for each way in which that fails.
fn plans_that_fail_above_32_rows() -> Vec<(&'static str, Plan)> {
    let above = |edit: fn(&mut Program)| {
        let mut plan = plan();
        edit(&mut plan.programs[1]);
        plan
    };
    let mut output = plan();
    let more_than_32 = Expression::FloorDiv(Box::new(rows()), 33);
    output.outputs[1].shape[0] = Expression::Sum(vec![
        constant(1),
        Expression::Product(vec![more_than_32, constant(1 << 55)]),
    ]);
    let mut gap = plan();
    gap.pieces.truncate(1);
    vec![
        ("output", output),
        ("piece", gap),
        ("buffer below zero", above(|program| program.buffers[1] = constant(-1))),
        ("arena", above(|program| program.buffers[1] = constant(1 << 60))),
        ("result", above(|program| program.buffers[1] = constant(15))),
        ("tiles", above(|program| program.launches[2].schedule.tiles = constant(-1))),
        (
            "scratch",
            above(|program| program.launches[2].schedule.scratch_bytes = constant(1 << 60)),
        ),
        (
            "scratch below zero",
            above(|program| program.launches[2].schedule.scratch_bytes = constant(-1)),
        ),
        (
            "address",
            above(|program| {
                program.launches[1].arguments[0] =
                    LaunchArgument::Address { place: Place::Buffer(0), offset: constant(1 << 20) };
            }),
        ),
        (
            "number",
            above(|program| {
                let overflow = Expression::Product(vec![constant(i64::MAX), rows()]);
                program.launches[1].arguments[1] = LaunchArgument::Integer(overflow);
            }),
        ),
    ]
}

#[test]
fn a_size_that_cannot_be_bound_leaves_the_others_right() {
    let right = |session: &Session, rows: usize| {
        let x = input(rows);
        assert_eq!(session.run(&[("x", &x)]).unwrap()[0].1.data, expected(&x).1, "{rows} rows");
    };
    for (what, plan) in plans_that_fail_above_32_rows() {
        let (first, second) = (session(plan, 2), session(support::plan(), 2));
        right(&first, 5);
        for _ in 0..3 {
            assert!(first.run(&[("x", &input(40))]).is_err(), "{what}");
            // Takes the memory that the first session gave back, if it did.
            right(&second, 64);
            right(&first, 5);
            right(&second, 64);
        }
    }
}

#[test]
fn a_launch_must_fit_its_kernel() {
    let with = |edit: fn(&mut Launch)| {
        let mut edited = contents(plan());
        edit(&mut edited.variants[0].plan.programs[1].launches[1]);
        load_error(edited)
    };
    let unfit = |problem: &str| {
        format!(
            "the artifact's plan does not fit its kernels: compile the model again: program 1, launch 1, kernel \
             `add_rows`: {problem}"
        )
    };
    assert_eq!(
        with(|launch| drop(launch.arguments.pop())),
        unfit("it takes 4 arguments, and is given 3")
    );
    assert_eq!(
        with(|launch| launch.arguments[0] = LaunchArgument::Integer(constant(0))),
        unfit("argument 0 is a number, and should be an address")
    );
    assert_eq!(
        with(|launch| launch.arguments[1] = address(Place::Buffer(0))),
        unfit("argument 1 is an address, and should be a number")
    );
    for lent in [Place::Input(0), Place::Weight(0)] {
        let mut edited = contents(plan());
        edited.variants[0].plan.programs[1].launches[1].arguments[2] = address(lent);
        assert_eq!(
            load_error(edited),
            unfit(
                "it would write to argument 2, which is an input or a weight, and these are only lent"
            )
        );
    }
}

#[test]
fn a_kernel_that_would_leave_its_memory_is_not_launched() {
    let with = |edit: fn(&mut Plan)| {
        let mut plan = plan();
        edit(&mut plan);
        chain(&run_error(plan, &[("x", &input(2))]))
    };
    let number = |value| LaunchArgument::Integer(constant(value));
    // Reads the second row of an input of two from the first on.
    assert_eq!(
        with(|plan| plan.programs[0].launches[0].arguments[0] =
            LaunchArgument::Address { place: Place::Input(0), offset: constant(16) }),
        "the kernel of launch 0 of the artifact's plan would go on to byte 48 of argument 0, a memory of 32 bytes"
    );
    assert_eq!(
        with(|plan| plan.programs[0].launches[0].schedule.tiles = constant(3)),
        "the kernel of launch 0 of the artifact's plan would go on to byte 48 of argument 0, a memory of 32 bytes"
    );
    assert!(
        with(|plan| plan.outputs[0].shape[1] = constant(3))
            .contains("would go on to byte 32 of argument 2, a memory of 24 bytes")
    );
    assert_eq!(
        with(|plan| plan.outputs[0].shape[1] = constant(5)),
        "the output `y` has 40 bytes, of which the artifact's plan writes 32: compile the model again"
    );
    assert_eq!(
        with(|plan| plan.programs[0].launches.swap(0, 1)),
        "the kernel of launch 0 of the artifact's plan reads up to byte 32 of argument 0, of which 0 bytes are written \
         before"
    );
    assert_eq!(
        with(|plan| plan.programs[0].launches[1].arguments[2] =
            LaunchArgument::Address { place: Place::Output(0), offset: constant(2) }),
        "argument 2 of launch 1 of the artifact's plan starts at byte 2, and its elements have 4"
    );
    for (value, min) in [(-1, 0), (1 << 31, 0)] {
        let mut plan = plan();
        plan.programs[0].launches[1].arguments[1] = number(value);
        assert_eq!(
            chain(&run_error(plan, &[("x", &input(2))])),
            format!(
                "launch 1 of the artifact's plan does not fit its kernel `add_rows`: argument 1 is {value}, and the \
                 kernel takes {min} to 2147483647"
            )
        );
    }
    assert!(
        with(|plan| plan.programs[0].launches[2].schedule.scratch_bytes = row_bytes(999))
            .contains("it has 1998 bytes of scratch memory, and the kernel needs 2000")
    );
}

#[test]
fn an_artifact_that_is_written_into_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("artifact");
    write_artifact(&path);
    // SAFETY: the kernels are what their signatures say, and nothing reads the file where the test has changed it.
    let session = load(unsafe { Artifact::open(&path) }.unwrap(), 1).unwrap();
    let x = input(5);
    assert!(session.run(&[("x", &x)]).is_ok());
    std::fs::write(&path, b"another artifact").unwrap();
    assert_eq!(
        session.run(&[("x", &x)]).unwrap_err().to_string(),
        "the artifact's file was changed while it was in use, so its weights are not to be trusted: load it again, and \
         replace an artifact by moving another file to its place, not by writing into it"
    );
}

fn load_error(contents: ocellus_runtime::ArtifactContents) -> String {
    let result = load(artifact(contents), 1);
    chain(&result.err().expect("an artifact that cannot be loaded"))
}

#[test]
fn another_cpu_is_refused() {
    let mut other = contents(plan());
    other.variants[0].target.name = "cpu:of-the-future".to_string();
    other.variants[0].target.features.push("avx1024".to_string());
    assert_eq!(
        load_error(other),
        "the artifact was compiled for `cpu:of-the-future`, and this CPU lacks avx1024: compile the model again with \
         `--target cpu` on this machine, or with `--target cpu:x86-64-v3` for every x86 CPU with AVX2"
    );
    let mut other = contents(plan());
    other.variants[0].target.architecture = "riscv64".to_string();
    assert!(load_error(other).contains("riscv64"));
}

#[test]
fn a_target_without_a_device_is_refused() {
    let mut other = contents(plan());
    other.variants[0].target.name = "abacus:10".to_string();
    assert_eq!(
        load_error(other),
        "the artifact was compiled for `abacus:10`, and there is no device here for that: compile the model again, with \
         `--target cpu`"
    );
}

#[test]
fn code_that_does_not_load_is_an_error() {
    let mut nonsense = contents(plan());
    nonsense.variants[0].code = b"this is no shared object".to_vec();
    assert!(load_error(nonsense).contains("the dynamic loader refuses the code object"));
    let mut lacking = contents(plan());
    lacking.variants[0].plan.kernels[0].symbol = "no_such_kernel".to_string();
    assert_eq!(
        load_error(lacking).split(": ").take(2).collect::<Vec<_>>(),
        [
            "cannot load the kernels",
            "the code object does not say what its kernel `no_such_kernel` does with its arguments"
        ]
    );
    // A symbol of a library that the code object links to is no kernel.
    let mut foreign = contents(plan());
    foreign.variants[0].plan.kernels[0].symbol = "exit".to_string();
    assert!(load_error(foreign).contains("kernel `exit`"));
}
