/* What launches cost on an NVIDIA GPU, from a stream and inside a CUDA graph, through the driver API alone.
 *
 *     cc -O2 -I$CUDA/include launches.c -o launches -lcuda -lm
 *     ./launches build/launches.cubin > launches.jsonl
 *
 * One JSON object a line. Host times are by clock_gettime around the call, device times by events around a whole graph;
 * each is a median. "per_node_us" is the slope between a short and a long chain, so that the cost of the graph itself
 * falls out of it. */
#include <cuda.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK(call)                                                                                    \
    do {                                                                                               \
        CUresult status = (call);                                                                      \
        if (status != CUDA_SUCCESS) {                                                                  \
            const char *why = "?";                                                                     \
            cuGetErrorName(status, &why);                                                              \
            printf("{\"error\":\"%s\",\"call\":\"%s\",\"line\":%d}\n", why, #call, __LINE__);          \
            exit(1);                                                                                   \
        }                                                                                              \
    } while (0)

enum { LONGEST = 300, BURST = 100 };

static CUstream stream;
static CUevent before, after;
static CUfunction empty, copy, spin;
static CUdeviceptr buffer;

static double now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec * 1e-3;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

/* A kernel with its grid and arguments, as a node of a graph wants it. */
typedef struct {
    CUDA_KERNEL_NODE_PARAMS params;
    void *arguments[3];
    CUdeviceptr pointers[2];
    unsigned numbers[2];
} Launch;

static void prepare(Launch *launch, CUfunction kernel, unsigned blocks, unsigned threads, unsigned shared) {
    memset(launch, 0, sizeof *launch);
    launch->params.func = kernel;
    launch->params.gridDimX = blocks;
    launch->params.gridDimY = launch->params.gridDimZ = 1;
    launch->params.blockDimX = threads;
    launch->params.blockDimY = launch->params.blockDimZ = 1;
    launch->params.sharedMemBytes = shared;
    launch->params.kernelParams = launch->arguments;
    if (kernel == copy) {
        launch->pointers[0] = buffer;
        launch->pointers[1] = buffer + (8 << 20);
        launch->numbers[0] = blocks * threads;
        launch->arguments[0] = &launch->pointers[0];
        launch->arguments[1] = &launch->pointers[1];
        launch->arguments[2] = &launch->numbers[0];
    } else if (kernel == spin) {
        launch->pointers[0] = buffer;
        launch->arguments[0] = &launch->numbers[0];
        launch->arguments[1] = &launch->numbers[1];
        launch->arguments[2] = &launch->pointers[0];
    }
}

typedef struct {
    CUgraph graph;
    CUgraphExec exec;
    CUgraphNode nodes[LONGEST];
    double instantiate_us;
    int count;
} Chain;

static void build(Chain *chain, Launch *launch, int count, int programmatic) {
    CUgraphEdgeData edge;
    memset(&edge, 0, sizeof edge);
    edge.from_port = CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC;
    edge.type = CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC;
    chain->count = count;
    CHECK(cuGraphCreate(&chain->graph, 0));
    for (int i = 0; i < count; i++) {
        CHECK(cuGraphAddKernelNode(&chain->nodes[i], chain->graph, NULL, 0, &launch->params));
        if (i > 0)
            CHECK(cuGraphAddDependencies(chain->graph, &chain->nodes[i - 1], &chain->nodes[i],
                                         programmatic ? &edge : NULL, 1));
    }
    double start = now_us();
    CHECK(cuGraphInstantiate(&chain->exec, chain->graph, 0));
    chain->instantiate_us = now_us() - start;
    CHECK(cuGraphUpload(chain->exec, stream));
    CHECK(cuStreamSynchronize(stream));
}

static void drop(Chain *chain) {
    CHECK(cuGraphExecDestroy(chain->exec));
    CHECK(cuGraphDestroy(chain->graph));
}

typedef struct {
    double host_us, device_us, wall_us;
} Cost;

/* Medians over some launches: the call, the device between two events, from the call to the end of a synchronise. */
static Cost launch_cost(CUgraphExec exec, int rounds) {
    double host[64], device[64], wall[64];
    for (int i = -3; i < rounds; i++) {
        CHECK(cuStreamSynchronize(stream));
        double start = now_us();
        CHECK(cuGraphLaunch(exec, stream));
        double middle = now_us();
        CHECK(cuStreamSynchronize(stream));
        double end = now_us();
        CHECK(cuEventRecord(before, stream));
        CHECK(cuGraphLaunch(exec, stream));
        CHECK(cuEventRecord(after, stream));
        CHECK(cuStreamSynchronize(stream));
        float ms;
        CHECK(cuEventElapsedTime(&ms, before, after));
        if (i < 0) continue;
        host[i] = middle - start;
        wall[i] = end - start;
        device[i] = ms * 1e3;
    }
    Cost cost = {median(host, rounds), median(device, rounds), median(wall, rounds)};
    return cost;
}

/* Device microseconds a node, by the slope from 20 nodes to 120. */
static double slope(Launch *launch, int programmatic) {
    Chain shorter, longer;
    build(&shorter, launch, 20, programmatic);
    build(&longer, launch, 120, programmatic);
    double a = launch_cost(shorter.exec, 15).device_us, b = launch_cost(longer.exec, 15).device_us;
    drop(&shorter);
    drop(&longer);
    return (b - a) / 100;
}

static void describe_device(CUdevice device) {
    char name[100];
    int driver;
    CHECK(cuDeviceGetName(name, sizeof name, device));
    CHECK(cuDriverGetVersion(&driver));
    printf("{\"section\":\"device\",\"name\":\"%s\",\"driver_api\":%d", name, driver);
    struct {
        const char *name;
        CUdevice_attribute attribute;
    } wanted[] = {
        {"multiprocessors", CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT},
        {"shared_per_block", CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK},
        {"shared_per_block_optin", CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN},
        {"shared_per_multiprocessor", CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR},
        {"shared_reserved_per_block", CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK},
        {"registers_per_multiprocessor", CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR},
        {"threads_per_multiprocessor", CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR},
        {"blocks_per_multiprocessor", CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR},
        {"l2_bytes", CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE},
        {"clock_khz", CU_DEVICE_ATTRIBUTE_CLOCK_RATE},
        {"memory_clock_khz", CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE},
        {"memory_bus_bits", CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH},
        {"compute_major", CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR},
        {"async_engines", CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT},
    };
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        int value = -1;
        cuDeviceGetAttribute(&value, wanted[i].attribute, device);
        printf(",\"%s\":%d", wanted[i].name, value);
    }
    printf("}\n");
}

