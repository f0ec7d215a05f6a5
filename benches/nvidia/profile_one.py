"""One launch of each of a few drafts at a size that fills the card, for ncu to look at.

    ncu --clock-control none --section SpeedOfLight --section WarpStateStats --section SchedulerStats \\
        --section MemoryWorkloadAnalysis --section MemoryWorkloadAnalysis_Tables --section Occupancy \\
        -k regex:"gemm|attention" python profile_one.py build GEMM_SCHEDULE ATTENTION_SCHEDULE
"""

import json
import pathlib
import sys

import torch

import measure_attention
import measure_gemm
import schedules

if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    for name in sys.argv[2].split(","):
        draft = measure_gemm.Draft(folder, name, json.loads((folder / "gemm.json").read_text()))
        a, w, c = (measure_gemm.random(4096, 4096) for _ in range(3))
        draft.bind(a, draft.weight(w), c, a, (4096, 4096, 4096))[0]()
    for name in sys.argv[3].split(","):
        draft = measure_attention.Draft(folder, name, json.loads((folder / "attention.json").read_text()))
        head_dim = draft.schedule.head_dim
        qkv = measure_attention.random_qkv(8, 1024, schedules.HEADS[head_dim], head_dim)
        draft.bind(qkv, torch.empty_like(qkv[:, :, 0].contiguous()))()
    torch.cuda.synchronize()
