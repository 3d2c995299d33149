"""The one element that all widgets draw with: a picture, its alt text, and words below it.

ipywidgets' own ``Image`` has no alt text, and its ``HTML`` must send a picture as base64 text
inside markup. This anywidget sends the bytes as they are, and one message changes picture, alt text
and words together.
"""

from __future__ import annotations

import base64
import html
import struct
import zlib
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from course_utils.figures import style
from course_utils.figures.picture import Picture

_HERE = Path(__file__).parent
CSS_PIXELS_PER_INCH = 96


class LivePicture(anywidget.AnyWidget):
    """A picture in the page that can be replaced at any time, without a flicker.

    Attributes
    ----------
    png : bytes
        The picture; empty for none.
    alt : str
        What it shows, for those who do not see it.
    caption : str
        Words below it, read out by screen readers when they change.
    problem : bool
        The caption says what went wrong; it is marked by a bar as well as by its words.
    width : int
        In CSS pixels; 0 for the picture's own.
    """

    _esm = (_HERE / "live_picture.js").read_text(encoding="utf-8")
    _css = (_HERE / "live_picture.css").read_text(encoding="utf-8")

    png = traitlets.Bytes(b"").tag(sync=True)
    alt = traitlets.Unicode("").tag(sync=True)
    caption = traitlets.Unicode("").tag(sync=True)
    problem = traitlets.Bool(False).tag(sync=True)
    width = traitlets.Int(0).tag(sync=True)

    def show(
        self, png: bytes, alt: str, *, caption: str | None = None, width: int | None = None
    ) -> None:
        """Replace picture, alt text and, if given, caption in one message."""
        with self.hold_sync():
            self.png, self.alt, self.problem = png, alt, False
            if caption is not None:
                self.caption = caption
            if width is not None:
                self.width = width

    def show_picture(self, picture: Picture, *, caption: str | None = None) -> None:
        """Draw a whole figure; `blitting` is for those with moving parts."""
        width = round(picture.figure.get_size_inches()[0] * CSS_PIXELS_PER_INCH)
        self.show(picture.png(), picture.alt, caption=caption, width=width)

    def complain(self, sentence: str) -> None:
        """Say what went wrong; the picture stays as it was."""
        with self.hold_sync():
            self.caption, self.problem = sentence, True

    def still(self) -> str:
        """The picture and its words as HTML that needs no kernel."""
        words = f"<p>{html.escape(self.caption)}</p>" if self.caption else ""
        if not self.png:
            return words
        data = base64.b64encode(self.png).decode("ascii")
        width = f' width="{self.width}"' if self.width else ""
        return (
            f'<img src="data:image/png;base64,{data}" alt="{html.escape(self.alt, quote=True)}"'
            f'{width} style="max-width:100%;height:auto;background:{style.CARD}">{words}'
        )


def encode_png(pixels: np.ndarray) -> bytes:
    """Pixels as a PNG file, fast.

    Parameters
    ----------
    pixels : uint8 [H, W, 3 or 4]
        A fourth channel is left out: the course's pictures are opaque cards.

    Notes
    -----
    Pillow tries five filters for every line, which takes twice the time of everything else and
    gains nothing on flat drawings. A PNG with the filter "none" is a header and one zlib stream.
    """
    height, width = pixels.shape[:2]
    lines = np.empty((height, 1 + 3 * width), np.uint8)
    lines[:, 0] = 0  # filter "none"
    for channel in range(3):  # one by one: NumPy copies three neighbours five times slower
        lines[:, 1 + channel :: 3] = pixels[:, :, channel]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    data = zlib.compress(lines.data, 1)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