static void stream_launches(const char *label, Launch *launch) {
    double host[64], device[64];
    CUDA_KERNEL_NODE_PARAMS *p = &launch->params;
    for (int i = -3; i < 20; i++) {
        CHECK(cuStreamSynchronize(stream));
        CHECK(cuEventRecord(before, stream));
        double start = now_us();
        for (int j = 0; j < BURST; j++)
            CHECK(cuLaunchKernel(p->func, p->gridDimX, 1, 1, p->blockDimX, 1, 1, 0, stream, p->kernelParams, NULL));
        double end = now_us();
        CHECK(cuEventRecord(after, stream));
        CHECK(cuStreamSynchronize(stream));
        float ms;
        CHECK(cuEventElapsedTime(&ms, before, after));
        if (i < 0) continue;
        host[i] = (end - start) / BURST;
        device[i] = ms * 1e3 / BURST;
    }
    double host_us = median(host, 20), device_us = median(device, 20);
    double wall[64];
    for (int i = -3; i < 30; i++) {
        double start = now_us();
        CHECK(cuLaunchKernel(p->func, p->gridDimX, 1, 1, p->blockDimX, 1, 1, 0, stream, p->kernelParams, NULL));
        CHECK(cuStreamSynchronize(stream));
        if (i >= 0) wall[i] = now_us() - start;
    }
    printf("{\"section\":\"stream\",\"kernel\":\"%s\",\"host_us\":%.3f,\"device_us\":%.3f,\"launch_and_wait_us\":%.2f}\n",
           label, host_us, device_us, median(wall, 30));
}

static void chains(const char *label, Launch *launch) {
    int counts[] = {1, 10, 100, 300};
    for (int i = 0; i < 4; i++) {
        Chain chain;
        build(&chain, launch, counts[i], 0);
        Cost cost = launch_cost(chain.exec, 25);
        printf("{\"section\":\"graph\",\"kernel\":\"%s\",\"nodes\":%d,\"instantiate_us\":%.1f,\"host_us\":%.2f,"
               "\"device_us\":%.2f,\"launch_and_wait_us\":%.2f}\n",
               label, counts[i], chain.instantiate_us, cost.host_us, cost.device_us, cost.wall_us);
        drop(&chain);
    }
    printf("{\"section\":\"graph_slope\",\"kernel\":\"%s\",\"per_node_us\":%.3f}\n", label, slope(launch, 0));
}

