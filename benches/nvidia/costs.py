"""What the driver takes for what the runtime asks of it: a launch, a graph of launches, and other arguments or another grid for a node
of one. Through the driver's own functions, with no other package than Python's; `check.py` prints it beside its table.

Host times are of a call, of which the way from Python into the library is taken off: what a call takes that does nothing. Device
times are the difference between a long and a short chain, divided by the nodes between. All are medians.
"""

import ctypes
import dataclasses
import statistics
import time
from ctypes import byref, c_int, c_size_t, c_uint, c_uint8, c_void_p

SHORT, LONG = 100, 300
THREADS = 128

# A kernel that does nothing; from Hopper on also one that waits for the launch before, as the compiler's kernels do there.
PTX = """.version {version}
.target sm_{architecture}
.address_size 64
.visible .entry empty(.param .u64 argument) {{ {body} ret; }}
"""
EARLY = "griddepcontrol.wait; griddepcontrol.launch_dependents;"
NON_BLOCKING = 1
CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76


class NodeParameters(ctypes.Structure):
    _fields_ = [
        ("function", c_void_p),
        *((name, c_uint) for name in ("blocks", "y", "z", "threads", "threads_y", "threads_z", "shared")),
        ("arguments", c_void_p),
        ("extra", c_void_p),
        ("kernel", c_void_p),
        ("context", c_void_p),
    ]


class Edge(ctypes.Structure):
    _fields_ = [("from_port", c_uint8), ("to_port", c_uint8), ("kind", c_uint8), ("reserved", c_uint8 * 5)]


PROGRAMMATIC = Edge(from_port=1, to_port=0, kind=1)


class Driver:
    """The driver's functions; what one gives that is no success is an error."""

    def __init__(self, library: str):
        self.library = ctypes.CDLL(library)

    def __getattr__(self, name: str):
        function = getattr(self.library, name)

        def call(*arguments):
            status = function(*arguments)
            if status != 0:
                raise RuntimeError(f"{name} gives the error {status}")

        return call


def median_us(runs: int, call) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter_ns()
        call()
        times.append((time.perf_counter_ns() - start) * 1e-3)
    return statistics.median(times)


class Kernel:
    """A kernel that does nothing, and all that a launch of it is given."""

    def __init__(self, driver: Driver, architecture: int, begins_early: bool):
        version, body = ("7.8", EARLY) if begins_early else ("7.0", "")
        text = PTX.format(version=version, architecture=90 if begins_early else min(architecture, 80), body=body)
        module, self.function = c_void_p(), c_void_p()
        driver.cuModuleLoadData(byref(module), text.encode())
        driver.cuModuleGetFunction(byref(self.function), module, b"empty")
        self.argument = ctypes.c_uint64(0)
        self.arguments = (c_void_p * 1)(ctypes.addressof(self.argument))

    def parameters(self, blocks: int) -> NodeParameters:
        arguments = ctypes.cast(self.arguments, c_void_p)
        return NodeParameters(self.function, blocks, 1, 1, THREADS, 1, 1, 0, arguments, None, None, None)


class Chain:
    """A graph of launches, one behind the other."""

    def __init__(self, driver: Driver, kernel: Kernel, count: int, blocks: int, is_programmatic: bool):
        self.driver, self.graph, self.executable, self.nodes = driver, c_void_p(), c_void_p(), []
        driver.cuGraphCreate(byref(self.graph), c_uint(0))
        for _ in range(count):
            node, parameters = c_void_p(), kernel.parameters(blocks)
            last = byref(self.nodes[-1]) if self.nodes else None
            full, early = (None, last) if is_programmatic else (last, None)
            before = (full, c_size_t(0 if full is None else 1))
            driver.cuGraphAddKernelNode_v2(byref(node), self.graph, *before, byref(parameters))
            if early is not None:
                edge = (early, byref(node), byref(PROGRAMMATIC), c_size_t(1))
                driver.cuGraphAddDependencies_v2(self.graph, *edge)
            self.nodes.append(node)
        start = time.perf_counter_ns()
        driver.cuGraphInstantiateWithFlags(byref(self.executable), self.graph, ctypes.c_ulonglong(0))
        self.instantiate_us = (time.perf_counter_ns() - start) * 1e-3

    def launch(self, stream: c_void_p) -> None:
        self.driver.cuGraphLaunch(self.executable, stream)

    def update(self, parameters: list[NodeParameters]) -> None:
        for node, new in zip(self.nodes, parameters):
            self.driver.cuGraphExecKernelNodeSetParams_v2(self.executable, node, byref(new))


