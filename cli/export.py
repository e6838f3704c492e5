"""`fctl-geo export`: writes a model as ONNX."""

from __future__ import annotations

from pathlib import Path

import click

from .console import Console, console_options
from .options import FILE, overwrite_option


@click.command("export")
@click.argument("model")
@click.option("--out", type=FILE, required=True, help="ONNX file (.onnx) to write.")
@overwrite_option
@console_options
@click.pass_obj
def command(console: Console, /, model: str, out: Path, overwrite: bool) -> None:
    """Write a model as ONNX, to run it without torch.

    Takes the name of a shipped model or a .safetensors file; needs torch and `pip install 'fctl-geo[export]'`, and
    about half a minute. Writes one .onnx file with both networks and all metadata, checked against torch, for --model
    and for other programs. An --out that ends in .graph.onnx leaves the weights out, to lie beside the model file.

    \b
    fctl-geo export mine.safetensors --out mine.onnx
    """
    from fctl_geo.errors import DeviceError
    from fctl_geo.model.installed import INSTALL_TORCH, has_torch
    from fctl_geo.storage.outputs import check_outputs

    from .summary import make_console

    check_outputs([out], overwrite, endings=(".onnx",))
    if not has_torch():
        raise DeviceError("exporting needs torch, which is not installed", hint=INSTALL_TORCH)
    from fctl_geo.model.onnx_export import export_onnx

    info = export_onnx(model, out)
    terminal = make_console()
    terminal.print(f"model    {info.name} {info.version}", soft_wrap=True)
    terminal.print(f"file     {out} ({out.stat().st_size / 1e6:.1f} MB)", markup=False, soft_wrap=True)