/* The gap between dependent kernels that fill the device: what a node costs beyond the time it spins. */
static void gaps(double cycles_a_us) {
    unsigned shared[] = {0, 100 << 10, 200 << 10};
    double early[] = {0, 1}, late_us = 5;
    for (int s = 0; s < 3; s++) {
        for (int e = 0; e < 2; e++) {
            Launch launch;
            prepare(&launch, spin, 132, 256, shared[s]);
            launch.numbers[0] = early[e] * cycles_a_us;
            launch.numbers[1] = late_us * cycles_a_us;
            double plain = slope(&launch, 0), overlapped = slope(&launch, 1);
            printf("{\"section\":\"gap\",\"shared_bytes\":%u,\"early_us\":%.1f,\"late_us\":%.1f,\"plain_node_us\":%.3f,"
                   "\"programmatic_node_us\":%.3f,\"plain_gap_us\":%.3f,\"programmatic_gap_us\":%.3f}\n",
                   shared[s], early[e], late_us, plain, overlapped, plain - late_us - early[e],
                   overlapped - late_us - early[e]);
            fflush(stdout);
        }
    }
    Chain chain;
    Launch launch;
    prepare(&launch, empty, 132, 128, 0);
    build(&chain, &launch, 300, 1);
    Cost cost = launch_cost(chain.exec, 15);
    printf("{\"section\":\"graph_programmatic\",\"kernel\":\"empty 132x128\",\"nodes\":300,\"instantiate_us\":%.1f,"
           "\"host_us\":%.2f,\"device_us\":%.2f,\"launch_and_wait_us\":%.2f}\n",
           chain.instantiate_us, cost.host_us, cost.device_us, cost.wall_us);
    drop(&chain);
}

