"""Which schedules of the drafts are built and measured, and on which shapes."""

GEMM = [
    # two blocks of four warps a multiprocessor, 64 x 64 a warp
    "128x128x32_2x2_s4", "128x128x32_2x2_s5", "128x128x32_2x2_s6", "128x128x64_2x2_s3", "128x128x64_2x2_s4",
    "64x256x32_1x4_s4", "256x64x32_4x1_s4", "64x256x64_1x4_s3", "256x64x64_4x1_s3",
    # one block of eight warps, 64 x 64 a warp
    "128x256x32_2x4_s4", "128x256x32_2x4_s5", "128x256x64_2x4_s3", "128x256x64_2x4_s4", "256x128x32_4x2_s4",
    "256x128x64_4x2_s3", "256x128x64_4x2_s4",
    # eight warps, 64 x 32 or 32 x 64 a warp
    "128x128x32_2x4_s4", "128x128x64_2x4_s3", "128x128x64_2x4_s4", "128x128x64_4x2_s3",
    # smaller tiles, for few rows
    "128x64x64_2x2_s3", "128x64x64_2x2_s4", "128x64x32_2x2_s4", "64x128x64_2x2_s3", "64x128x64_2x2_s4",
    "64x128x32_2x2_s4", "64x128x64_1x4_s4", "64x64x64_2x2_s3", "64x64x64_2x2_s4", "64x64x64_2x2_s6", "64x64x32_2x2_s4",
    "64x64x128_2x2_s3", "32x64x64_1x2_s4", "32x128x64_1x4_s4", "64x32x64_2x1_s4",
    "64x96x64_2x2_s4", "128x96x64_2x2_s3", "128x192x64_2x4_s3",
    # another order of blocks
    "128x128x64_2x2_s3_g4", "128x128x64_2x2_s3_g16", "128x256x64_2x4_s3_g4", "128x256x64_2x4_s3_g16",
    # accumulators stored as they lie
    "128x128x64_2x2_s3_d", "64x64x64_2x2_s4_d",
    # as much of k under way as shared memory holds, for few rows
    "32x64x64_1x2_s8", "32x64x64_1x2_s12", "32x128x64_1x4_s8", "32x128x64_1x4_s11", "64x32x64_2x1_s8", "64x64x64_2x2_s8",
    "64x64x64_2x2_s12", "64x64x128_2x2_s6", "64x128x64_2x2_s6", "64x128x64_2x2_s9", "64x128x64_1x4_s6",
    "128x64x64_2x2_s6", "128x128x64_2x2_s6", "64x96x64_2x2_s8", "64x256x64_1x4_s5",
    # fragments of W a pair of tiles ahead: fewer registers, so larger tiles of warps (96 x 64) or more blocks
    "128x128x32_2x2_s4_r", "128x128x32_2x2_s4_c3_r", "128x128x64_2x2_s3_r", "128x256x32_2x4_s4_r", "128x256x64_2x4_s3_r",
    "192x256x32_2x4_s4_r", "192x256x64_2x4_s3_r", "192x128x32_2x2_s4_r", "192x128x32_2x2_s5_r", "256x192x32_4x2_s4_r",
    "64x256x64_1x4_s3_r", "256x128x64_4x2_s3_r", "64x128x64_2x2_s4_r",
    # W before the last kernel has ended
    "32x64x64_1x2_s12_w", "32x128x64_1x4_s8_w", "64x64x64_2x2_s8_w", "64x128x64_2x2_s6_w", "64x128x64_2x2_s4_w",
    "128x128x64_2x2_s3_w", "128x128x32_2x2_s4_w", "128x256x64_2x4_s3_w",
    # warps that share k: fewer bytes through ldmatrix in small tiles
    "64x64x64_1x1x4_s6", "64x64x64_1x1x4_s8", "64x64x128_1x1x4_s4", "64x64x128_1x1x4_s6", "64x128x64_1x2x2_s5",
    "64x128x64_1x2x2_s8", "64x128x64_1x2x4_s6", "32x128x64_1x2x2_s8", "32x64x64_1x1x2_s12", "64x64x64_1x1x2_s8",
    "128x128x64_2x2x2_s4", "128x128x64_2x2x2_s6", "128x64x64_2x1x2_s6", "64x256x64_1x4x2_s4",
    "64x64x64_1x2_s8", "64x64x64_2x1_s8", "64x128x64_1x2_s6",
    # each column of tiles begins at another place of k
    "32x64x64_1x2_s12_t", "32x128x64_1x4_s8_t", "64x64x64_2x2_s8_t", "64x128x64_2x2_s4_t", "64x128x64_2x2_s6_t",
    "64x256x64_1x4_s5_t", "128x64x64_2x2_s6_t", "128x128x64_2x2_s3_t", "128x128x32_2x2_s4_t", "128x256x32_2x4_s4_t",
    "128x256x64_2x4_s3_t", "256x128x64_4x2_s3_t", "192x128x32_2x2_s4_rt", "192x256x32_2x4_s4_rt", "64x64x64_1x1x4_s8_t",
    "64x128x64_1x2x2_s5_t", "128x128x64_2x2x2_s4_t",
    "32x64x64_1x2_s12_wt", "32x128x64_1x4_s8_wt", "64x128x64_2x2_s6_wt", "64x64x64_1x1x4_s8_wt", "64x128x64_1x2x2_s5_wt",
    "128x128x64_2x2_s3_wt", "128x256x64_2x4_s3_wt",
    # copies spread between the mma.sync; longer tiles of k
    "128x128x64_2x2_s3_e", "128x128x32_2x2_s4_e", "128x256x64_2x4_s3_e", "256x128x64_4x2_s3_e", "128x256x32_2x4_s4_e",
    "128x128x64_2x2_s3_te", "128x256x128_2x4_s2", "256x128x128_4x2_s2",
    # rows past the end are not read; written after the last measurement
    "32x128x64_1x4_s8_m", "64x128x64_2x2_s4_m", "64x128x64_2x2_s6_m", "64x256x64_1x4_s5_m", "128x128x64_2x2_s3_m",
    "128x256x64_2x4_s3_m", "64x128x64_2x2_s6_wm",
    # no copies in the loop: wrong answers, to see what they cost
    "128x128x64_2x2_s3_x", "128x256x64_2x4_s3_x", "64x64x64_2x2_s4_x",
    # a bias
    "128x128x64_2x2_s3_b", "64x64x64_2x2_s4_b",
]
GEMM_PACKED = [
    "128x128x32_2x2_s4_p", "128x128x64_2x2_s3_p", "128x256x32_2x4_s4_p", "128x256x64_2x4_s3_p", "256x128x64_4x2_s3_p",
    "128x64x64_2x2_s4_p", "64x128x64_2x2_s4_p", "64x64x64_2x2_s4_p", "64x64x128_2x2_s3_p", "32x64x64_1x2_s4_p",
    "32x64x64_1x2_s12_p", "32x128x64_1x4_s8_p", "128x128x32_2x2_s4_pr", "128x256x32_2x4_s4_pr", "128x256x64_2x4_s3_pr",
    "192x256x32_2x4_s4_pr", "192x128x32_2x2_s4_pr",
    "64x128x64_2x2_s6_pt", "128x128x64_2x2_s3_pt", "192x128x32_2x2_s4_prt", "192x256x32_2x4_s4_prt", "128x128x64_2x2_s3_pe",
    "256x128x64_4x2_s3_pe", "64x64x64_1x1x4_s8_pt", "32x64x64_1x2_s12_pt",
]
GEMM_SPLIT = [
    "64x64x64_2x2_s4_k", "64x128x64_2x2_s4_k", "128x64x64_2x2_s4_k", "128x128x64_2x2_s3_k", "64x64x128_2x2_s3_k",
    "64x64x64_2x2_s6_a", "64x128x64_2x2_s4_a", "64x128x64_2x2_s6_a", "128x64x64_2x2_s4_a", "128x128x64_2x2_s3_a",
    "128x128x64_2x2_s4_a", "128x256x64_2x4_s3_a", "32x128x64_1x4_s8_a", "32x64x64_1x2_s8_a",
    "64x64x64_1x1x4_s6_a", "64x128x64_1x2x2_s5_a", "64x128x64_2x2_s6_at", "128x128x64_2x2x2_s4_a", "64x128x64_1x2x2_s5_wa",
]

