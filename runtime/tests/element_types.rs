//! Inputs that are not f32: what is exact is taken, and everything else refused with what to give.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use half::{bf16, f16};
use ocellus_dialects::plan::{Plan, PortValues};
use ocellus_runtime::{AnyTensor, HostTensor, Origin, Session, Tensor};
use support::*;

fn session(plan: Plan) -> Session {
    load(artifact(contents(plan)), 2).unwrap()
}

/// The plan with another input, of which no kernel reads.
fn with_indices(below: Option<i64>, permutation: bool) -> Plan {
    let mut plan = plan();
    let mut port = numbers("order", vec![rows()]);
    port.values =
        PortValues::Indices { below: below.into_iter().map(constant).collect(), permutation };
    plan.inputs.push(port);
    plan
}

fn indices<T>(values: Vec<T>) -> Tensor<T> {
    Tensor::new(vec![values.len()], values).unwrap()
}

/// What a session says of three rows with these indices.
fn refused(session: &Session, order: &dyn AnyTensor) -> String {
    let x = input(3);
    session.run(&[("x", &x as &dyn AnyTensor), ("order", order)]).unwrap_err().to_string()
}

#[test]
fn half_precision_is_widened_exactly() {
    let session = session(plan());
    // Multiples of a quarter up to 7: both types hold them.
    let x = input(9);
    let data: Vec<bf16> = x.data.iter().map(|x| bf16::from_f32(*x)).collect();
    let brain = Tensor { shape: x.shape.clone(), data };
    let data: Vec<f16> = x.data.iter().map(|x| f16::from_f32(*x)).collect();
    let half = Tensor { shape: x.shape.clone(), data };
    let right = session.run(&[("x", &x)]).unwrap();
    assert_eq!(session.run(&[("x", &brain)]).unwrap(), right);
    assert_eq!(session.run(&[("x", &half)]).unwrap(), right);
}

#[test]
fn whole_numbers_are_no_numbers_that_anyone_has_normalized() {
    let session = session(plan());
    let levels = Tensor::new(vec![1, WIDTH], vec![255i32; WIDTH]).unwrap();
    assert_eq!(
        session.run(&[("x", &levels)]).unwrap_err().to_string(),
        "the input `x` has elements of the type i32, and the model takes numbers: give f32, bf16 or f16, and levels \
         normalized as the model was trained"
    );
}

#[test]
fn indices_of_any_width_give_the_same_answer() {
    let session = session(with_indices(Some(3), true));
    let x = input(3);
    let orders: [&dyn AnyTensor; 3] =
        [&indices(vec![2i32, 0, 1]), &indices(vec![2i64, 0, 1]), &indices(vec![2f32, 0.0, 1.0])];
    for order in orders {
        let outputs = session.run(&[("x", &x as &dyn AnyTensor), ("order", order)]).unwrap();
        assert_eq!(outputs[0].1.data, expected(&x).1);
    }
}

#[test]
fn indices_that_are_not_what_they_must_be_are_refused() {
    let bounded = session(with_indices(Some(3), true));
    let says = |problem: &str| format!("the input `order` has {problem}");
    let outside = says("3 at position 2, and its elements must be in 0..3");
    assert_eq!(refused(&bounded, &indices(vec![0i32, 1, 3])), outside);
    assert_eq!(refused(&bounded, &indices(vec![0i64, 1, 3])), outside);
    assert_eq!(refused(&bounded, &indices(vec![0f32, 1.0, 3.0])), outside);
    assert_eq!(
        refused(&bounded, &indices(vec![0i32, -1, 2])),
        says("-1 at position 1, and its elements must be in 0..3")
    );
    assert_eq!(
        refused(&bounded, &indices(vec![0i64, 1, 1])),
        says("1 at position 2, and its elements must be a permutation, with no number twice")
    );
    // Without a bound there is still the width of what kernels read.
    let free = session(with_indices(None, false));
    assert_eq!(
        refused(&free, &indices(vec![0, i64::from(i32::MAX) + 1, 0])),
        says("2147483648 at position 1, and its elements must be whole numbers up to 2147483647")
    );
    assert_eq!(
        refused(&free, &indices(vec![0f32, 1.5, 0.0])),
        says("1.5 at position 1, and its elements must be whole numbers up to 16777216")
    );
    assert_eq!(
        refused(&free, &indices(vec![bf16::ONE; 3])),
        "the input `order` has elements of the type bf16, and the model takes indices: give i32 or i64, or f32 that are \
         whole numbers"
    );
    let order = indices(vec![i32::MAX, i32::MIN, 0]);
    let x = input(3);
    assert!(free.run(&[("x", &x as &dyn AnyTensor), ("order", &order)]).is_ok());
}

#[test]
fn what_is_no_number_is_found_in_any_type() {
    let session = session(plan());
    let mut x: Tensor<f16> = Tensor { shape: vec![2, WIDTH], data: vec![f16::ONE; 2 * WIDTH] };
    x.data[WIDTH + 1] = f16::NEG_INFINITY;
    let outputs: Vec<(String, HostTensor)> = session.run(&[("x", &x)]).unwrap();
    let found = session.find_non_finite(&[("x", &x)], &outputs).unwrap().unwrap();
    let (name, index) = ("x".to_string(), vec![1, 1]);
    assert_eq!(found.origin, Origin::Input { name, index, value: f32::NEG_INFINITY });
}
