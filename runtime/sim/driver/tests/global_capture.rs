//! A capture that all threads must respect. It is alone in its process, since it disturbs whatever runs beside it.

#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

mod support;

use support::*;

#[test]
fn a_capture_may_forbid_calls_in_other_threads() {
    const GLOBAL: u32 = 0;
    const RELAXED: u32 = 2;
    let machine = Machine::new();
    let stream = machine.stream();
    let allocates_elsewhere = || {
        let allocate = || {
            assert_eq!(machine.cuCtxSetCurrent(machine.context), 0);
            machine.cuMemAlloc_v2(&mut 0, 4)
        };
        std::thread::scope(|scope| scope.spawn(allocate).join().unwrap())
    };
    for (mode, error, end) in
        [(GLOBAL, CAPTURE_UNSUPPORTED, CAPTURE_INVALIDATED), (THREAD_LOCAL, 0, 0), (RELAXED, 0, 0)]
    {
        assert_eq!(machine.cuStreamBeginCapture_v2(stream, mode), 0);
        assert_eq!(allocates_elsewhere(), error);
        assert_eq!(machine.cuStreamEndCapture(stream, &mut 0), end);
    }
    // The thread itself may say that it knows what it does.
    let mut own = RELAXED;
    assert_eq!((machine.cuThreadExchangeStreamCaptureMode(&mut own), own), (0, GLOBAL));
    assert_eq!(machine.cuStreamBeginCapture_v2(stream, THREAD_LOCAL), 0);
    assert_eq!(machine.cuMemAlloc_v2(&mut 0, 4), 0);
    assert_eq!(machine.cuStreamEndCapture(stream, &mut 0), 0);
}