VIT_B = [("qkv", 768, 2304), ("proj", 768, 768), ("fc1", 768, 3072), ("fc2", 3072, 768)]
SO400M = [("qkv", 1152, 3456), ("proj", 1152, 1152), ("fc1", 1152, 4304), ("fc2", 4304, 1152)]
DINO_L = [("qkv", 1024, 3072), ("proj", 1024, 1024), ("fc1", 1024, 4096), ("fc2", 4096, 1024)]
SHAPES = [("square", 8192, 8192, 8192)]
for model, layers, tokens, batches in (
    ("ViT-B", VIT_B, 197, (1, 8, 32)), ("so400m", SO400M, 729, (1, 8)), ("DINOv2-L", DINO_L, 257, (1, 8)),
):
    SHAPES += [(f"{model} {layer} x{batch}", tokens * batch, n, k) for batch in batches for layer, k, n in layers]

HEAD_DIMS = (64, 72, 80, 88, 128)
ATTENTION = []
for head_dim in HEAD_DIMS:
    ATTENTION += [f"{head_dim}_q16x4_k32_s2", f"{head_dim}_q16x4_k64_s2", f"{head_dim}_q16x8_k64_s2"]
    ATTENTION += [f"{head_dim}_q32x4_k32_s2", f"{head_dim}_q16x4_k64_s2_r", f"{head_dim}_q32x4_k64_s2_r"]
    ATTENTION += [f"{head_dim}_q32x2_k32_s2_r"]
    if head_dim <= 80:
        ATTENTION += [f"{head_dim}_q32x4_k64_s2", f"{head_dim}_q32x4_k64_s3", f"{head_dim}_q16x4_k128_s2",
                      f"{head_dim}_q16x8_k128_s2", f"{head_dim}_q32x2_k64_s2", f"{head_dim}_q16x4_k32_s3",
                      f"{head_dim}_q16x2_k64_s2"]
    if head_dim in (72, 88):
        ATTENTION += [f"{head_dim}_q16x4_k64_s2_z", f"{head_dim}_q16x8_k64_s2_z", f"{head_dim}_q32x4_k32_s2_z"]
