//! The errors of the driver API: numbers, names and descriptions.

use std::ffi::CStr;

/// An error that a driver function gives: a `CUresult` that is not success.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Error(pub u32);

/// What driver functions do their work in.
pub(crate) type Result<T> = std::result::Result<T, Error>;

macro_rules! errors {
    ($($number:literal $name:ident $text:literal;)*) => {
        #[allow(dead_code, reason = "all are known by name, whether or not the simulator gives them by itself")]
        impl Error {
            $(pub(crate) const $name: Error = Error($number);)*
        }

        /// Number, name and description of each.
        const ALL: &[(u32, &CStr, &CStr)] = &[
            (0, c"CUDA_SUCCESS", c"no error"),
            $(($number, terminated(concat!("CUDA_ERROR_", stringify!($name), "\0")), $text),)*
        ];
    };
}

const fn terminated(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    }
}

errors! {
    1 INVALID_VALUE c"invalid argument";
    2 OUT_OF_MEMORY c"out of memory";
    3 NOT_INITIALIZED c"initialization error";
    4 DEINITIALIZED c"driver shutting down";
    34 STUB_LIBRARY c"the library is a stub";
    100 NO_DEVICE c"no CUDA-capable device is detected";
    101 INVALID_DEVICE c"invalid device ordinal";
    200 INVALID_IMAGE c"device kernel image is invalid";
    201 INVALID_CONTEXT c"invalid device context";
    209 NO_BINARY_FOR_GPU c"no kernel image is available for execution on the device";
    214 ECC_UNCORRECTABLE c"uncorrectable ECC error encountered";
    215 UNSUPPORTED_LIMIT c"limit is not supported on this architecture";
    218 INVALID_PTX c"a PTX JIT compilation failed";
    221 JIT_COMPILER_NOT_FOUND c"PTX JIT compiler library not found";
    222 UNSUPPORTED_PTX_VERSION c"the provided PTX was compiled with an unsupported toolchain";
    223 JIT_COMPILATION_DISABLED c"PTX JIT compilation was disabled";
    300 INVALID_SOURCE c"device kernel source is invalid";
    301 FILE_NOT_FOUND c"file not found";
    304 OPERATING_SYSTEM c"OS call failed or operation not supported on this OS";
    400 INVALID_HANDLE c"invalid resource handle";
    401 ILLEGAL_STATE c"the operation cannot be performed in the present state";
    500 NOT_FOUND c"named symbol not found";
    600 NOT_READY c"device not ready";
    700 ILLEGAL_ADDRESS c"an illegal memory access was encountered";
    701 LAUNCH_OUT_OF_RESOURCES c"too many resources requested for launch";
    702 LAUNCH_TIMEOUT c"the launch timed out and was terminated";
    708 PRIMARY_CONTEXT_ACTIVE c"cannot set while device is active in this process";
    709 CONTEXT_IS_DESTROYED c"context is destroyed";
    710 ASSERT c"device-side assert triggered";
    712 HOST_MEMORY_ALREADY_REGISTERED c"part or all of the requested memory range is already mapped";
    713 HOST_MEMORY_NOT_REGISTERED c"pointer does not correspond to a registered memory region";
    714 HARDWARE_STACK_ERROR c"hardware stack error";
    715 ILLEGAL_INSTRUCTION c"an illegal instruction was encountered";
    716 MISALIGNED_ADDRESS c"misaligned address";
    719 LAUNCH_FAILED c"unspecified launch failure";
    720 COOPERATIVE_LAUNCH_TOO_LARGE c"too many blocks in cooperative launch";
    800 NOT_PERMITTED c"operation not permitted";
    801 NOT_SUPPORTED c"operation not supported";
    802 SYSTEM_NOT_READY c"system not yet initialized";
    803 SYSTEM_DRIVER_MISMATCH c"system has unsupported display driver / cuda driver combination";
    900 STREAM_CAPTURE_UNSUPPORTED c"operation not permitted when stream is capturing";
    901 STREAM_CAPTURE_INVALIDATED c"operation failed due to a previous error during capture";
    902 STREAM_CAPTURE_MERGE c"operation would result in a merge of separate capture sequences";
    903 STREAM_CAPTURE_UNMATCHED c"capture was not ended in the same stream as it began";
    904 STREAM_CAPTURE_UNJOINED c"capturing stream has unjoined work";
    905 STREAM_CAPTURE_ISOLATION c"dependency created on uncaptured work in another stream";
    906 STREAM_CAPTURE_IMPLICIT c"operation would make the legacy stream depend on a capturing blocking stream";
    907 CAPTURED_EVENT c"operation not permitted on an event last recorded in a capturing stream";
    908 STREAM_CAPTURE_WRONG_THREAD c"attempt to terminate a thread-local capture sequence from another thread";
    910 GRAPH_EXEC_UPDATE_FAILURE c"the graph update was not performed because it included changes which violated constraints specific to instantiated graph update";
    999 UNKNOWN c"unknown error";
}

/// The name and the description of a number.
pub(crate) fn described(number: u32) -> Option<(&'static CStr, &'static CStr)> {
    ALL.iter().find(|(own, _, _)| *own == number).map(|(_, name, text)| (*name, *text))
}

/// The error of a name, with or without `CUDA_ERROR_`, or of a number.
pub(crate) fn named(text: &str) -> Option<Error> {
    let number = text.parse().ok();
    let is_it = |name: &CStr| {
        let name = name.to_str().unwrap_or_default();
        name == text || name.strip_prefix("CUDA_ERROR_") == Some(text)
    };
    ALL.iter()
        .find(|(own, name, _)| *own != 0 && (Some(*own) == number || is_it(name)))
        .map(|(own, _, _)| Error(*own))
}
