"""A kernel of one's own beside torch: a cubin through the driver API, on torch's memory and torch's stream, and timing.

Nothing is measured here. Times are of CUDA graphs: the calls to be compared are captured one after the other, the graph is
replayed, and what passes between two events around it is divided by the number of calls. So neither Python nor the launch
from the host is in a figure; the gap from kernel to kernel inside a graph is.
"""

import ctypes
import pathlib
import statistics

import torch

_driver = ctypes.CDLL("libcuda.so.1")
MAX_DYNAMIC_SHARED = 8
PROGRAMMATIC_STREAM_SERIALIZATION = 6


class _Attribute(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int), ("padding", ctypes.c_char * 4), ("value", ctypes.c_int), ("rest", ctypes.c_char * 60)]


class _LaunchConfig(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint) for name in ("grid_x", "grid_y", "grid_z", "block_x", "block_y", "block_z", "shared")),
        ("stream", ctypes.c_void_p), ("attributes", ctypes.POINTER(_Attribute)), ("count", ctypes.c_uint),
    ]


def _check(status: int, call: str) -> None:
    if status != 0:
        raise RuntimeError(f"{call}: CUDA error {status}")


class Kernel:
    def __init__(self, cubin: pathlib.Path, entry: str, threads: int, shared: int = 0):
        torch.zeros(1, device="cuda")  # makes torch's context current
        self.threads, self.shared = threads, shared
        self.module, self.function = ctypes.c_void_p(), ctypes.c_void_p()
        _check(_driver.cuModuleLoad(ctypes.byref(self.module), str(cubin).encode()), "cuModuleLoad")
        _check(_driver.cuModuleGetFunction(ctypes.byref(self.function), self.module, entry.encode()), "cuModuleGetFunction")
        if shared:
            status = _driver.cuFuncSetAttribute(self.function, MAX_DYNAMIC_SHARED, shared)
            _check(status, f"cuFuncSetAttribute, {shared} bytes of shared memory")

    def blocks_a_multiprocessor(self) -> int:
        count = ctypes.c_int()
        status = _driver.cuOccupancyMaxActiveBlocksPerMultiprocessor(
            ctypes.byref(count), self.function, self.threads, ctypes.c_size_t(self.shared))
        _check(status, "cuOccupancyMaxActiveBlocksPerMultiprocessor")
        return count.value

    def bind(self, grid: tuple[int, int, int], arguments: list, programmatic: bool = False):
        """A function that launches with these arguments: tensors, ctypes values, or 32-bit integers.

        With `programmatic`, the kernel may begin before the last one of the stream has ended.
        """
        values = []
        for argument in arguments:
            if isinstance(argument, torch.Tensor):
                values.append(ctypes.c_uint64(argument.data_ptr()))
            elif isinstance(argument, int):
                values.append(ctypes.c_uint32(argument))
            else:
                values.append(argument)
        array = (ctypes.c_void_p * len(values))(*(ctypes.cast(ctypes.byref(value), ctypes.c_void_p) for value in values))

        attribute = _Attribute(PROGRAMMATIC_STREAM_SERIALIZATION, value=1)
        config = _LaunchConfig(*grid, self.threads, 1, 1, self.shared, None, ctypes.pointer(attribute), 1)

        def launch(_keep=(values, arguments)):
            stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
            if programmatic:
                config.stream = stream
                status = _driver.cuLaunchKernelEx(ctypes.byref(config), self.function, array, None)
                return _check(status, "cuLaunchKernelEx")
            status = _driver.cuLaunchKernel(self.function, *grid, self.threads, 1, 1, self.shared, stream, array, None)
            _check(status, "cuLaunchKernel")

        return launch


_stream = None


def time_calls(calls: list, replays: int = 7, warm: int = 2) -> float:
    """Median microseconds a call."""
    global _stream
    _stream = _stream or torch.cuda.Stream()
    graph = torch.cuda.CUDAGraph()
    torch.cuda.synchronize()
    with torch.cuda.stream(_stream):
        calls[0]()
        _stream.synchronize()
        graph.capture_begin(capture_error_mode="thread_local")
        try:
            for call in calls:
                call()
        finally:
            graph.capture_end()
        for _ in range(warm):
            graph.replay()
        times = []
        for _ in range(replays):
            before, after = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            before.record()
            graph.replay()
            after.record()
            after.synchronize()
            times.append(before.elapsed_time(after) * 1000)
    return statistics.median(times) / len(calls)


def relative_error(answer: torch.Tensor, reference: torch.Tensor) -> float:
    difference = (answer.double() - reference.double()).norm() / reference.double().norm()
    return difference.item()
