//! A kernel that leaves its memory, in a process of its own: it takes all with it that is on the GPU.

#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

mod support;

use ocellus_runtime::devices::DeviceKind;
use ocellus_runtime::devices::cuda::{CodeObject, Driver};
use ocellus_runtime::{Options, Session};
use support::gpu::{PTX, code_object, contents};
use support::{artifact, chain, expected, input};

fn session(code: &CodeObject) -> Session {
    let device = Some(DeviceKind::Cuda { driver: Driver::Simulator });
    // SAFETY: the kernels are what their signatures say, or what a simulator runs for their faults.
    unsafe {
        Session::new(artifact(contents(code)), Options { threads: 1, device, ..Options::default() })
    }
    .unwrap()
}

#[test]
fn a_failure_on_the_gpu_stays_until_all_sessions_are_gone() {
    // The last store goes two gigabytes too far.
    let ptx = PTX.replace("st.global.u16 \t[%rd13]", "st.global.u16 \t[%rd13+2147483640]");
    assert_ne!(ptx, PTX);
    let (good, bad) = (session(&code_object("sm_80")), CodeObject { ptx, ..code_object("sm_80") });
    let bad = session(&bad);
    let x = input(20);
    assert_eq!(good.run(&[("x", &x)]).unwrap()[0].1.data, expected(&x).1);

    let text = chain(&bad.run(&[("x", &x)]).unwrap_err());
    assert!(text.starts_with("the device failed: one of these kernels failed"), "{text}");
    assert!(text.contains("add_rows") && text.contains("CUDA_ERROR_ILLEGAL_ADDRESS"), "{text}");

    // What others have on the GPU is lost as well, and they are told why.
    for session in [&bad, &good] {
        let text = chain(&session.run(&[("x", &x)]).unwrap_err());
        assert!(text.contains("nothing runs on the GPU any more in this process"), "{text}");
        assert!(
            text.contains("one of these kernels failed") && text.contains("add_rows"),
            "{text}"
        );
        assert!(text.contains("drop all sessions on the GPU"), "{text}");
    }

    drop((good, bad));
    let good = session(&code_object("sm_80"));
    assert_eq!(good.run(&[("x", &x)]).unwrap()[0].1.data, expected(&x).1);
}