ATTENTION += [  # three blocks a multiprocessor; scores one block ahead
    "64_q32x4_k32_s2_c3_r", "72_q32x4_k32_s2_c3_r", "80_q32x4_k32_s2_c3_r", "64_q32x4_k32_s3_p", "64_q32x4_k32_s4_p",
    "64_q32x4_k32_s3_rp", "64_q32x4_k64_s3_rp", "72_q32x4_k32_s3_p", "72_q32x4_k32_s4_p", "72_q32x4_k32_s3_rp",
    "80_q32x4_k32_s3_p", "80_q32x4_k32_s4_p", "80_q32x4_k32_s3_rp", "88_q32x4_k32_s3_rp", "128_q16x4_k32_s3_p",
    "128_q16x4_k64_s3_rp", "64_q16x4_k64_s3_p", "72_q16x4_k64_s3_p", "80_q16x4_k64_s3_p", "64_q16x8_k64_s3_p",
    "72_q16x8_k64_s3_p", "64_q16x2_k32_s3", "72_q16x2_k32_s3", "80_q16x2_k32_s3", "64_q16x2_k128_s2", "72_q16x2_k128_s2",
    "80_q16x2_k128_s2", "128_q16x2_k64_s2", "88_q16x2_k64_s2",
]
ATTENTION += [  # the answer shrinks only where a maximum has grown
    *(f"{head_dim}_q32x4_k64_s2_v" for head_dim in (64, 72, 80)), *(f"{head_dim}_q32x4_k32_s2_v" for head_dim in HEAD_DIMS),
    *(f"{head_dim}_q32x4_k64_s2_rv" for head_dim in (72, 80, 88)), *(f"{head_dim}_q16x4_k64_s2_v" for head_dim in HEAD_DIMS),
    "64_q32x2_k64_s2_v", "128_q16x8_k64_s2_v", "64_q32x4_k32_s3_pv", "72_q16x8_k128_s2_v",
]
HEADS = {64: 12, 72: 16, 80: 16, 88: 16, 128: 16}
TOKENS = (197, 257, 729, 1024, 4096)
BATCHES = (1, 8)
PROFILED = (  # by ncu: gemms at 4096³, attentions at 8 x 1024 tokens
    ("256x128x64_4x2_s3", "128x128x64_2x2_s3", "128x256x64_2x4_s3_e"),
    ("64_q32x4_k64_s2", "64_q32x4_k64_s2_v", "72_q32x4_k32_s2", "128_q16x8_k64_s2"),
)