/* New arguments or a new grid for some nodes of an executable graph, and what the next launch then costs. */
static void updates(void) {
    Launch launch;
    prepare(&launch, copy, 132, 128, 0);
    Chain chain;
    build(&chain, &launch, LONGEST, 0);
    Cost untouched = launch_cost(chain.exec, 25);
    printf("{\"section\":\"update\",\"nodes\":%d,\"changed\":0,\"what\":\"nothing\",\"launch_host_us\":%.2f,"
           "\"launch_and_wait_us\":%.2f}\n", LONGEST, untouched.host_us, untouched.wall_us);
    int changed[] = {1, 10, 100, 300};
    for (int what = 0; what < 2; what++) {
        for (int c = 0; c < 4; c++) {
            double update[64], host[64], wall[64], again_host[64], again_wall[64];
            for (int i = -3; i < 25; i++) {
                launch.numbers[0] = 132 * 128 - (i & 1);
                if (what == 1) launch.params.gridDimX = 131 + (i & 1);
                double start = now_us();
                for (int node = 0; node < changed[c]; node++)
                    CHECK(cuGraphExecKernelNodeSetParams(chain.exec, chain.nodes[node], &launch.params));
                double updated = now_us();
                CHECK(cuGraphLaunch(chain.exec, stream));
                double launched = now_us();
                CHECK(cuStreamSynchronize(stream));
                double end = now_us();
                CHECK(cuGraphLaunch(chain.exec, stream));
                double second = now_us();
                CHECK(cuStreamSynchronize(stream));
                double second_end = now_us();
                if (i < 0) continue;
                update[i] = (updated - start) / changed[c];
                host[i] = launched - updated;
                wall[i] = end - updated;
                again_host[i] = second - end;
                again_wall[i] = second_end - end;
            }
            printf("{\"section\":\"update\",\"nodes\":%d,\"changed\":%d,\"what\":\"%s\",\"update_us_a_node\":%.3f,"
                   "\"launch_host_us\":%.2f,\"launch_and_wait_us\":%.2f,\"second_launch_host_us\":%.2f,"
                   "\"second_launch_and_wait_us\":%.2f}\n",
                   LONGEST, changed[c], what ? "arguments and grid" : "arguments", median(update, 25), median(host, 25),
                   median(wall, 25), median(again_host, 25), median(again_wall, 25));
        }
    }
    /* The same through the graph that the executable one came from: change the node there, then update the whole. */
    double whole_changed[64], whole_host[64], whole_wall[64];
    for (int i = -3; i < 25; i++) {
        CUgraphExecUpdateResultInfo result;
        launch.params.gridDimX = 131 + (i & 1);
        double start = now_us();
        for (int node = 0; node < 100; node++)
            CHECK(cuGraphKernelNodeSetParams(chain.nodes[node], &launch.params));
        CHECK(cuGraphExecUpdate(chain.exec, chain.graph, &result));
        double updated = now_us();
        CHECK(cuGraphLaunch(chain.exec, stream));
        double launched = now_us();
        CHECK(cuStreamSynchronize(stream));
        double end = now_us();
        if (i < 0) continue;
        whole_changed[i] = updated - start;
        whole_host[i] = launched - updated;
        whole_wall[i] = end - updated;
    }
    printf("{\"section\":\"whole_update_changed\",\"nodes\":%d,\"changed\":100,\"update_us\":%.2f,\"launch_host_us\":%.2f,"
           "\"launch_and_wait_us\":%.2f}\n", LONGEST, median(whole_changed, 25), median(whole_host, 25),
           median(whole_wall, 25));
    double whole[64], flags[64];
    for (int i = -2; i < 15; i++) {
        CUgraphExecUpdateResultInfo result;
        double start = now_us();
        CHECK(cuGraphExecUpdate(chain.exec, chain.graph, &result));
        if (i >= 0) whole[i] = now_us() - start;
    }
    for (int i = -2; i < 15; i++) {
        double start = now_us();
        CHECK(cuGraphNodeSetEnabled(chain.exec, chain.nodes[7], i & 1));
        if (i >= 0) flags[i] = now_us() - start;
    }
    printf("{\"section\":\"whole_update\",\"nodes\":%d,\"exec_update_us\":%.2f,\"set_enabled_us\":%.3f}\n", LONGEST,
           median(whole, 15), median(flags, 15));
    for (int i = 0; i < LONGEST; i++) CHECK(cuGraphNodeSetEnabled(chain.exec, chain.nodes[i], i % 3 == 0));
    Cost third = launch_cost(chain.exec, 15);
    printf("{\"section\":\"disabled\",\"nodes\":%d,\"enabled\":100,\"host_us\":%.2f,\"device_us\":%.2f}\n", LONGEST,
           third.host_us, third.device_us);
    drop(&chain);
}

/* How the sizes of a call can reach the device: a copy node, a copy on the stream, arguments of the first kernel. */
static void parameter_blocks(void) {
    void *pinned;
    CHECK(cuMemHostAlloc(&pinned, 4096, CU_MEMHOSTALLOC_DEVICEMAP));
    memset(pinned, 1, 4096);
    Launch launch;
    prepare(&launch, copy, 132, 128, 0);
    Chain chain;
    build(&chain, &launch, 100, 0);
    Cost plain = launch_cost(chain.exec, 25);
    double wall[64];
    for (int i = -3; i < 25; i++) {
        CHECK(cuStreamSynchronize(stream));
        double start = now_us();
        CHECK(cuMemcpyHtoDAsync(buffer, pinned, 256, stream));
        CHECK(cuGraphLaunch(chain.exec, stream));
        CHECK(cuStreamSynchronize(stream));
        if (i >= 0) wall[i] = now_us() - start;
    }
    double on_stream = median(wall, 25);
    CUgraphNode node;
    CUDA_MEMCPY3D move;
    memset(&move, 0, sizeof move);
    move.srcMemoryType = CU_MEMORYTYPE_HOST;
    move.srcHost = pinned;
    move.dstMemoryType = CU_MEMORYTYPE_DEVICE;
    move.dstDevice = buffer;
    move.WidthInBytes = 256;
    move.Height = move.Depth = 1;
    CUcontext context;
    CHECK(cuCtxGetCurrent(&context));
    CHECK(cuGraphAddMemcpyNode(&node, chain.graph, NULL, 0, &move, context));
    CHECK(cuGraphAddDependencies(chain.graph, &node, &chain.nodes[0], NULL, 1));
    CUgraphExec with_copy;
    CHECK(cuGraphInstantiate(&with_copy, chain.graph, 0));
    Cost copied = launch_cost(with_copy, 25);
    CHECK(cuGraphExecDestroy(with_copy));
    drop(&chain);
    /* The first kernel reads pinned memory of the host itself. */
    CUdeviceptr mapped;
    CHECK(cuMemHostGetDevicePointer(&mapped, pinned, 0));
    Launch reader;
    prepare(&reader, copy, 1, 32, 0);
    reader.pointers[0] = mapped;
    reader.numbers[0] = 16;
    build(&chain, &launch, 100, 0);
    CHECK(cuGraphAddKernelNode(&node, chain.graph, NULL, 0, &reader.params));
    CHECK(cuGraphAddDependencies(chain.graph, &node, &chain.nodes[0], NULL, 1));
    CUgraphExec with_reader;
    CHECK(cuGraphInstantiate(&with_reader, chain.graph, 0));
    Cost read = launch_cost(with_reader, 25);
    CHECK(cuGraphExecDestroy(with_reader));
    drop(&chain);
    printf("{\"section\":\"parameter_block\",\"nodes\":100,\"plain_wall_us\":%.2f,\"stream_copy_wall_us\":%.2f,"
           "\"copy_node_wall_us\":%.2f,\"kernel_reads_host_wall_us\":%.2f,\"plain_device_us\":%.2f,"
           "\"copy_node_device_us\":%.2f,\"kernel_reads_host_device_us\":%.2f}\n",
           plain.wall_us, on_stream, copied.wall_us, read.wall_us, plain.device_us, copied.device_us, read.device_us);
}