@dataclasses.dataclass
class Costs:
    driver: Driver
    stream: c_void_p
    blocks: int
    runs: int

    def wait(self) -> None:
        self.driver.cuStreamSynchronize(self.stream)

    def waited_us(self, call) -> float:
        """Of what is waited for, before and after."""

        def whole():
            call()
            self.wait()

        self.wait()
        return median_us(self.runs, whole)

    def call_us(self) -> float:
        """The way into the library and back."""
        version = c_int()

        def calls():
            for _ in range(SHORT):
                self.driver.cuDriverGetVersion(byref(version))

        return median_us(self.runs, calls) / SHORT

    def launches(self, kernel: Kernel) -> tuple[float, float]:
        """What a launch takes of the host where others follow, and where it is waited for."""

        def launch():
            one, three = c_uint(1), (c_uint(self.blocks), c_uint(1), c_uint(1))
            threads = (c_uint(THREADS), one, one)
            self.driver.cuLaunchKernel(kernel.function, *three, *threads, c_uint(0), self.stream, kernel.arguments, None)

        def burst():
            for _ in range(SHORT):
                launch()

        times = []
        for _ in range(self.runs):
            self.wait()
            times.append(median_us(1, burst) / SHORT)
        return statistics.median(times), self.waited_us(launch)

    def node_us(self, kernel: Kernel, is_programmatic: bool) -> float:
        """What a node takes of the device."""
        times = []
        for count in (SHORT, LONG):
            chain = Chain(self.driver, kernel, count, self.blocks, is_programmatic)
            times.append(self.waited_us(lambda: chain.launch(self.stream)))
        return (times[1] - times[0]) / (LONG - SHORT)

    def updates(self, kernel: Kernel, blocks: list[int]) -> float:
        """What other parameters of a node take of the host, where a run goes from each of those grids to the next."""
        chain = Chain(self.driver, kernel, SHORT, self.blocks, False)
        parameters = [[kernel.parameters(count)] * SHORT for count in blocks]
        times = []
        for run in range(self.runs):
            chain.launch(self.stream)
            self.wait()
            kernel.argument.value = run
            times.append(median_us(1, lambda: chain.update(parameters[run % len(blocks)])) / SHORT)
        return statistics.median(times)


def costs(library: str, ordinal: int, runs: int) -> list[str]:
    """What was measured, a line each."""
    driver = Driver(library)
    driver.cuInit(c_uint(0))
    device, context, stream = c_int(), c_void_p(), c_void_p()
    driver.cuDeviceGet(byref(device), c_int(ordinal))
    driver.cuDevicePrimaryCtxRetain(byref(context), device)
    driver.cuCtxSetCurrent(context)
    driver.cuStreamCreate(byref(stream), c_uint(NON_BLOCKING))
    major, minor, blocks, version = c_int(), c_int(), c_int(), c_int()
    multiprocessors = 16
    for value, attribute in [(major, CAPABILITY_MAJOR), (minor, CAPABILITY_MINOR), (blocks, multiprocessors)]:
        driver.cuDeviceGetAttribute(byref(value), c_int(attribute), device)
    driver.cuDriverGetVersion(byref(version))
    measured = Costs(driver, stream, blocks.value, runs)
    kernel = Kernel(driver, major.value * 10 + minor.value, False)
    call_us = measured.call_us()
    launch_us, waited_us = measured.launches(kernel)
    chain = Chain(driver, kernel, SHORT, blocks.value, False)
    chain.launch(stream)
    measured.wait()
    graph_us = median_us(1, lambda: chain.launch(stream))
    graph_waited_us = measured.waited_us(lambda: chain.launch(stream))
    lines = [
        f"a launch: {launch_us - call_us:.2f} us of the host, {waited_us:.2f} us until it is waited for",
        f"a graph of {SHORT} launches: {chain.instantiate_us:.0f} us to make, {graph_us - call_us:.2f} us of the host to launch,"
        f" {graph_waited_us:.2f} us until it is waited for",
        f"a launch in a graph: {measured.node_us(kernel, False):.3f} us of the device",
    ]
    if major.value >= 9 and version.value >= 12030:
        early = Kernel(driver, major.value * 10 + minor.value, True)
        early_us = measured.node_us(early, True)
        lines.append(f"a launch in a graph, behind a programmatic edge: {early_us:.3f} us of the device")
    else:
        lines.append("programmatic edges: left out, as they need a GPU from sm_90 on and a driver for CUDA 12.3")
    same, other = measured.updates(kernel, [blocks.value]), measured.updates(kernel, [blocks.value, 2 * blocks.value])
    lines.append(f"a node told other arguments: {same - call_us:.2f} us of the host; another grid: {other - call_us:.2f} us")
    lines.append(f"({call_us:.2f} us of a call by Python are taken off where it is said to be of the host)")
    return lines
