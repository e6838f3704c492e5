"""Updates the .ts files from the sources and compiles them: `python qgis_plugin/i18n/collect.py`.

Each text in a call of `tr` is a message of the only context. Existing translations are kept, and unused messages
removed. `lrelease` (Qt tools) writes the .qm file that the plugin loads. Not part of the plugin itself.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

FOLDER = Path(__file__).parent
CONTEXT = "FctlGeo"


def texts_of(path: Path) -> list[str]:
    """The texts of all calls of `tr` in a file, in order."""
    calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    found = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "tr"]
    texts = []
    for call in sorted(found, key=lambda each: (each.lineno, each.col_offset)):
        argument = call.args[0]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            texts.append(argument.value)
        elif not isinstance(argument, ast.Name):
            raise SystemExit(f"{path}:{call.lineno}: tr() needs a string literal, so that it can be found")
    return texts


def all_texts() -> list[str]:
    """The texts of the whole plugin, each once."""
    files = sorted(path for path in FOLDER.parent.rglob("*.py") if path.parent != FOLDER)
    return list(dict.fromkeys(text for path in files for text in texts_of(path)))


def translations(path: Path) -> dict[str, str]:
    """The existing translations."""
    if not path.exists():
        return {}
    messages = ET.parse(path).getroot().iter("message")
    return {each.findtext("source", ""): each.findtext("translation", "") for each in messages}


def write_ts(path: Path, language: str, done: dict[str, str]) -> None:
    """A Qt translation file with all texts."""
    root = ET.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ET.SubElement(root, "context")
    ET.SubElement(context, "name").text = CONTEXT
    for text in all_texts():
        message = ET.SubElement(context, "message")
        ET.SubElement(message, "source").text = text
        translation = ET.SubElement(message, "translation")
        translation.text = done.get(text, "")
        if not translation.text:
            translation.set("type", "unfinished")
    ET.indent(root)
    head = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n'
    path.write_text(head + ET.tostring(root, encoding="unicode") + "\n", "utf-8")


def main() -> None:
    for path in sorted(FOLDER.glob("fctl_geo_*.ts")):
        write_ts(path, path.stem.rsplit("_", 1)[-1], translations(path))
        subprocess.run(["lrelease", "-silent", str(path)], check=True)
        missing = [text for text, words in translations(path).items() if not words]
        print(f"{path.name}: {len(all_texts())} texts, {len(missing)} not translated", file=sys.stderr)


if __name__ == "__main__":
    main()