int main(int count, char **arguments) {
    CUdevice device;
    CUcontext context;
    CUmodule module;
    if (count < 2) return fprintf(stderr, "usage: launches CUBIN\n"), 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(cuInit(0));
    CHECK(cuDeviceGet(&device, 0));
    CHECK(cuDevicePrimaryCtxRetain(&context, device));
    CHECK(cuCtxSetCurrent(context));
    describe_device(device);
    CHECK(cuModuleLoad(&module, arguments[1]));
    CHECK(cuModuleGetFunction(&empty, module, "empty"));
    CHECK(cuModuleGetFunction(&copy, module, "copy"));
    CHECK(cuModuleGetFunction(&spin, module, "spin"));
    CHECK(cuFuncSetAttribute(spin, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 220 << 10));
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CHECK(cuEventCreate(&before, CU_EVENT_DEFAULT));
    CHECK(cuEventCreate(&after, CU_EVENT_DEFAULT));
    CHECK(cuMemAlloc(&buffer, 64 << 20));
    CHECK(cuMemsetD8(buffer, 1, 64 << 20));

    /* The clock, from one long spin. */
    unsigned long long times[2];
    Launch launch;
    prepare(&launch, spin, 132, 256, 0);
    launch.numbers[1] = 40000000;
    for (int i = 0; i < 2; i++)
        CHECK(cuLaunchKernel(spin, 132, 1, 1, 256, 1, 1, 0, stream, launch.arguments, NULL));
    CHECK(cuStreamSynchronize(stream));
    CHECK(cuMemcpyDtoH(times, buffer, sizeof times));
    double cycles_a_us = times[0] * 1e3 / times[1];
    printf("{\"section\":\"clock\",\"mhz\":%.1f}\n", cycles_a_us);

    prepare(&launch, empty, 132, 256, 0);
    stream_launches("empty 132x256", &launch);
    prepare(&launch, empty, 1, 32, 0);
    stream_launches("empty 1x32", &launch);
    chains("empty 1x32", &launch);
    prepare(&launch, empty, 132, 256, 0);
    stream_launches("empty 132x256", &launch);
    chains("empty 132x256", &launch);
    prepare(&launch, copy, 148, 128, 0); /* 303 kB, ViT-B's tokens of one image */
    stream_launches("copy 148x128, 303 kB", &launch);
    chains("copy 148x128, 303 kB", &launch);
    updates();
    gaps(cycles_a_us);
    parameter_blocks();

    unsigned grids[] = {132, 1056, 8448, 67584};
    for (int i = 0; i < 4; i++) {
        prepare(&launch, empty, grids[i], 128, 0);
        printf("{\"section\":\"grid\",\"blocks\":%u,\"threads\":128,\"per_node_us\":%.3f}\n", grids[i], slope(&launch, 0));
    }
    printf("{\"section\":\"end\"}\n");
    return 0;
}
