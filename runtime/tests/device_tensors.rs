//! Tensors that lie on the device already: the answers are those of tensors of the host, to the bit, and what cannot be used where
//! it lies is refused.

#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

mod support;

use cudarc::driver::sys::{self, CUresult, CUstream};
use ocellus_dialects::ElementType;
use ocellus_dialects::plan::PortValues;
use ocellus_runtime::devices::cuda::Driver;
use ocellus_runtime::devices::{DeviceKind, DeviceStream};
use ocellus_runtime::{DeviceTensor, HostTensor, IoBinding, Options, Outputs, RunError, Session};
use std::sync::Once;
use support::gpu::code_object;
use support::{WIDTH, artifact, chain, contents, input, load, numbers, plan, rows};

/// A session on one of three GPUs that are simulated.
fn on_gpu(ordinal: u32) -> Session {
    static GPUS: Once = Once::new();
    // SAFETY: all tests that look at the environment come by here, and go on when it is done.
    GPUS.call_once(|| unsafe { std::env::set_var("OCELLUS_SIM_DEVICES", "3") });
    let device = Some(DeviceKind::Cuda { driver: Driver::Simulator });
    let options = Options { threads: 1, device, ordinal, ..Options::default() };
    // SAFETY: the kernels are what their signatures say.
    unsafe { Session::new(artifact(support::gpu::contents(&code_object("sm_80"))), options) }
        .unwrap()
}

fn on_cpu() -> Session {
    load(artifact(contents(plan())), 1).unwrap()
}

fn right_answers(x: &HostTensor) -> Outputs {
    on_cpu().run(&[("x", x)]).unwrap()
}

#[test]
fn answers_are_the_same_wherever_tensors_lie() {
    for session in [on_gpu(0), on_gpu(1), on_cpu()] {
        for rows in [5, 40, 5, 64] {
            let x = input(rows);
            let right = right_answers(&x);
            let there = session.to_device(&x).unwrap();
            let [y, ones] =
                [0, 1].map(|output| session.new_on_device(&right[output].1.shape).unwrap());
            let (x_there, y_there) = (there.tensor(), y.tensor());
            let input_there = IoBinding::new().device_input("x", &x_there);
            assert_eq!(session.run_bound(&input_there).unwrap(), right);
            // Of two outputs one stays, and the other comes.
            let one_stays = input_there.device_output("y", &y_there);
            assert_eq!(session.run_bound(&one_stays).unwrap(), right[1..]);
            assert_eq!(session.to_host(&y).unwrap(), right[0].1);
            let (name, ones_there) = (right[1].0.as_str(), ones.tensor());
            let all_stay = IoBinding::new().input("x", &x).device_output("y", &y_there);
            let all_stay = all_stay.device_output(name, &ones_there);
            assert_eq!(session.run_bound(&all_stay).unwrap(), []);
            assert_eq!(session.to_host(&ones).unwrap(), right[1].1);
        }
    }
}

/// A call of the driver that must succeed.
fn done(result: CUresult) {
    assert_eq!(result, CUresult::CUDA_SUCCESS);
}

/// A stream of the test, in the context that sessions on a GPU use.
fn stream_of_caller(gpu: i32) -> CUstream {
    let (mut context, mut stream) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the driver writes addresses there; a session has loaded it.
    unsafe {
        done(sys::cuDevicePrimaryCtxRetain(&mut context, gpu));
        done(sys::cuCtxSetCurrent(context));
        done(sys::cuStreamCreate(&mut stream, 1));
    }
    stream
}

/// Page-locked memory for the elements of a tensor, so that copies are as late as the driver may do them.
fn pinned(elements: usize) -> &'static mut [f32] {
    let mut address = std::ptr::null_mut();
    // SAFETY: the driver gives so much memory, which stays.
    unsafe {
        done(sys::cuMemHostAlloc(&mut address, elements * 4, 0));
        std::slice::from_raw_parts_mut(address.cast(), elements)
    }
}

/// Calls of several sizes on a stream of the caller, of which none is waited for: each finds the input that the stream brought
/// before, and the stream takes its output away behind it. The same memory serves all of them.
#[test]
fn a_call_stands_in_the_order_of_its_callers_stream() {
    // On this GPU nobody else waits for anything.
    let session = on_gpu(2);
    let stream = stream_of_caller(2);
    // SAFETY: the stream stays to the end.
    let caller = unsafe { DeviceStream::from_raw(stream.cast()) };
    let [x_room, y_room] = [0, 1].map(|_| session.new_on_device(&[64, WIDTH]).unwrap());
    let ones_room = session.new_on_device(&[64]).unwrap();
    let mut answers = vec![];
    // The largest first: for another arena the work would be waited for.
    for (call, rows) in [64, 5, 40, 6, 64].into_iter().enumerate() {
        let mut x = input(rows);
        x.data.iter_mut().for_each(|element| *element += 256.0 * call as f32);
        let right = right_answers(&x);
        let (from, to) = (pinned(rows * WIDTH), pinned(rows * WIDTH));
        from.copy_from_slice(&x.data);
        let view = |room: &DeviceTensor, shape: &[usize]| {
            // SAFETY: the room is as large as the largest of these, and stays.
            unsafe { DeviceTensor::from_raw(room.pointer(), ElementType::F32, shape.to_vec()) }
        };
        let [x_there, y_there] =
            [&x_room, &y_room].map(|room| view(&room.tensor(), &[rows, WIDTH]));
        let ones_there = view(&ones_room.tensor(), &right[1].1.shape);
        let bytes = rows * WIDTH * 4;
        let binding = IoBinding::new().device_input("x", &x_there).device_output("y", &y_there);
        let binding = binding.device_output(&right[1].0, &ones_there).on_stream(caller);
        // SAFETY: all memory is as large, and stays.
        unsafe {
            let (there, here) = (x_there.pointer(), from.as_ptr().cast());
            done(sys::cuMemcpyHtoDAsync_v2(there, here, bytes, stream));
            assert_eq!(session.run_bound(&binding).unwrap(), []);
            let (here, there) = (to.as_mut_ptr().cast(), y_there.pointer());
            done(sys::cuMemcpyDtoHAsync_v2(here, there, bytes, stream));
        }
        answers.push((to, right));
    }
    // Nothing has been waited for.
    assert!(answers.iter().all(|(answer, right)| **answer != right[0].1.data));
    // SAFETY: the stream is there.
    done(unsafe { sys::cuStreamSynchronize(stream) });
    for (answer, right) in answers {
        assert_eq!(*answer, right[0].1.data);
    }
}

