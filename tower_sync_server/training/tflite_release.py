"""`python -m tower_sync_server.training.tflite_release FOLDER`: the shipped detector as TFLite.

Writes a release that `edgecase models install` takes: INT8 weights, the fp32 file beside them,
golden photos with what these weights say of them. Needs litert-torch.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from models.detector import Detector
from models.manifest_writer import write_manifest
from models.release import Format, Golden, ModelRelease, read_manifest
from models.runners import open_runner
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.samples import decode_jpeg
from tower_sync_server.render.scene import render_photo
from tower_sync_server.training.cache import letterboxed
from tower_sync_server.training.export_tflite import (
    NEEDED,
    available,
    export_tflite_fp32,
    export_tflite_int8,
)
from tower_sync_server.training.network import DetectorNet
from tower_sync_server.training.publish import expected_of, file_entry
from tower_sync_server.training.start import start_from_onnx

if TYPE_CHECKING:
    import numpy.typing as npt

_SHIPPED = Path(__file__).parents[2] / "models/zoo/vehicle-damage-detector/1.0.0"
_WEIGHTS, _REFERENCE = "model.tflite", "model-fp32.tflite"
_CALIBRATION_PHOTOS = 100


def release_as_tflite(source: Path, folder: Path, pictures: npt.NDArray[np.uint8]) -> ModelRelease:
    """Write the detector in `source` to `folder` as TFLite, with its manifest.

    Args:
        source: holds model.toml, model-fp32.onnx and the golden photos.
        folder: made anew.
        pictures: (N, S, S, 3) canvases that show what activations to expect.
    """
    theirs = read_manifest(source)
    spec = theirs.input
    if spec is None:
        raise ValueError(f"{theirs.ref} doesn't say how large its input is")
    network = DetectorNet(len(LABELS))
    start_from_onnx(network, source / "model-fp32.onnx")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source / "golden", folder / "golden")
    export_tflite_fp32(network, spec.width, folder / _REFERENCE)
    export_tflite_int8(folder / _REFERENCE, pictures, folder / _WEIGHTS)
    files = (
        file_entry(folder, _WEIGHTS, "weights"), file_entry(folder, _REFERENCE, "reference"),
        *(file_entry(folder, one.image, "golden") for one in theirs.golden),
    )  # fmt: skip
    bare = replace(
        theirs, version=f"{theirs.version}+tflite", format=Format.TFLITE, files=files,
        input=replace(spec, layout="NHWC"), requires={"ai-edge-litert": "2.0"},
        golden=(), figures={},
    )  # fmt: skip
    detector = Detector(open_runner(folder, bare), bare)
    golden = tuple(
        Golden(one.image, expected_of(detector, decode_jpeg((folder / one.image).read_bytes())))
        for one in theirs.golden
    )
    write_manifest(folder, replace(bare, golden=golden))
    return replace(bare, golden=golden)


def main(
    folder: Annotated[Path, typer.Argument(help="Where to write; emptied first.")],
    source: Annotated[Path, typer.Option(help="The detector's folder in the zoo.")] = _SHIPPED,
) -> None:
    """Write the shipped detector as a TFLite release."""
    if not available():
        typer.echo(f"Install litert-torch first: {' and '.join(NEEDED)} are missing.", err=True)
        raise typer.Exit(1)
    side = 320
    pictures = [
        letterboxed(render_photo(seed, split="train", width=480, height=360), side)[0]
        for seed in range(_CALIBRATION_PHOTOS)
    ]
    release = release_as_tflite(source, folder, np.stack(pictures))
    typer.echo(f"{release.ref} in {folder}")


if __name__ == "__main__":
    typer.run(main)