/// An output for the host is there when the call returns, on a stream of the caller too; and so is what was there before.
#[test]
fn an_output_of_the_host_is_waited_for() {
    let session = on_gpu(0);
    let stream = stream_of_caller(0);
    // SAFETY: the stream stays to the end.
    let caller = unsafe { DeviceStream::from_raw(stream.cast()) };
    let x = input(7);
    let binding = IoBinding::new().input("x", &x).on_stream(caller);
    assert_eq!(session.run_bound(&binding).unwrap(), right_answers(&x));
    let refused = on_cpu().run_bound(&binding).unwrap_err();
    assert!(chain(&refused).contains("no streams"), "{}", chain(&refused));
}

/// What is said of a call that is given this.
fn refused(session: &Session, binding: &IoBinding) -> String {
    chain(&session.run_bound(binding).unwrap_err())
}

#[test]
fn tensors_that_cannot_be_used_where_they_lie_are_refused() {
    let (session, other) = (on_gpu(0), on_gpu(1));
    let x = session.to_device(&input(6)).unwrap();
    let pointer = x.tensor().pointer();
    let view = |pointer: u64, element, shape: &[usize]| {
        // SAFETY: nothing is read or written there, as it is refused.
        unsafe { DeviceTensor::from_raw(pointer, element, shape.to_vec()) }
    };
    let input_of =
        |tensor: &DeviceTensor| refused(&session, &IoBinding::new().device_input("x", tensor));
    let f32 = ElementType::F32;

    let text = input_of(&view(pointer, ElementType::BF16, &[6, WIDTH]));
    assert!(text.contains("`x` has elements of the type bf16") && text.contains("f32"), "{text}");
    let text = input_of(&view(pointer, f32, &[6, 5]));
    assert!(text.contains("dimension 1 of the input `x` is 5, and must be 4"), "{text}");
    let text = input_of(&view(pointer, f32, &[6]));
    assert!(text.contains("has the shape [6]"), "{text}");
    let text = input_of(&view(pointer + 4, f32, &[5, WIDTH]));
    assert!(text.contains("which is no multiple of 16"), "{text}");
    let here = input(6);
    let text = input_of(&view(here.data.as_ptr() as u64 & !15, f32, &[6, WIDTH]));
    assert!(text.contains("`x` cannot be used where it lies"), "{text}");
    assert!(text.contains("is none of a GPU's memory"), "{text}");
    let pinned = pinned(6 * WIDTH).as_ptr() as u64;
    let text = input_of(&view(pinned, f32, &[6, WIDTH]));
    assert!(text.contains("is none of a GPU's memory"), "{text}");
    let foreign = other.to_device(&input(6)).unwrap();
    let text = input_of(&foreign.tensor());
    assert!(text.contains("is one of GPU 1, and the session runs on GPU 0"), "{text}");
    assert!(text.contains("`cuda:1`"), "{text}");

    let x = input(6);
    let output = |name, tensor: &DeviceTensor| {
        refused(&session, &IoBinding::new().input("x", &x).device_output(name, tensor))
    };
    let good = session.new_on_device(&[6, WIDTH]).unwrap();
    let text = output("z", &good.tensor());
    assert!(text.contains("the model has no output `z`: it gives `y`, "), "{text}");
    let text = output("y", &view(good.tensor().pointer(), f32, &[WIDTH, 6]));
    assert!(text.contains("bound to a tensor [4, 6] of f32"), "{text}");
    assert!(text.contains("gives [6, 4] of f32"), "{text}");
    let text = output("y", &view(good.tensor().pointer(), ElementType::F16, &[6, WIDTH]));
    assert!(text.contains("[6, 4] of f16"), "{text}");
    let text = output("y", &foreign.tensor());
    assert!(text.contains("`y` cannot be used where it lies"), "{text}");
    let there = good.tensor();
    let twice = IoBinding::new().input("x", &x).device_output("y", &there);
    let text = refused(&session, &twice.device_output("y", &there));
    assert!(text.contains("the output `y` is bound twice"), "{text}");
    // Nothing has been broken by it.
    assert_eq!(session.run(&[("x", &x)]).unwrap(), right_answers(&x));
}

/// Kernels trust indices, so these must be where they can be looked at.
#[test]
fn indices_stay_with_the_host() {
    let mut plan = plan();
    let mut order = numbers("order", vec![rows()]);
    order.values = PortValues::Indices { below: vec![], permutation: true };
    plan.inputs.push(order);
    let session = load(artifact(contents(plan)), 1).unwrap();
    let (x, order) = (input(3), HostTensor::new(vec![3], vec![2.0, 0.0, 1.0]).unwrap());
    let order = session.to_device(&order).unwrap();
    let order = order.tensor();
    let binding = IoBinding::new().input("x", &x).device_input("order", &order);
    let error = session.run_bound(&binding).unwrap_err();
    assert!(matches!(&error, RunError::IndicesOnDevice { .. }), "{error}");
}
